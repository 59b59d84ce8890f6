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

func (g *gates) newForgot(c echo.Context) error {
	return g.forgotPage(c, http.StatusOK, pages.Fields{})
}

// createForgot answers alike for every address (RS-1).
func (g *gates) createForgot(c echo.Context) error {
	var form struct {
		Email string `form:"email"`
	}
	err := web.Bind(c, &form)
	if err == nil {
		err = g.auth.RequestReset(c.Request().Context(), web.Actor(c), form.Email)
	}
	if err == nil {
		return web.Redirect(c, "/password/sent")
	}
	if f, status, ok := again(c, err, map[string]string{"email": form.Email}); ok {
		return g.forgotPage(c, status, f)
	}
	return err
}

func (g *gates) forgotPage(c echo.Context, status int, f pages.Fields) error {
	return gate(c, status, "Choose a new password", "", pages.ForgotPage(f))
}

func (g *gates) forgotSent(c echo.Context) error {
	return gate(c, http.StatusOK, "Look into your mail", "", pages.ForgotSentPage(g.outbox != nil))
}

// showReset is where the mailed link leads. It looks nothing up, as showVerify (RS-4).
func (g *gates) showReset(c echo.Context) error {
	return g.resetPage(c, http.StatusOK, pages.Fields{})
}

func (g *gates) reset(c echo.Context) error {
	var form struct {
		Password string `form:"password"`
	}
	err := web.Bind(c, &form)
	if err == nil {
		err = g.auth.ResetPassword(c.Request().Context(), web.Actor(c), c.Param("token"), form.Password)
	}
	if err == nil {
		err = g.sessions.Destroy(c.Request().Context()) // it has ended with all others; what is said next needs one
	}
	if err == nil {
		g.cookies.Know(c)
		web.Flash(c, web.OK, "Your password is a new one. Sign in with it.")
		return web.Redirect(c, "/login")
	}
	if f, status, ok := again(c, err, nil); ok {
		return g.resetPage(c, status, f)
	}
	return spent(c, err, "/password/forgot")
}

func (g *gates) resetPage(c echo.Context, status int, f pages.Fields) error {
	return gate(c, status, "Choose a new password", "", pages.ResetPage("/password/reset/"+c.Param("token"), f))
}

// spent tells of a link that does not work; again is where there is another. Any other err is not for a page of its own.
func spent(c echo.Context, err error, again string) error {
	if errors.Is(err, auth.ErrLink) {
		return gate(c, http.StatusNotFound, "This link does not work", "", pages.SpentPage("This link does not work.", errs.Message(err), again))
	}
	return err
}
