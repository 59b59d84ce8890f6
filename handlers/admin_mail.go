package handlers

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	administration "dashtam/services/admin" // admin is an access level here
	"dashtam/services/errs"
	"dashtam/views/pages"
)

// mailroom is the mail as administrators see it.
type mailroom struct{ mail *administration.Mailroom }

func (m *mailroom) index(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Actor(c)
	before, err := beforeNumber(c)
	if err != nil {
		return err
	}
	p := pages.AdminMail{Place: c.QueryParam("place"), Now: web.Now(c)}
	if p.Counts, err = m.mail.Counts(ctx, who); err != nil {
		return err
	}
	switch p.Place {
	case administration.MailWaits, administration.MailSent, administration.MailDied:
	case "":
		if p.Place = administration.MailWaits; p.Counts.Waits == 0 && p.Counts.Died > 0 {
			p.Place = administration.MailDied
		}
	default:
		return web.ErrNoPage
	}
	var more bool
	if p.List, more, err = m.mail.List(ctx, who, p.Place, before); err != nil {
		return err
	}
	if more {
		p.Older = pages.MailPath + "?" + url.Values{"place": {p.Place}, "before": {strconv.FormatInt(p.List[len(p.List)-1].ID, 10)}}.Encode()
	}
	return officePage(c, "Mail", pages.AdminMailPage(p))
}

func (m *mailroom) retry(c echo.Context) error {
	var form struct {
		Mail string `form:"mail"`
	}
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	id, _ := strconv.ParseInt(form.Mail, 10, 64) // what is no number is no mail either
	err := m.mail.Retry(c.Request().Context(), web.Actor(c), id)
	switch {
	case errors.Is(err, administration.ErrNoMail):
		web.Flash(c, web.Note, errs.Message(err))
	case err != nil:
		return err
	default:
		web.Flash(c, web.OK, "The mail is tried again. In a moment this page shows how that went.")
	}
	return web.Redirect(c, pages.MailPath)
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
