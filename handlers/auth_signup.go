package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/views/components"
	"dashtam/views/pages"
)

// accountForm is what somebody types to get an account.
type accountForm struct {
	Name     string `form:"name"`
	Email    string `form:"email"`
	Password string `form:"password"`
}

func (f accountForm) registration() auth.Registration {
	return auth.Registration{Name: f.Name, Email: f.Email, Password: f.Password}
}

func (f accountForm) typed() map[string]string {
	return map[string]string{"name": f.Name, "email": f.Email}
}

func (g *gates) newAccount(c echo.Context) error {
	if web.Person(c) != nil {
		return web.Redirect(c, "/overview")
	}
	if err := g.auth.SignsUp(); err != nil {
		return g.closedPage(c, http.StatusOK, err)
	}
	return g.signupPage(c, http.StatusOK, pages.Fields{})
}

// createAccount answers alike for a new and a known address (SU-1): the owner of a known one gets a mail.
func (g *gates) createAccount(c echo.Context) error {
	var form accountForm
	err := web.Bind(c, &form)
	if err == nil {
		_, err = g.auth.Register(c.Request().Context(), web.Actor(c), form.registration())
	}
	if err == nil || errors.Is(err, auth.ErrEmailTaken) {
		return web.Redirect(c, "/signup/sent")
	}
	if f, status, ok := again(c, err, form.typed()); ok {
		return g.signupPage(c, status, f)
	}
	if errors.Is(err, auth.ErrSignupClosed) || errors.Is(err, auth.ErrSignupInvited) {
		return g.closedPage(c, http.StatusForbidden, err)
	}
	return err
}

func (g *gates) signupPage(c echo.Context, status int, f pages.Fields) error {
	return gate(c, status, "Create an account", "Create an account on this Dashtam.", pages.SignupPage(f))
}

// strength is the live hint beneath a password that is being chosen. It keeps nothing.
func (g *gates) strength(c echo.Context) error {
	var form accountForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	if u := web.Person(c); u != nil {
		form.Name, form.Email = u.Name, u.Email
	}
	s := g.passwords.Strength(form.Password, form.Name, form.Email)
	return web.Fragment(c, http.StatusOK, components.StrengthPart(components.StrengthProps{Score: s.Score, Word: s.Word, Reason: s.Reason, OK: s.OK}))
}

func (g *gates) sent(c echo.Context) error {
	return gate(c, http.StatusOK, "Look into your mail", "", pages.SentPage(g.outbox != nil))
}
