package handlers

import (
	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	administration "dashtam/services/admin" // admin is an access level here
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
		p.Older = olderAt(pages.MailPath, p.Place, p.List[len(p.List)-1].ID)
	}
	return officePage(c, "Mail", pages.AdminMailPage(p))
}

func (m *mailroom) retry(c echo.Context) error {
	return onNumber(c, pages.MailPath, m.mail.Retry, "The mail is tried again. In a moment this page shows how that went.")
}
