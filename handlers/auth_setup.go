package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/views/pages"
)

func (g *gates) showSetup(c echo.Context) error {
	if err := g.auth.CheckSetup(c.Request().Context(), c.Param("token")); err != nil {
		return spent(c, err, "")
	}
	return g.setupPage(c, http.StatusOK, pages.Fields{})
}

// setUp makes the first administrator and signs them in.
func (g *gates) setUp(c echo.Context) error {
	var form accountForm
	ctx := c.Request().Context()
	err := web.Bind(c, &form)
	var u auth.User
	if err == nil {
		u, err = g.auth.SetUp(ctx, web.Actor(c), c.Param("token"), form.registration())
	}
	if err == nil {
		err = g.sessions.SignIn(ctx, u)
	}
	if err == nil {
		g.cookies.KeepDevice(c, g.auth.NewDevice(u))
		web.Flash(c, web.OK, "This Dashtam is yours to run. People can sign up now.")
		return web.Redirect(c, "/admin")
	}
	if f, status, ok := again(c, err, form.typed()); ok {
		return g.setupPage(c, status, f)
	}
	return spent(c, err, "")
}

func (g *gates) setupPage(c echo.Context, status int, f pages.Fields) error {
	return gate(c, status, "Set up Dashtam", "", pages.SetupPage("/setup/"+c.Param("token"), f))
}
