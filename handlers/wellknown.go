package handlers

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
)

// wellKnown are the addresses that programs look for (RFC 8615).
type wellKnown struct{ base *url.URL }

// changePassword leads a password manager to the page where a password is changed.
func (w *wellKnown) changePassword(c echo.Context) error {
	return c.Redirect(http.StatusFound, "/settings/security")
}

// securityValid is for how long the text about security may be taken for current; RFC 9116 wants less than a year.
const securityValid = 180 * 24 * time.Hour

// security says to whom a hole is reported (RFC 9116): to the mailbox that RFC 2142 has for it at this site's domain.
func (w *wellKnown) security(c echo.Context) error {
	expires := time.Now().UTC().Truncate(24 * time.Hour).Add(securityValid)
	c.Response().Header().Set("Cache-Control", "max-age=86400")
	return c.String(http.StatusOK, "Contact: mailto:security@"+w.base.Hostname()+"\n"+
		"Expires: "+expires.Format(time.RFC3339)+"\n"+
		"Preferred-Languages: en\n"+
		"Canonical: "+w.base.JoinPath("/.well-known/security.txt").String()+"\n")
}
