package handlers

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/errs"
	"dashtam/services/profile"
	"dashtam/views/components"
	"dashtam/views/pages"
)

func (g *gates) newLogin(c echo.Context) error {
	if web.Person(c) != nil {
		return web.Redirect(c, "/overview")
	}
	return g.loginPage(c, http.StatusOK, pages.Login{Next: web.Next(c.QueryParam("next"))})
}

// login answers every refusal with the same page (LG-1), and goes on only to a place on this site (LG-7).
func (g *gates) login(c echo.Context) error {
	var form struct {
		Email    string `form:"email"`
		Password string `form:"password"`
		Next     string `form:"next"`
		Again    bool   `form:"again"` // sent by itself after we had asked to come back
	}
	start := time.Now()
	err := web.Bind(c, &form)
	var done auth.Login
	if err == nil {
		credentials := auth.Credentials{Email: form.Email, Password: form.Password, Device: g.cookies.Device(c, g.auth.DeviceName(form.Email))}
		done, err = g.auth.Login(c.Request().Context(), web.Actor(c), credentials, g.sessions.SignIn)
	}
	next := web.Next(form.Next)
	if err == nil {
		g.cookies.KeepDevice(c, done.Device)
		if next == "" {
			next = "/overview"
		}
		switch took := time.Since(start); {
		case form.Again:
			web.Flash(c, web.Slow, "Signing in took more than one try. Many people came at once; whether it bothered you is for you to say.")
		case took > profile.SlowLogin:
			web.Flash(c, web.Slow, "Signing in took "+components.Measured(took)+". The time is kept; whether it bothered you is for you to say.")
		}
		return web.Redirect(c, next)
	}
	f, status, ok := again(c, err, map[string]string{"email": form.Email})
	page := pages.Login{Fields: f, Next: next, Fault: f.Errors["password"]}
	switch {
	case errors.Is(err, auth.ErrCredentials):
		page.Fault = errs.Message(err)
		return g.loginPage(c, http.StatusUnauthorized, page)
	case !ok:
		return err
	case f.Later != nil:
		// The machine has more passwords to check than it can. Where htmx left the form standing, it is sent again by itself.
		f.Later.SignIn, f.Later.Script = true, web.WantsFragment(c.Request()) && !f.Later.Often
		if f.Later.Script {
			return web.Fragment(c, status, pages.LaterPart(*f.Later))
		}
	}
	return g.loginPage(c, status, page)
}

func (g *gates) loginPage(c echo.Context, status int, p pages.Login) error {
	p.Closed = g.auth.SignsUp() != nil
	web.Instead(c, "#sign-in")
	return gate(c, status, "Sign in", "Sign in to this Dashtam.", pages.LoginPage(p))
}

// logout ends the session here and on the server, and has the browser forget what it kept of our pages (SE-3). It keeps
// its cookies: those that make the device known must stay.
func (g *gates) logout(c echo.Context) error {
	ctx := c.Request().Context()
	if err := g.auth.Logout(ctx, web.Actor(c)); err != nil {
		return err
	}
	if err := g.sessions.Destroy(ctx); err != nil {
		return err
	}
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return web.Redirect(c, "/")
}
