package handlers

import (
	"net/http"
	"net/url"

	"github.com/a-h/templ"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	administration "dashtam/services/admin" // admin is an access level here
	"dashtam/services/connections"
	"dashtam/views/components"
	"dashtam/views/pages"
)

// office is what administrators see.
type office struct {
	admin *administration.Service
	banks *connections.Service
}

// latestEvents is how many lines of the audit log the first page shows.
const latestEvents = 20

func (o *office) index(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Actor(c)
	counts, err := o.admin.Counts(ctx, who)
	if err != nil {
		return err
	}
	now := web.Now(c)
	events, _, err := o.admin.Events(ctx, who, administration.EventTerms{}, now.Location(), latestEvents)
	if err != nil {
		return err
	}
	return officePage(c, "Health", pages.AdminPage(pages.Admin{Counts: counts, Events: events, Now: now}))
}

func (o *office) connections(c echo.Context) error {
	before, err := beforeID(c)
	if err != nil {
		return err
	}
	status := connections.Status(c.QueryParam("status"))
	if status != "" && !components.KnownStatus(string(status)) {
		return web.ErrNoPage
	}
	list, more, err := o.admin.Connections(c.Request().Context(), web.Actor(c), status, before)
	if err != nil {
		return err
	}
	p := pages.AdminConnections{List: list, Status: status, Now: web.Now(c)}
	if p.Pauses, err = o.banks.Pauses(c.Request().Context()); err != nil {
		return err
	}
	if more {
		query := url.Values{"before": {list[len(list)-1].ID.String()}}
		if status != "" {
			query.Set("status", string(status))
		}
		p.Older = "/admin/connections?" + query.Encode()
	}
	return officePage(c, "Connections", pages.AdminConnectionsPage(p))
}

func officePage(c echo.Context, title string, body templ.Component) error {
	return web.Page(c, http.StatusOK, web.Meta{Title: title, Nav: "admin"}, body)
}

// beforeID is where a page of a list begins: after the row of this id. Nothing = at the newest.
func beforeID(c echo.Context) (uuid.UUID, error) {
	raw := c.QueryParam("before")
	if raw == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(raw)
	if err != nil {
		return uuid.Nil, web.ErrNoPage
	}
	return id, nil
}
