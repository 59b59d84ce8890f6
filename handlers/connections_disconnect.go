package handlers

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/views/pages"
)

// What becomes of the data of a connection that ends: the values of the field "data".
const keepData, deleteData = "keep", "delete"

// askDisconnect asks before a connection ends.
func (b *banks) askDisconnect(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	return b.disconnectPage(c, http.StatusOK, id, pages.Fields{})
}

func (b *banks) disconnectPage(c echo.Context, status int, id uuid.UUID, f pages.Fields) error {
	p, err := b.read(c, id)
	if err != nil {
		return err
	}
	p.Fields = f
	return web.Page(c, status, web.Meta{Title: "Disconnect " + p.Name, Nav: "connections"}, pages.DisconnectPage(p))
}

func (b *banks) disconnect(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	var form struct {
		Data string `form:"data"`
	}
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	if form.Data != keepData && form.Data != deleteData {
		return b.disconnectPage(c, http.StatusUnprocessableEntity, id, pages.Fields{Errors: map[string]string{"data": "Choose what becomes of the history."}})
	}
	if err := b.connections.Disconnect(c.Request().Context(), web.Actor(c), id, form.Data == keepData); err != nil {
		return err
	}
	done := "The connection has ended. Its history is kept."
	if form.Data == deleteData {
		done = "The connection has ended. Everything that came through it is deleted."
	}
	web.Flash(c, web.OK, done)
	return web.Redirect(c, "/connections")
}
