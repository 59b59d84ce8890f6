package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/views/pages"
)

// showVerify is where the mailed link leads. It looks nothing up: programs that open every link in a mail must not use
// it up or learn anything (RS-4).
func (g *gates) showVerify(c echo.Context) error {
	return gate(c, http.StatusOK, "Confirm your address", "", pages.VerifyPage("/verify/"+c.Param("token")))
}

func (g *gates) verify(c echo.Context) error {
	if err := g.auth.Verify(c.Request().Context(), web.Actor(c), c.Param("token")); err != nil {
		return spent(c, err, "/verify/resend")
	}
	g.cookies.Know(c)
	web.Flash(c, web.OK, "Your address is confirmed. Sign in to begin.")
	return web.Redirect(c, "/login")
}

func (g *gates) newResend(c echo.Context) error {
	return g.resendPage(c, http.StatusOK, pages.Fields{})
}

func (g *gates) createResend(c echo.Context) error {
	var form struct {
		Email string `form:"email"`
	}
	err := web.Bind(c, &form)
	if err == nil {
		err = g.auth.ResendVerification(c.Request().Context(), web.Actor(c), form.Email)
	}
	if err == nil {
		return web.Redirect(c, "/signup/sent")
	}
	if f, status, ok := again(c, err, map[string]string{"email": form.Email}); ok {
		return g.resendPage(c, status, f)
	}
	return err
}

func (g *gates) resendPage(c echo.Context, status int, f pages.Fields) error {
	return gate(c, status, "Send the link again", "", pages.ResendPage(f))
}
