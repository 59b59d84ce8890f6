package handlers_test

import (
	"strings"
	"testing"

	"dashtam/handlers/handlertest"
)

var officePaths = []string{"/admin", "/admin/users", "/admin/connections", "/admin/jobs", "/admin/audit", "/admin/performance", "/admin/settings"}

func TestAdmin(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	nora.Post(connection+"/rename", "name", "my secret name").WantRedirect(connection)
	boss := app.SignedInAdmin("Ada Eze")

	t.Run("anonymous", func(*testing.T) {
		for _, path := range officePaths {
			app.Stranger().Get(path).WantRedirect("/login?next=" + strings.ReplaceAll(path, "/", "%2F"))
		}
	})
	t.Run("other_user", func(*testing.T) {
		for _, path := range officePaths {
			nora.Get(path).Want(403)
			nora.HX("GET", path).Want(403)
		}
	})
	t.Run("invalid", func(*testing.T) {
		for _, path := range []string{"/admin/users?before=7", "/admin/connections?before=x", "/admin/connections?status=happy", "/admin/jobs?before=-1", "/admin/jobs?before=x", "/admin/nothing"} {
			boss.Get(path).Want(404)
		}
	})
	t.Run("htmx", func(t *testing.T) {
		for _, path := range officePaths {
			if p := boss.HX("GET", path).Want(200); p.Find("nav.rail-nav").Length() != 0 {
				t.Errorf("%s: a fragment came with its page", path)
			}
		}
	})
	t.Run("success", func(*testing.T) {
		home := boss.Get("/admin").Want(200)
		home.WantText("Running well.")
		home.WantOne(`.stat:contains("People") dd.num:contains("2")`)
		home.WantOne(`section[aria-labelledby=au] tr:contains("Connected a bank"):contains("nora.okafor@example.com")`)
		home.WantOne(`nav.tabs a[aria-current=page]:contains("Health")`)
		boss.Get("/admin/users").Want(200).WantOne(`tr:contains("ada.eze@example.com"):contains("Administrator")`)
		boss.Get("/admin/connections").Want(200).WantOne(`tbody tr:contains("nora.okafor@example.com"):contains("Healthy")`)
		boss.Get("/admin/connections?status=paused").Want(200).WantText("There is no such connection.")
		boss.Get("/admin/jobs?place=done").Want(200).WantOne(`tbody tr:contains("Sync of a connection"):last-child`)
	})
	// What a person's money is, and what they call it, is nowhere on these pages (AZ-5).
	t.Run("AZ5", func(t *testing.T) {
		accounts := nora.Get(connection).Want(200).Find("table.accts a.row-link")
		for _, path := range officePaths {
			page := boss.Get(path).Want(200)
			if strings.Contains(page.Body, "my secret name") || page.Find("data.amt").Length() != 0 {
				t.Errorf("%s shows a name or an amount", path)
			}
			for i := range accounts.Length() {
				if name := accounts.Eq(i).Text(); strings.Contains(page.Said(), name) {
					t.Errorf("%s names the account %q", path, name)
				}
			}
		}
		boss.Get(connection).Want(404)
	})
}

func TestAdmin_DatabaseAway(t *testing.T) {
	handlertest.NewBroken(t).Stranger().Do("GET", "/admin", map[string][]string{"Cookie": {"session=anything"}}).Want(503)
}
