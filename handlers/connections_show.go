package handlers

import (
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/errs"
	"dashtam/services/syncer"
	"dashtam/views/pages"
)

func (b *banks) show(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	return b.page(c, http.StatusOK, id, pages.Fields{})
}

// page is the connection's own page, with what was typed into its form.
func (b *banks) page(c echo.Context, status int, id uuid.UUID, f pages.Fields) error {
	p, err := b.read(c, id)
	if err != nil {
		return err
	}
	p.Fields = f
	ctx, who := c.Request().Context(), web.Actor(c)
	if p.Sync, err = b.syncer.View(ctx, who, id); err != nil {
		return err
	}
	if p.Uses, err = b.tokens.History(ctx, who, id); err != nil {
		return err
	}
	return web.Page(c, status, web.Meta{Title: p.Name, Nav: "connections"}, pages.ConnectionPage(p))
}

// read is a connection and what came through it.
func (b *banks) read(c echo.Context, id uuid.UUID) (p pages.Connection, err error) {
	ctx, who := c.Request().Context(), web.Actor(c)
	p.Now = web.Now(c)
	if p.Detail, err = b.connections.Get(ctx, who, id); err != nil {
		return p, err
	}
	p.Covered, err = b.ledger.Covered(ctx, who, id, p.Now)
	return p, err
}

// progress is the part of the page that asks for itself while a run is on. When the run is over the whole page is asked
// for once more, because everything on it has changed. Asking by itself keeps no session alive (SE-4).
func (b *banks) progress(c echo.Context) error {
	auth.VisitorFrom(c.Request().Context()).Polling()
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	path := "/connections/" + id.String()
	if !web.WantsFragment(c.Request()) {
		return web.Redirect(c, path)
	}
	run, accounts, err := b.syncer.Progress(c.Request().Context(), web.Actor(c), id)
	if err != nil {
		return err
	}
	if !pages.Open(run) {
		c.Response().Header().Set("HX-Refresh", "true")
	}
	return web.Fragment(c, http.StatusOK, pages.ProgressPart(pages.Progress{Run: run, Accounts: accounts, Path: path}))
}

// sync asks for the newest now.
func (b *banks) sync(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	switch err := b.syncer.SyncNow(c.Request().Context(), web.Actor(c), id); {
	case errs.KindOf(err) == errs.Conflict, errors.Is(err, syncer.ErrTooSoon):
		web.Flash(c, web.Warn, errs.Message(err))
	case err != nil:
		return err
	}
	return web.Redirect(c, "/connections/"+id.String())
}

// cancel ends the sync that is on.
func (b *banks) cancel(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	switch err := b.syncer.Cancel(c.Request().Context(), web.Actor(c), id); {
	case err == nil:
		web.Flash(c, web.OK, "The sync is cancelled. What had come is kept.")
	case errs.KindOf(err) == errs.Conflict:
		web.Flash(c, web.Warn, errs.Message(err))
	default:
		return err
	}
	return web.Redirect(c, "/connections/"+id.String())
}

// run is what one sync changed.
func (b *banks) run(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	run, err := web.ID(c, "run")
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), web.Actor(c)
	p := pages.Sync{Connection: pages.Connection{Now: web.Now(c)}}
	if p.Detail, err = b.connections.Get(ctx, who, id); err != nil {
		return err
	}
	if p.Run, p.Changes, err = b.syncer.Changes(ctx, who, id, run); err != nil {
		return err
	}
	return web.Page(c, http.StatusOK, web.Meta{Title: "What a sync changed", Nav: "connections"}, pages.SyncPage(p))
}

func (b *banks) rename(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	var form struct {
		Name string `form:"name"`
	}
	if err = web.Bind(c, &form); err == nil {
		err = b.connections.Rename(c.Request().Context(), web.Actor(c), id, form.Name)
	}
	if f, status, ok := again(c, err, map[string]string{"name": form.Name}); ok {
		return b.page(c, status, id, f)
	}
	if err != nil {
		return err
	}
	web.Flash(c, web.OK, "The connection has its new name.")
	return web.Redirect(c, "/connections/"+id.String())
}
