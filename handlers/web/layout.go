package web

import (
	"context"
	"io"
	"net/http"

	"github.com/a-h/templ"

	"dashtam/services/auth"
)

// fr stands in for views/layouts until that lands.
type fr struct{ Title, Nonce, RequestID, Path, Flash string }

func frame(r *http.Request, m Meta) fr {
	info := InfoFrom(r.Context())
	_, text := takeFlash(r.Context())
	_ = auth.VisitorFrom(r.Context())
	return fr{Title: m.Title, Nonce: info.Nonce, RequestID: info.RequestID, Path: r.URL.Path, Flash: text}
}

func layout(f fr, _ Shell, body templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		head := "<!doctype html><html lang=\"en\"><head><title>" + templ.EscapeString(f.Title) + " · Dashtam</title></head><body><main id=\"main\">"
		if f.Flash != "" {
			head += "<div role=\"status\">" + templ.EscapeString(f.Flash) + "</div>"
		}
		if _, err := io.WriteString(w, head); err != nil {
			return err
		}
		if err := body.Render(ctx, w); err != nil {
			return err
		}
		_, err := io.WriteString(w, "</main></body></html>")
		return err
	})
}
