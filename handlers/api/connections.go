package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
)

func (a *api) connections(c echo.Context) error {
	all, err := a.Connections.List(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, listOf(all, connectionOf))
}

// sync queues a run. A run that is queued or running already answers alike.
func (a *api) sync(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	if err := a.Syncer.SyncNow(c.Request().Context(), web.Actor(c), id); err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, accepted{"queued"})
}
