package handlers

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/connections"
	"dashtam/services/ledger"
	"dashtam/services/syncer"
	"dashtam/services/tokens"
	"dashtam/views/pages"
)

// banks is a person's access to their banks.
type banks struct {
	connections *connections.Service
	syncer      *syncer.Service
	ledger      *ledger.Service
	tokens      *tokens.Service
	base        *url.URL
}

func (b *banks) index(c echo.Context) error {
	list, err := b.connections.List(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	p := pages.Connections{List: list, Now: web.Now(c)}
	return web.Page(c, http.StatusOK, web.Meta{Title: "Connections", Nav: "connections"}, pages.ConnectionsPage(p))
}

// picker is the choice of a bank to connect.
func (b *banks) picker(c echo.Context) error {
	list, err := b.connections.List(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	health, err := b.connections.Health(c.Request().Context())
	if err != nil {
		return err
	}
	p := pages.Picker{Providers: b.connections.Providers(), Connected: map[string]bool{}, Health: health, Search: c.QueryParam("q"), Now: web.Now(c)}
	for _, known := range list {
		p.Connected[known.Provider] = true
	}
	return web.Page(c, http.StatusOK, web.Meta{Title: "Connect a bank", Nav: "connections"}, pages.PickerPage(p))
}

// about says what will be read, why, for how long and how to stop, before the bank is asked.
func (b *banks) about(c echo.Context) error {
	profile, err := b.connections.Provider(c.Param("provider"))
	if err != nil {
		return err
	}
	have, err := b.connections.List(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	have = slices.DeleteFunc(have, func(known connections.Connection) bool { return known.Provider != profile.Slug })
	p := pages.About{Profile: profile, Have: have, Now: web.Now(c)}
	return web.Page(c, http.StatusOK, web.Meta{Title: "Connect " + profile.Name, Nav: "connections"}, pages.AboutPage(p))
}
