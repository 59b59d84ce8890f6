package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	administration "dashtam/services/admin" // admin is an access level here
	"dashtam/services/auth"
	"dashtam/services/errs"
	"dashtam/views/pages"
)

// rules is what administrators see of the configuration, and whom they invite.
type rules struct {
	auth       *auth.Service
	configured []administration.Setting
}

func (r *rules) show(c echo.Context) error { return r.page(c, http.StatusOK, pages.Fields{}, "") }

// invite has an invitation mailed.
func (r *rules) invite(c echo.Context) error {
	var form struct {
		Email string `form:"email"`
	}
	err := web.Bind(c, &form)
	if err == nil {
		err = r.auth.Invite(c.Request().Context(), web.Actor(c), form.Email)
	}
	if err == nil {
		web.Flash(c, web.OK, "The invitation is on its way. It can be used once, for a week.")
		return web.Redirect(c, "/admin/settings")
	}
	f, status, ok := again(c, err, map[string]string{"email": form.Email})
	switch {
	case ok:
		return r.page(c, status, f, "")
	case errs.KindOf(err) == errs.Conflict:
		return r.page(c, http.StatusConflict, f, errs.Message(err))
	}
	return err
}

func (r *rules) revoke(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	if err := r.auth.RevokeInvitation(c.Request().Context(), web.Actor(c), id); err != nil {
		return err
	}
	web.Flash(c, web.OK, "The invitation is taken back. Its link does not work any more.")
	return web.Redirect(c, "/admin/settings")
}

func (r *rules) page(c echo.Context, status int, f pages.Fields, fault string) error {
	invitations, err := r.auth.Invitations(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	p := pages.AdminSettings{
		Fields: f, Fault: fault, Policy: r.auth.Signup, Proved: auth.VisitorFrom(c.Request().Context()).Fresh, Invitations: invitations, Configured: r.configured, Now: web.Now(c),
	}
	return web.Page(c, status, web.Meta{Title: "Settings of this Dashtam", Nav: "admin"}, pages.AdminSettingsPage(p))
}
