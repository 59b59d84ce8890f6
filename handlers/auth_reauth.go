package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/errs"
	"dashtam/views/pages"
)

func (g *gates) newReauth(c echo.Context) error {
	return g.reauthPage(c, http.StatusOK, pages.Reauth{Next: web.Next(c.QueryParam("next")), Undone: c.QueryParam("undone") != ""})
}

// reauth has the person who is signed in type their password again, and goes on only to a place on this site (LG-7).
func (g *gates) reauth(c echo.Context) error {
	var form struct {
		Password string `form:"password"`
		Next     string `form:"next"`
		Undone   bool   `form:"undone"` // the act that led here was not done
	}
	err := web.Bind(c, &form)
	if err == nil {
		err = g.auth.Reauthenticate(c.Request().Context(), web.Actor(c), form.Password, g.sessions.SignIn)
	}
	if err == nil {
		if form.Undone {
			web.Flash(c, web.Note, "Nothing was done yet. Press the button once more.")
		}
		return web.Redirect(c, back(form.Next))
	}
	f, status, ok := again(c, err, nil)
	page := pages.Reauth{Fields: f, Fault: f.Errors["password"], Next: web.Next(form.Next), Undone: form.Undone}
	if ok {
		return g.reauthPage(c, status, page)
	}
	if errors.Is(err, auth.ErrPassword) {
		page.Fault = errs.Message(err)
		return g.reauthPage(c, http.StatusUnauthorized, page)
	}
	return err
}

func (g *gates) reauthPage(c echo.Context, status int, p pages.Reauth) error {
	p.Email = web.Person(c).Email
	return web.Page(c, status, web.Meta{Title: "Your password, once more", Nav: "settings"}, pages.ReauthPage(p))
}

// toReauth sends somebody whose proof is too old to give another one, and from there to page, whose parameters are
// those of this request: what was posted is not kept, so they are told that nothing was done, and press the button there
// once more.
func toReauth(c echo.Context, page string) error {
	for _, name := range c.ParamNames() {
		page = strings.ReplaceAll(page, ":"+name, url.PathEscape(c.Param(name)))
	}
	query := url.Values{"next": {page}}
	if m := c.Request().Method; m != http.MethodGet && m != http.MethodHead {
		query.Set("undone", "true")
	}
	return web.Redirect(c, "/reauth?"+query.Encode())
}
