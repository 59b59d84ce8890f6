package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dashtam/services/auth"
)

// Cookies keeps small values in the browser beside the session. None of them is a credential.
type Cookies struct{ secure bool }

// NewCookies makes Cookies whose flags follow from base.
func NewCookies(base *url.URL) Cookies { return Cookies{base.Scheme == "https"} }

// The cookies there are.
const (
	RailCookie  = "rail"  // "icons" = folded
	ThemeCookie = "theme" // the last choice made in this browser, for pages before the sign-in
	// oneDevice held the one auth.Device of a browser before each account had its own.
	oneDevice = "device"
)

// mostDevices is how many accounts a browser is known to.
const mostDevices = 5

// year is how long such a value is kept.
const year = 365 * 24 * time.Hour

// Set keeps value for a year.
func (k Cookies) Set(c echo.Context, name, value string) {
	c.SetCookie(&http.Cookie{ //nolint:gosec // Secure wherever the base URL is https
		Name: name, Value: value, Path: "/", MaxAge: int(year.Seconds()), HttpOnly: true, Secure: k.secure, SameSite: http.SameSiteLaxMode,
	})
}

// Get is what the browser brought along under name, or nothing.
func (k Cookies) Get(c echo.Context, name string) string { return cookie(c.Request(), name) }

// Device is what the browser holds as the auth.Device of that name, or as its only one from before they had names.
func (k Cookies) Device(c echo.Context, name string) string {
	if value := k.Get(c, name); value != "" {
		return value
	}
	return k.Get(c, oneDevice)
}

// KeepDevice keeps d beside those of other people who use this browser. When they become too many, the one that has been
// there longest goes: browsers send it first (RFC 6265, 5.4).
func (k Cookies) KeepDevice(c echo.Context, d auth.Device) {
	k.Set(c, d.Name, d.Value)
	var others []string
	for _, had := range c.Request().Cookies() {
		switch {
		case had.Name == oneDevice && had.Value == d.Value: // moved
			k.drop(c, oneDevice)
		case strings.HasPrefix(had.Name, auth.DevicePrefix) && had.Name != d.Name:
			others = append(others, had.Name)
		}
	}
	for len(others) >= mostDevices {
		k.drop(c, others[0])
		others = others[1:]
	}
}

// Know keeps that this browser's person has come by a mail of ours or chosen a password here: they sign in from a known
// device next (RL-2).
func (k Cookies) Know(c echo.Context) {
	if d := auth.VisitorFrom(c.Request().Context()).Device; d.Value != "" {
		k.KeepDevice(c, d)
	}
}

func (k Cookies) drop(c echo.Context, name string) {
	c.SetCookie(&http.Cookie{Name: name, Path: "/", MaxAge: -1, HttpOnly: true, Secure: k.secure, SameSite: http.SameSiteLaxMode}) //nolint:gosec // as Set
}

func cookie(r *http.Request, name string) string {
	if c, err := r.Cookie(name); err == nil {
		return c.Value
	}
	return ""
}
