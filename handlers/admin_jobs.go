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
		p.Older = olderAt(pages.JobsPath, p.Place, p.List[len(p.List)-1].ID)
	}
	return officePage(c, "Jobs", pages.AdminJobsPage(p))
}

func (b *backlog) retry(c echo.Context) error {
	return onNumber(c, pages.JobsPath, b.jobs.Retry, "The job is tried again. In a moment this page shows how that went.")
}

func (b *backlog) cancel(c echo.Context) error {
	return onNumber(c, pages.JobsPath, b.jobs.Cancel, "The job is cancelled. A connection whose sync it was goes on at its next time.")
}

// onNumber does something with the job or mail of a number, and says on the page of its list that it is done, or why not.
func onNumber(c echo.Context, list string, do func(ctx context.Context, who actor.Actor, id int64) error, done string) error {
	var form struct {
		ID string `form:"id"`
	}
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	id, _ := strconv.ParseInt(form.ID, 10, 64) // what is no number is none of them either
	switch err := do(c.Request().Context(), web.Actor(c), id); {
	case errs.KindOf(err) == errs.NotFound:
		web.Flash(c, web.Note, errs.Message(err))
	case err != nil:
		return err
	default:
		web.Flash(c, web.OK, done)
	}
	return web.Redirect(c, list)
}

// beforeNumber is beforeID for lists whose ids are numbers; 0 = at the newest.
func beforeNumber(c echo.Context) (int64, error) {
	raw := c.QueryParam("before")
	if raw == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || n < 1 {
		return 0, web.ErrNoPage
	}
	return n, nil
}

// olderAt is where the list of a place goes on after the one of a number.
func olderAt(list, place string, last int64) string {
	return list + "?" + url.Values{"place": {place}, "before": {strconv.FormatInt(last, 10)}}.Encode()
}
