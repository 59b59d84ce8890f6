package handlers

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/views/pages"
)

// activity is what the audit log has of a person, for them.
func (s *settings) activity(c echo.Context) error {
	older, err := beforeNumber(c)
	if err != nil {
		return err
	}
	p := pages.Activity{Now: web.Now(c)}
	var more bool
	if p.List, more, err = s.auth.Activity(c.Request().Context(), web.Actor(c), older, eventsPage); err != nil {
		return err
	}
	if more {
		p.Older = "/settings/activity?before=" + strconv.FormatInt(p.List[len(p.List)-1].ID, 10)
	}
	return web.Page(c, http.StatusOK, web.Meta{Title: "Activity", Nav: "settings"}, pages.ActivityPage(p))
}
