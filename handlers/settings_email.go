package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/errs"
	"dashtam/views/pages"
)

// emailPath is the page about the address one signs in with.
const emailPath = "/settings/email"

func (s *settings) email(c echo.Context) error {
	return s.emailPage(c, http.StatusOK, pages.Fields{})
}

// changeEmail answers alike whether or not the new address has an account (EV-2).
func (s *settings) changeEmail(c echo.Context) error {
	var form struct {
		Email    string `form:"email"`
		Password string `form:"password"`
	}
	err := web.Bind(c, &form)
	if err == nil {
		err = s.auth.ChangeEmail(c.Request().Context(), web.Actor(c), form.Password, form.Email)
	}
	if err == nil {
		web.Flash(c, web.OK, "Look into the mail of the new address. The link there completes the change.")
		return web.Redirect(c, emailPath)
	}
	typed := map[string]string{"email": form.Email}
	if f, status, ok := again(c, err, typed); ok {
		return s.emailPage(c, status, f)
	}
	if errors.Is(err, auth.ErrPassword) {
		f := pages.Fields{Values: typed, Errors: map[string]string{"password": errs.Message(err)}}
		return s.emailPage(c, http.StatusUnauthorized, f)
	}
	return err
}

func (s *settings) emailPage(c echo.Context, status int, f pages.Fields) error {
	waits, err := s.auth.PendingEmail(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	p := pages.Email{Fields: f, Current: web.Person(c).Email, Now: web.Now(c)}
	if waits != nil {
		p.Waiting, p.Asked = waits.Email, waits.AskedAt.In(p.Now.Location())
	}
	return web.Page(c, status, web.Meta{Title: "Your address", Nav: "settings"}, pages.EmailPage(p))
}

// showConfirmEmail and showUndoEmail are where links in mails lead. They look nothing up, as showVerify (RS-4).
func (g *gates) showConfirmEmail(c echo.Context) error {
	return gate(c, http.StatusOK, "Confirm your new address", "", pages.ConfirmEmailPage(emailPath+"/confirm/"+c.Param("token")))
}

func (g *gates) confirmEmail(c echo.Context) error {
	if err := g.auth.ConfirmEmail(c.Request().Context(), web.Actor(c), c.Param("token")); err != nil {
		return spent(c, err, "")
	}
	g.cookies.Know(c)
	web.Flash(c, web.OK, "Your address is confirmed. Sign in with it from now on.")
	return web.Redirect(c, "/login")
}

func (g *gates) showUndoEmail(c echo.Context) error {
	return gate(c, http.StatusOK, "Take your account back", "", pages.UndoEmailPage("/email/undo/"+c.Param("token")))
}

func (g *gates) undoEmail(c echo.Context) error {
	if err := g.auth.UndoEmail(c.Request().Context(), web.Actor(c), c.Param("token")); err != nil {
		return spent(c, err, "")
	}
	if err := g.sessions.Destroy(c.Request().Context()); err != nil { // as in reset
		return err
	}
	web.Flash(c, web.OK, "Your account is back. A mail with a link to choose a new password is on its way.")
	return web.Redirect(c, "/password/sent")
}
