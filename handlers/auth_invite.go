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

// showInvite is where the mail leads. Looking at an invitation does not use it up.
func (g *gates) showInvite(c echo.Context) error {
	address, err := g.auth.CheckInvitation(c.Request().Context(), c.Param("token"))
	if err != nil {
		return g.inviteFailed(c, err)
	}
	return g.invitePage(c, http.StatusOK, pages.Fields{Values: map[string]string{"email": address}})
}

// acceptInvite makes the account. The address is the invitation's, whatever else was sent.
func (g *gates) acceptInvite(c echo.Context) error {
	var form struct {
		Name     string `form:"name"`
		Password string `form:"password"`
	}
	ctx, token := c.Request().Context(), c.Param("token")
	err := web.Bind(c, &form)
	if err == nil {
		_, err = g.auth.AcceptInvitation(ctx, web.Actor(c), token, form.Name, form.Password)
	}
	if err == nil {
		g.cookies.Know(c)
		web.Flash(c, web.OK, "Your account is ready. Sign in to begin.")
		return web.Redirect(c, "/login")
	}
	f, status, ok := again(c, err, map[string]string{"name": form.Name})
	if !ok {
		return g.inviteFailed(c, err)
	}
	if f.Values["email"], err = g.auth.CheckInvitation(ctx, token); err != nil {
		return g.inviteFailed(c, err)
	}
	return g.invitePage(c, status, f)
}

func (g *gates) invitePage(c echo.Context, status int, f pages.Fields) error {
	return gate(c, status, "You are invited", "", pages.InvitePage("/invite/"+c.Param("token"), f))
}

func (g *gates) inviteFailed(c echo.Context, err error) error {
	switch {
	case errors.Is(err, auth.ErrInvitation):
		return gate(c, http.StatusNotFound, "This link does not work", "", pages.SpentPage("This link does not work.", errs.Message(err), ""))
	case errors.Is(err, auth.ErrInvited):
		return gate(c, http.StatusConflict, "You have an account", "", pages.SpentPage("You have an account.", errs.Message(err), ""))
	case errors.Is(err, auth.ErrSignupClosed):
		return g.closedPage(c, http.StatusForbidden, err)
	}
	return err
}

// closedPage says that nobody signs up here, and why.
func (g *gates) closedPage(c echo.Context, status int, err error) error {
	return gate(c, status, "No sign-up here", "", pages.ClosedPage(errs.Message(err)))
}
