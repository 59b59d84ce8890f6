package web

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"dashtam/services/auth"
	"dashtam/views/components"
	"dashtam/views/layouts"
)

// frame is what stands around the page of this request. It takes the flash, so it is asked for once per page.
func frame(r *http.Request, m Meta) layouts.Frame {
	info := InfoFrom(r.Context())
	f := layouts.Frame{
		Title: m.Title, Nav: m.Nav, Nonce: info.Nonce, RequestID: info.RequestID, Path: r.URL.RequestURI(), Theme: cookie(r, ThemeCookie),
		RailIcons: cookie(r, RailCookie) == "icons", Refresh: m.Refresh, About: m.About, Host: r.Host,
	}
	visitor := auth.VisitorFrom(r.Context())
	f.NeedsYou = max(visitor.NeedsYou, m.NeedsYou)
	if u := visitor.User; u != nil {
		f.Person = &layouts.Person{
			Name: u.Name, Email: u.Email, Initials: components.Initials(u.Name), Theme: u.Theme, Admin: u.Admin(), Shortcuts: u.Shortcuts,
		}
	}
	if tone, text := takeFlash(r.Context()); text != "" {
		first, rest, found := strings.Cut(text, ". ")
		if found {
			first += "."
		}
		f.Flash = &components.Flash{Kind: string(tone), Title: first, Text: rest, Here: r.URL.RequestURI()}
	}
	return f
}

// in puts body into the layout of its shell.
func in(shell Shell, f layouts.Frame, body templ.Component) templ.Component {
	var layout templ.Component
	switch shell {
	case App:
		layout = layouts.App(f)
	case Gate:
		layout = layouts.Gate(f)
	case Plain:
		layout = layouts.Plain(f)
	}
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return layout.Render(templ.WithChildren(ctx, body), w)
	})
}
