package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services"
	"dashtam/services/auth"
	"dashtam/services/profile"
	"dashtam/services/review"
	"dashtam/views/components"
	"dashtam/views/pages"
)

// speed is how quick everything is, and whether somebody found it slow.
type speed struct{ review *review.Service }

func (s *speed) show(c echo.Context) error {
	p, err := s.read(c)
	if err != nil {
		return err
	}
	p.Classes, p.Decisions = services.Classification(), services.Decisions()
	return officePage(c, "Asynchronous or synchronous?", pages.PerformancePage(p))
}

// live is the part of the page that asks for itself. Asking by itself keeps no session alive (SE-4).
func (s *speed) live(c echo.Context) error {
	auth.VisitorFrom(c.Request().Context()).Polling()
	if !web.WantsFragment(c.Request()) {
		return web.Redirect(c, pages.PerformancePath)
	}
	p, err := s.read(c)
	if err != nil {
		return err
	}
	return web.Fragment(c, http.StatusOK, pages.PerformancePart(p))
}

func (s *speed) read(c echo.Context) (p pages.Performance, err error) {
	span := profile.Lately
	switch c.QueryParam("span") {
	case "":
	case "24h":
		span = profile.Day
	default:
		return p, web.ErrNoPage
	}
	p.Report, err = s.review.Report(c.Request().Context(), web.Actor(c), span)
	p.Now, p.Live = web.Now(c), c.QueryParam("live") != "off"
	return p, err
}

// feltSlow counts a press of "Signing in felt slow". Whoever pressed it stays where they were.
func (s *speed) feltSlow(c echo.Context) error {
	if err := s.review.FeltSlow(c.Request().Context(), web.Actor(c)); err != nil {
		return err
	}
	if web.WantsFragment(c.Request()) {
		return web.Fragment(c, http.StatusOK, components.FeltSlowCounted())
	}
	web.Flash(c, web.OK, "Thank you, that is counted. The administrators see how often it happens.")
	if web.Person(c) != nil {
		return web.Redirect(c, "/overview")
	}
	return web.Redirect(c, "/login")
}
