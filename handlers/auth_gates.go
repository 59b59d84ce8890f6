package handlers

import (
	"errors"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/password"
	"dashtam/views/pages"
)

// gates is how people come in and out.
type gates struct {
	auth      *auth.Service
	sessions  *web.Sessions
	passwords *password.Service
	cookies   web.Cookies
	outbox    *email.Outbox // nil unless this runs on somebody's own machine
	base      string        // the public URL
}

// gate renders a page before the sign-in.
func gate(c echo.Context, status int, title, about string, body templ.Component) error {
	return web.Page(c, status, web.Meta{Title: title, Shell: web.Gate, About: about}, body)
}

// again is a form to be shown once more with what was typed: with what is wrong in it (422), or because there was no try
// at all (429, 503). ok is false for any other error, and when there is no time left to render in.
func again(c echo.Context, err error, typed map[string]string) (f pages.Fields, status int, ok bool) {
	f.Values = typed
	if f.Errors = errs.FieldsOf(err); errs.KindOf(err) == errs.Invalid && f.Errors != nil {
		return f, http.StatusUnprocessableEntity, true
	}
	if err == nil || c.Request().Context().Err() != nil {
		return f, 0, false
	}
	seconds, ok := web.Later(c, err)
	if !ok {
		return f, 0, false
	}
	status = web.Status(err)
	why, _, _ := strings.Cut(errs.Message(err), ". ")
	f.Later = &pages.Later{
		Often: status == http.StatusTooManyRequests, Unknown: errors.Is(err, errs.ErrUnknown), Why: strings.TrimSuffix(why, ".") + ".", Seconds: seconds, RequestID: web.Actor(c).RequestID,
	}
	if why == "" {
		f.Later.Why = "It takes too long just now."
	}
	return f, status, true
}

// landing says what this is to somebody who has no account here yet.
func (g *gates) landing(c echo.Context) error {
	if web.Person(c) != nil {
		return web.Redirect(c, "/overview")
	}
	return web.Page(c, http.StatusOK, web.Meta{
		Title: "Your money in one calm place", Shell: web.Plain,
		About: "Dashtam reads what your banks know about you and keeps it as a ledger, on a server of your own.",
	}, pages.Landing())
}
