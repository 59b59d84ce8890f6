package handlers

import (
	"context"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/actor"
	administration "dashtam/services/admin" // admin is an access level here
	"dashtam/services/errs"
	"dashtam/views/pages"
)

// backlog is the jobs as administrators see them.
type backlog struct{ jobs *administration.Backlog }

func (b *backlog) index(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Actor(c)
	before, err := beforeNumber(c)
	if err != nil {
		return err
	}
	p := pages.AdminJobs{Place: c.QueryParam("place"), Now: web.Now(c)}
	if p.Counts, err = b.jobs.Counts(ctx, who); err != nil {
		return err
	}
	switch p.Place {
	case administration.JobOpen, administration.JobDead, administration.JobDone:
	case "":
		switch {
		case p.Counts.Dead > 0:
			p.Place = administration.JobDead
		case p.Counts.Open > 0:
			p.Place = administration.JobOpen
		default:
			p.Place = administration.JobDone
		}
	default:
		return web.ErrNoPage
	}
	var more bool
	if p.List, more, err = b.jobs.List(ctx, who, p.Place, before); err != nil {
		return err
	}
	if more {
		p.Older = pages.JobsPath + "?" + url.Values{"place": {p.Place}, "before": {strconv.FormatInt(p.List[len(p.List)-1].ID, 10)}}.Encode()
	}
	return officePage(c, "Jobs", pages.AdminJobsPage(p))
}

func (b *backlog) retry(c echo.Context) error {
	return b.act(c, b.jobs.Retry, "The job is tried again. In a moment this page shows how that went.")
}

func (b *backlog) cancel(c echo.Context) error {
	return b.act(c, b.jobs.Cancel, "The job is cancelled. A connection whose sync it was goes on at its next time.")
}

func (b *backlog) act(c echo.Context, do func(ctx context.Context, who actor.Actor, id int64) error, done string) error {
	var form struct {
		Job string `form:"job"`
	}
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	id, _ := strconv.ParseInt(form.Job, 10, 64) // what is no number is no job either
	switch err := do(c.Request().Context(), web.Actor(c), id); {
	case errs.KindOf(err) == errs.NotFound:
		web.Flash(c, web.Note, errs.Message(err))
	case err != nil:
		return err
	default:
		web.Flash(c, web.OK, done)
	}
	return web.Redirect(c, pages.JobsPath)
}
