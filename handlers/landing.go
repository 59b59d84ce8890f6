package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/views/pages"
)

// landing says what this is to somebody who has no account here yet.
func landing(c echo.Context) error {
	if web.Person(c) != nil {
		return web.Redirect(c, "/overview")
	}
	meta := web.Meta{
		Title: "Your money in one calm place", Shell: web.Plain,
		About: "Dashtam reads what your banks know about you and keeps it as a ledger, on a server of your own.",
	}
	return web.Page(c, http.StatusOK, meta, pages.Landing())
}
