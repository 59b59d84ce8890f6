package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dashtam/services/auth"
	"dashtam/services/profile"
)

// Meta says what stands around a page's body.
type Meta struct {
	Title    string // of the document, without the product's name
	Nav      string // which place of the navigation is current: overview, accounts, transactions, connections, settings, admin
	Shell    Shell
	NeedsYou int    // connections that wait for the person, for the navigation's count
	About    string // what search engines may say of the page; empty = they are asked to leave it out
	Refresh  string // where the page goes on to by itself, at once; empty = nowhere
}

// Shell is which layout a page stands in.
type Shell uint8

// The shells.
const (
	App   Shell = iota // signed in: navigation and page
	Gate               // sign-in, sign-up and what belongs to them
	Plain              // landing and errors: a brand and a page
)

// Page answers with body inside its layout, or with body alone when htmx asks for a fragment. Everything is rendered
// before the first byte goes out.
func Page(c echo.Context, status int, m Meta, body templ.Component) error {
	if m.About == "" {
		c.Response().Header().Set("X-Robots-Tag", "noindex")
	}
	if WantsFragment(c.Request()) {
		return Fragment(c, status, body)
	}
	return write(c.Response(), c.Request(), status, in(m.Shell, frame(c.Request(), m), body))
}

// Fragment answers with body alone.
func Fragment(c echo.Context, status int, body templ.Component) error {
	return write(c.Response(), c.Request(), status, body)
}

// buffers held pages that have been sent, and will hold the next ones: a new one that grows with each page was a quarter
// of all garbage. keptPage is the most bytes that one may hold to be kept.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const keptPage = 256 << 10

// write renders body and sends it as HTML.
func write(w http.ResponseWriter, r *http.Request, status int, body templ.Component) error {
	page := buffers.Get().(*bytes.Buffer)
	defer func() {
		if page.Reset(); page.Cap() <= keptPage {
			buffers.Put(page)
		}
	}()
	rendered := InfoFrom(r.Context()).Profile.Start(profile.Render)
	if err := body.Render(r.Context(), page); err != nil {
		return fmt.Errorf("web: rendering: %w", err)
	}
	rendered()
	caching(w.Header(), auth.VisitorFrom(r.Context()))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	out := pack(w.Header(), r, page.Bytes())
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(status)
	_, _ = w.Write(out) // the client has gone: nobody is left to tell
	return nil
}
