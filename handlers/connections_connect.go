package handlers

import (
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/connections"
	"dashtam/services/errs"
	"dashtam/views/pages"
)

// connect begins to ask a bank for permission.
func (b *banks) connect(c echo.Context) error { return b.start(c, c.Param("provider"), uuid.Nil) }

// reconnect begins to ask for it again.
func (b *banks) reconnect(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	d, err := b.connections.Get(c.Request().Context(), web.Actor(c), id)
	if err != nil {
		return err
	}
	return b.start(c, d.Provider, id)
}

func (b *banks) start(c echo.Context, provider string, connection uuid.UUID) error {
	if err := b.connections.Start(c.Request().Context(), web.Actor(c), provider, connection); err != nil {
		return toPicker(c, err)
	}
	return web.Redirect(c, "/connections/"+provider+"/continue")
}

// continueTo is the page that leaves for the bank. Without an attempt there is nowhere to go on to, so it begins anew.
func (b *banks) continueTo(c echo.Context) error {
	profile, err := b.connections.Provider(c.Param("provider"))
	if err != nil {
		return err
	}
	authorize, err := b.connections.Continue(c.Request().Context(), web.Actor(c), profile.Slug)
	if errors.Is(err, connections.ErrNoAttempt) {
		return web.Redirect(c, "/connections/"+profile.Slug+"/about")
	}
	if err != nil {
		return toPicker(c, err)
	}
	meta := web.Meta{Title: "On to " + profile.Name, Nav: "connections", Refresh: authorize}
	return web.Page(c, http.StatusOK, meta, pages.ContinuePage(pages.Continue{Profile: profile, URL: authorize}))
}

// callback is where the bank sends the browser back to. What stands in its query goes nowhere but to the service: not
// into a page, not into the log, not into a next (OA-8).
func (b *banks) callback(c echo.Context) error {
	answer := connections.Answer{
		State: c.QueryParam("state"), Code: c.QueryParam("code"), Error: c.QueryParam("error"), Issuer: c.QueryParam("iss"),
	}
	id, err := b.connections.Callback(c.Request().Context(), web.Actor(c), c.Param("provider"), answer)
	if errors.Is(err, connections.ErrOtherLogin) { // the page offers both: this login on its own, and another try with the first
		web.Flash(c, web.Warn, errs.Message(err))
		return web.Redirect(c, "/connections/"+c.Param("provider")+"/about")
	}
	if err != nil {
		return toPicker(c, err)
	}
	web.Flash(c, web.OK, "The bank is connected. Balances arrive first, then the transactions.")
	return web.Redirect(c, "/connections/"+id.String())
}

// toPicker leads back to the choice of a bank with the reason, where the reason is one a person can act on.
func toPicker(c echo.Context, err error) error {
	if errs.KindOf(err) != errs.Conflict {
		return err
	}
	logRefusal(c, err)
	web.Flash(c, web.Warn, errs.Message(err))
	return web.Redirect(c, "/connections/new")
}

// logRefusal keeps the cause that the person is not shown.
func logRefusal(c echo.Context, err error) {
	ctx := c.Request().Context()
	web.InfoFrom(ctx).Log.InfoContext(ctx, "bank refused", "error", err)
}
