package handlers

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/connections"
)

// calendar is when the permissions of a person's banks end, as a file for their calendar (RFC 5545).
func (b *banks) calendar(c echo.Context) error {
	list, err := b.connections.List(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	now := web.Now(c)
	lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Dashtam//Permissions//EN"}
	for _, known := range list {
		if known.ConsentEnds != nil && known.Cause != connections.CauseConsentEnded {
			lines = append(lines, b.event(known, now)...)
		}
	}
	h := c.Response().Header()
	h.Set("Content-Disposition", `attachment; filename="dashtam.ics"`)
	h.Set("Cache-Control", "private, no-store")
	return c.Blob(http.StatusOK, "text/calendar; charset=utf-8", []byte(folded(append(lines, "END:VCALENDAR"))))
}

// event is the day on which a permission ends, in now's zone, with an alarm while it can be renewed. It keeps its id when
// the permission is renewed, so that a calendar moves it; DTSTAMP says that it is newer.
func (b *banks) event(known connections.Connection, now time.Time) []string {
	day, alarm := known.ConsentEnds.In(now.Location()), "-P7D"
	if known.RenewFrom.AddDate(0, 0, 7).After(*known.ConsentEnds) {
		alarm = "-P2D"
	}
	summary := calendarText("Renew " + known.Name + " in Dashtam")
	return []string{
		"BEGIN:VEVENT", "UID:" + known.ID.String() + "@" + b.base.Hostname(), "DTSTAMP:" + now.UTC().Format("20060102T150405Z"),
		"DTSTART;VALUE=DATE:" + day.Format("20060102"), "DTEND;VALUE=DATE:" + day.AddDate(0, 0, 1).Format("20060102"),
		"SUMMARY:" + summary,
		"DESCRIPTION:" + calendarText("The bank's permission ends at "+day.Format("15:04 MST")+". Renewed before then, nothing is interrupted."),
		"URL:" + b.base.JoinPath("connections", known.ID.String()).String(), "TRANSP:TRANSPARENT",
		"BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:" + summary, "TRIGGER:" + alarm, "END:VALARM", "END:VEVENT",
	}
}

// calendarText escapes a TEXT value (RFC 5545 3.3.11); a name holds no line break.
func calendarText(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`).Replace(s)
}

// folded ends each line in CRLF, and breaks one that is longer than 75 octets between characters (RFC 5545 3.1).
func folded(lines []string) string {
	var out strings.Builder
	for _, line := range lines {
		for room := 75; len(line) > room; room = 74 { // a blank begins what follows
			cut := room
			for !utf8.RuneStart(line[cut]) {
				cut--
			}
			out.WriteString(line[:cut] + "\r\n ")
			line = line[cut:]
		}
		out.WriteString(line + "\r\n")
	}
	return out.String()
}
