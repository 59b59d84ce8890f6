package handlers

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"
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

// bankUses is the access ledger of all of a person's banks, for them.
func (s *settings) bankUses(c echo.Context) error {
	older, err := beforeNumber(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), web.Actor(c)
	p := pages.BankUses{Now: web.Now(c), Banks: map[uuid.UUID]string{}}
	var more bool
	if p.List, more, err = s.tokens.Ledger(ctx, who, older, eventsPage); err != nil {
		return err
	}
	banks, err := s.connections.List(ctx, who)
	if err != nil {
		return err
	}
	for _, b := range banks {
		p.Banks[b.ID] = b.Name
	}
	if more {
		p.Older = "/settings/activity/banks?before=" + strconv.FormatInt(p.List[len(p.List)-1].ID, 10)
	}
	return web.Page(c, http.StatusOK, web.Meta{Title: "Uses of your banks", Nav: "settings"}, pages.BankUsesPage(p))
}
