package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/views/pages"
)

// sessionsPath is the list of sessions, where its forms lead back to.
const sessionsPath = "/settings/sessions"

func (s *settings) listSessions(c echo.Context) error {
	who, store := web.Actor(c), s.sessions.Store()
	list, programs, err := store.List(c.Request().Context(), who)
	if err != nil {
		return err
	}
	p := pages.Sessions{List: list, This: who.SessionID, Programs: programs, Now: web.Now(c)}
	p.Idle, p.Lifetime = store.Times(*web.Person(c))
	return web.Page(c, http.StatusOK, web.Meta{Title: "Sessions", Nav: "settings"}, pages.SessionsPage(p))
}

// endSession signs one device out, on every node with its next request.
func (s *settings) endSession(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	if err := s.auth.EndSession(c.Request().Context(), web.Actor(c), id); err != nil {
		return err
	}
	web.Flash(c, web.OK, "That device is signed out. If you do not know it, change your password, too.")
	return web.Redirect(c, sessionsPath)
}

func (s *settings) endOtherSessions(c echo.Context) error {
	if err := s.auth.EndOtherSessions(c.Request().Context(), web.Actor(c)); err != nil {
		return err
	}
	web.Flash(c, web.OK, "Every other device is signed out.")
	return web.Redirect(c, sessionsPath)
}
