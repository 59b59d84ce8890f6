package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/connections"
	"dashtam/services/tokens"
	"dashtam/views/pages"
)

// settings is what a person decides about themselves and how pages look.
type settings struct {
	auth     *auth.Service
	sessions *web.Sessions
	cookies  web.Cookies

	tokens      *tokens.Service // what the owner sees of their use
	connections *connections.Service
}

func (s *settings) profile(c echo.Context) error {
	u := web.Person(c)
	return s.profilePage(c, http.StatusOK, pages.Profile{
		Fields:    pages.Fields{Values: map[string]string{"name": u.Name, "timezone": u.Timezone, "theme": u.Theme}},
		Shortcuts: u.Shortcuts,
	})
}

func (s *settings) updateProfile(c echo.Context) error {
	var form struct {
		Name      string `form:"name"`
		Timezone  string `form:"timezone"`
		Theme     string `form:"theme"`
		Shortcuts bool   `form:"shortcuts"`
	}
	err := web.Bind(c, &form)
	if err == nil {
		err = s.auth.UpdateProfile(c.Request().Context(), web.Actor(c), auth.Profile(form))
	}
	if err == nil {
		s.cookies.Set(c, web.ThemeCookie, form.Theme)
		web.Flash(c, web.OK, "Your profile is saved.")
		return web.Redirect(c, "/settings/profile")
	}
	if f, status, ok := again(c, err, map[string]string{"name": form.Name, "timezone": form.Timezone, "theme": form.Theme}); ok {
		return s.profilePage(c, status, pages.Profile{Fields: f, Shortcuts: form.Shortcuts})
	}
	return err
}

func (s *settings) profilePage(c echo.Context, status int, p pages.Profile) error {
	u, now := web.Person(c), web.Now(c)
	p.Email, p.Since, p.Now = u.Email, u.CreatedAt.In(now.Location()), now
	return web.Page(c, status, web.Meta{Title: "Profile", Nav: "settings"}, pages.ProfilePage(p))
}

// setTheme is the switch on every page.
func (s *settings) setTheme(c echo.Context) error {
	var form struct {
		Theme string `form:"theme"`
		Next  string `form:"next"`
	}
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	if err := s.auth.SetTheme(c.Request().Context(), web.Actor(c), form.Theme); err != nil {
		return err
	}
	s.cookies.Set(c, web.ThemeCookie, form.Theme)
	return web.Redirect(c, back(form.Next))
}

// setRail folds the navigation to its icons, or unfolds it, in this browser.
func (s *settings) setRail(c echo.Context) error {
	var form struct {
		Rail string `form:"rail"`
		Next string `form:"next"`
	}
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	if form.Rail != "icons" {
		form.Rail = "full"
	}
	s.cookies.Set(c, web.RailCookie, form.Rail)
	return web.Redirect(c, back(form.Next))
}

// back is where a form in the frame leads to: the page it was sent from.
func back(next string) string {
	if next = web.Next(next); next != "" {
		return next
	}
	return "/overview"
}
