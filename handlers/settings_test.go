package handlers_test

import (
	"testing"

	"dashtam/handlers/handlertest"
)

func TestProfile(t *testing.T) {
	app := handlertest.New(t)
	b := app.SignedIn("Nora Okafor")
	t.Run("anonymous", func(t *testing.T) {
		app.Stranger().Get("/settings/profile").WantRedirect("/login?next=%2Fsettings%2Fprofile")
		app.Stranger().Post("/settings/profile", "name", "x").WantRedirect("/login")
		p := app.Stranger().HX("POST", "/settings/profile", "name", "x").Want(401)
		if p.Header.Get("HX-Redirect") != "/login" {
			t.Errorf("htmx is sent to %q", p.Header.Get("HX-Redirect"))
		}
	})
	t.Run("invalid", func(t *testing.T) {
		p := b.Post("/settings/profile", "name", "", "timezone", "Mars/Olympus", "theme", "pink").Want(422)
		p.WantOne("#name-error")
		p.WantOne("#timezone-error")
		p.WantOne("#theme-error")
		if got := p.WantOne("input[name=timezone]").AttrOr("value", ""); got != "Mars/Olympus" {
			t.Errorf("what was typed is gone: %q", got)
		}
		b.Get("/settings/profile").Want(200).WantOne(`input[name=name][value="Nora Okafor"]`)
	})
	t.Run("htmx", func(t *testing.T) {
		p := b.HX("GET", "/settings/profile").Want(200)
		if p.Find(".rail").Length() != 0 || p.Header.Get("Vary") == "" {
			t.Error("a fragment came with its page")
		}
	})
	t.Run("success", func(t *testing.T) {
		p := b.Post("/settings/profile", "name", "Nora O.", "timezone", "Europe/Zurich", "theme", "dark").WantRedirect("/settings/profile").Follow()
		p.WantOne("html[data-theme=dark]")
		p.WantOne("[role=status]")
		p.WantOne(`input[name=name][value="Nora O."]`)
		if p.Find("html[data-keys]").Length() != 0 || b.Get("/settings/profile").Find("[role=status]").Length() != 0 {
			t.Error("the shortcuts are still on, or the flash came twice")
		}
	})
	t.Run("other_user", func(*testing.T) {
		app.SignedIn("Ada Eze").Get("/settings/profile").Want(200).WantOne(`input[name=name][value="Ada Eze"]`)
	})
}

func TestThemeAndRail(t *testing.T) {
	app := handlertest.New(t)
	b := app.SignedIn("Nora Okafor")
	b.Post("/settings/theme", "theme", "light", "next", "/settings/profile").WantRedirect("/settings/profile").Follow().WantOne("html[data-theme=light]")
	b.Post("/settings/rail", "rail", "icons", "next", "//evil.example").WantRedirect("/overview")
	b.Get("/settings/profile").WantOne("html[data-rail=icons]")
	b.Post("/settings/rail", "rail", "full").WantRedirect("/overview")
	if b.Get("/settings/profile").Find("html[data-rail]").Length() != 0 {
		t.Error("the rail is still folded")
	}
	b.Post("/settings/theme", "theme", "pink").Want(422)
	b.Post("/logout")
	b.Get("/login").WantOne("html[data-theme=light]") // this browser keeps its look
}
