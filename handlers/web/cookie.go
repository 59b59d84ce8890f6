package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
)

// Cookies keeps small values in the browser beside the session. None of them is a credential.
type Cookies struct{ secure bool }

// NewCookies makes Cookies whose flags follow from base.
func NewCookies(base *url.URL) Cookies { return Cookies{base.Scheme == "https"} }

// The cookies there are.
const (
	RailCookie   = "rail"   // "icons" = folded
	ThemeCookie  = "theme"  // the last choice made in this browser, for pages before the sign-in
	DeviceCookie = "device" // says that somebody signed in from here before (RL-2)
)

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

func cookie(r *http.Request, name string) string {
	if c, err := r.Cookie(name); err == nil {
		return c.Value
	}
	return ""
}
