package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"dashtam/services/auth"
)

// The headers htmx sends and understands.
const (
	hxRequest        = "HX-Request"
	hxBoosted        = "HX-Boosted"
	hxHistoryRestore = "HX-History-Restore-Request"
	hxRedirect       = "HX-Redirect"
	hxRetarget       = "HX-Retarget"
	hxReswap         = "HX-Reswap"
)

// Redirect answers 303 to a path of ours. For a fragment request it asks htmx to go there instead, because the browser
// would follow a 303 silently and put the page found there into the target.
func Redirect(c echo.Context, path string) error {
	if WantsFragment(c.Request()) {
		c.Response().Header().Set(hxRedirect, path)
		return c.NoContent(http.StatusNoContent)
	}
	return c.Redirect(http.StatusSeeOther, path)
}

// WantsFragment reports whether htmx asks for a part of the page rather than for a page.
func WantsFragment(r *http.Request) bool {
	return r.Header.Get(hxRequest) == "true" && r.Header.Get(hxBoosted) != "true" && r.Header.Get(hxHistoryRestore) != "true"
}

// Instead has htmx put the answer in the place of the element that selector finds, whatever the asking element says.
func Instead(c echo.Context, selector string) {
	c.Response().Header().Set(hxRetarget, selector)
	c.Response().Header().Set(hxReswap, "outerHTML")
}

// ToLogin sends a stranger to the sign-in: after a page they wanted to read they come back to it, after anything else
// they start anew.
func ToLogin(w http.ResponseWriter, r *http.Request) {
	target := "/login"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if next := Next(r.URL.RequestURI()); next != "" {
			target += "?next=" + url.QueryEscape(next)
		}
	}
	vary(w.Header())
	if r.Header.Get(hxRequest) == "true" {
		w.Header().Set(hxRedirect, "/login")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// caching says who may keep an answer: nobody what a signed-in person sees (SE-3), others not without asking.
func caching(h http.Header, visitor *auth.Visitor) {
	vary(h)
	if visitor.User != nil {
		h.Set("Cache-Control", "no-store")
	} else if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache, private")
	}
}

func vary(h http.Header) {
	for _, v := range h.Values("Vary") {
		if v == hxRequest {
			return
		}
	}
	h.Add("Vary", hxRequest)
}
