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

func (s *settings) security(c echo.Context) error {
	return s.securityPage(c, http.StatusOK, pages.Fields{})
}

// changePassword asks for the current password in its own form, so it needs no other proof.
func (s *settings) changePassword(c echo.Context) error {
	var form struct {
		Current  string `form:"current_password"`
		Password string `form:"password"`
	}
	err := web.Bind(c, &form)
	if err == nil {
		err = s.auth.ChangePassword(c.Request().Context(), web.Actor(c), form.Current, form.Password, s.sessions.SignIn)
	}
	if err == nil {
		s.cookies.Know(c)
		web.Flash(c, web.OK, "Your password is changed. Every other device and program is signed out, and a mail tells you of it.")
		return web.Redirect(c, "/settings/security")
	}
	if f, status, ok := again(c, err, nil); ok {
		return s.securityPage(c, status, f)
	}
	if errors.Is(err, auth.ErrPassword) {
		return s.securityPage(c, http.StatusUnauthorized, pages.Fields{Errors: map[string]string{"current_password": errs.Message(err)}})
	}
	return err
}

func (s *settings) securityPage(c echo.Context, status int, f pages.Fields) error {
	u, now := web.Person(c), web.Now(c)
	p := pages.Security{Fields: f, Email: u.Email, Changed: u.PasswordChangedAt, Since: u.CreatedAt, Now: now}
	return web.Page(c, status, web.Meta{Title: "Security", Nav: "settings"}, pages.SecurityPage(p))
}
