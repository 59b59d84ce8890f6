package handlers

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/views/pages"
)

// maxOutbox is how many mails the outbox page shows.
const maxOutbox = 50

// outboxPage shows the mails that stay on this machine. Its route exists only with a localhost URL.
func (g *gates) outboxPage(c echo.Context) error {
	mails, err := g.outbox.Newest(c.Request().Context(), maxOutbox)
	if err != nil {
		return err
	}
	shown := make([]pages.OutboxMail, 0, len(mails))
	for _, m := range mails {
		mail := pages.OutboxMail{To: m.To, Subject: m.Subject, At: m.At}
		for line := range strings.Lines(m.Text) {
			line = strings.TrimSpace(line)
			mail.Lines = append(mail.Lines, pages.OutboxLine{Text: line, Link: strings.HasPrefix(line, g.base+"/")})
		}
		shown = append(shown, mail)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return web.Page(c, http.StatusOK, web.Meta{Title: "Outbox", Shell: web.Plain}, pages.OutboxPage(shown, time.Now()))
}
