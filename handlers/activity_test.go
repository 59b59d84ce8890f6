package handlers_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
	"dashtam/services/actor"
	"dashtam/services/audit"
)

func TestActivity(t *testing.T) {
	app := handlertest.New(t)
	nora, ada := app.SignedIn("Nora Okafor"), app.SignedIn("Ada Eze")
	app.Stranger().Post("/login", "email", nora.User.Email, "password", "WrongPassword").Want(401)
	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get("/settings/activity").WantRedirect("/login?next=%2Fsettings%2Factivity")
	})
	t.Run("other_user", func(t *testing.T) {
		if n := ada.Get("/settings/activity").Want(200).Find("tbody tr").Length(); n != 1 {
			t.Errorf("%d lines, want her own sign-in", n)
		}
	})
	t.Run("invalid", func(*testing.T) {
		for _, before := range []string{"x", "-1", "0", "99999999999999999999"} {
			nora.Get("/settings/activity?before=" + before).Want(404)
		}
	})
	t.Run("htmx", func(*testing.T) { nora.HX("GET", "/settings/activity").Want(200).WantOne("table") })
	t.Run("success", func(t *testing.T) {
		boss := actor.Actor{Kind: actor.Admin, UserID: ada.User.ID, UserAgent: "Mozilla/5.0 (Macintosh) Firefox/140.0", RequestID: "r"}
		if err := audit.Record(t.Context(), app.DB, boss, audit.Event{Act: "user.reset", UserID: nora.User.ID}); err != nil {
			t.Fatal(err)
		}
		p := nora.Get("/settings/activity").Want(200)
		p.WantOne(`tbody tr:contains("You"):contains("Signed in")`)
		p.WantOne(`tbody tr:contains("Somebody who was not signed in"):contains("Refused")`)
		if theirs := p.WantOne(`tbody tr:contains("An administrator"):contains("Started a password reset")`); strings.Contains(theirs.Text(), "Firefox") || strings.Contains(p.Body, ada.User.Email) {
			t.Error("it tells where the administrator was, or who")
		}
		for range 60 {
			if err := audit.Record(t.Context(), app.DB, actor.Actor{Kind: actor.User, UserID: nora.User.ID}, audit.Event{Act: "profile"}); err != nil {
				t.Fatal(err)
			}
		}
		first := nora.Get("/settings/activity")
		second := nora.Get(first.WantOne(".pager a").AttrOr("href", "")).Want(200)
		if a, b := first.Find("tbody tr").Length(), second.Find("tbody tr").Length(); a != 50 || b != 13 || second.Find(".pager a").Length() != 0 {
			t.Errorf("%d and %d lines", a, b)
		}
	})
}

func TestBankUses(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get("/settings/activity/banks").WantRedirect("/login?next=%2Fsettings%2Factivity%2Fbanks")
	})
	t.Run("other_user", func(t *testing.T) {
		if n := app.SignedIn("Ada Eze").Get("/settings/activity/banks").Want(200).Find("tbody tr").Length(); n != 0 {
			t.Errorf("%d lines of somebody else's", n)
		}
	})
	t.Run("invalid", func(*testing.T) { nora.Get("/settings/activity/banks?before=x").Want(404) })
	t.Run("htmx", func(*testing.T) { nora.HX("GET", "/settings/activity/banks").Want(200).WantOne("table") })
	t.Run("success", func(*testing.T) {
		for _, p := range []string{"/settings/activity/banks", connection} {
			page := nora.Get(p).Want(200)
			page.WantOne(`tbody tr:contains("Sync job"):contains("Read accounts and balances, "):contains("kB"):contains("Used")`)
			page.WantOne(`tbody tr:contains("You gave permission at the bank"):contains("Stored")`)
		}
		nora.Get("/settings/activity/banks").WantOne(`tbody tr:contains("Read accounts") a[href="` + connection + `"]`)
	})
}

func TestAdminAudit(t *testing.T) {
	app := handlertest.New(t)
	nora, boss := app.SignedIn("Nora Okafor"), app.SignedInAdmin("Ada Eze")
	app.Stranger().Post("/login", "email", nora.User.Email, "password", "WrongPassword").Want(401)
	lines := func(query string) int {
		t.Helper()
		return boss.Get("/admin/audit" + query).Want(200).Find("tbody tr").Length()
	}
	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get("/admin/audit.csv").WantRedirect("/login?next=%2Fadmin%2Faudit.csv")
	})
	t.Run("other_user", func(*testing.T) { nora.Get("/admin/audit.csv").Want(403) })
	t.Run("invalid", func(*testing.T) {
		p := boss.Get("/admin/audit?person=nobody%40example.com&from=yesterday&to=2026-13-01&result=maybe&before=x").Want(422)
		for _, field := range []string{"person", "from", "to", "result"} {
			p.WantOne("#" + field + "-error")
		}
		p.WantOne("[role=alert]")
		boss.Get("/admin/audit.csv?from=yesterday").Want(422)
	})
	t.Run("htmx", func(*testing.T) { boss.HX("GET", "/admin/audit").Want(200).WantOne("table") })
	t.Run("success", func(t *testing.T) {
		for query, want := range map[string]int{
			"": 3, "?act=login": 3, "?act=logout": 0, "?result=refused": 1, "?person=NORA.okafor%40example.com": 2, "?person=" + nora.User.ID.String(): 2,
			"?person=ada.eze%40example.com&result=refused": 0, "?from=2001-01-01": 3, "?to=2001-01-01": 0, "?from=2001-01-01&to=2999-01-01": 3,
		} {
			if got := lines(query); got != want {
				t.Errorf("%q: %d lines, want %d", query, got, want)
			}
		}
		p := boss.Get("/admin/audit?person=nora.okafor%40example.com&act=login")
		p.WantOne(`input[name=person][value="nora.okafor@example.com"]`)
		if href := p.WantOne(`a[href^="/admin/audit.csv"]`).AttrOr("href", ""); href != "/admin/audit.csv?act=login&person=nora.okafor%40example.com" {
			t.Errorf("the export leads to %s", href)
		}
	})
}

// The export holds what the page shows, all of it, and nothing a spreadsheet would calculate.
// Break XS-3: handlers/admin_audit.go: e.UserAgent in place of inert(e.UserAgent)
func TestAdminAudit_XS3_Export(t *testing.T) {
	app := handlertest.New(t)
	boss := app.SignedInAdmin("Ada Eze")
	evil := actor.Actor{UserAgent: `=HYPERLINK("https://evil.example","x")`, RequestID: "\tcmd"}
	for i := range 1201 { // more than the pages the export reads
		if err := audit.Record(t.Context(), app.DB, evil, audit.Event{Act: "login", Result: audit.Refused, Detail: map[string]string{"reason": fmt.Sprint("@", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	p := boss.Get("/admin/audit.csv?result=refused").Want(200)
	if kind := p.Header.Get("Content-Type"); kind != "text/csv; charset=utf-8" || !strings.HasPrefix(p.Header.Get("Content-Disposition"), `attachment; filename="audit-`) {
		t.Errorf("%v", p.Header)
	}
	rows, err := csv.NewReader(strings.NewReader(p.Body)).ReadAll()
	if err != nil || len(rows) != 1202 {
		t.Fatalf("%d lines, %v", len(rows), err)
	}
	for _, cells := range rows[1:] {
		for _, cell := range cells {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
				t.Fatalf("a cell begins with %q", cell)
			}
		}
	}
	if n := row(t, app, `SELECT count(*) || '' FROM audit_events WHERE act = 'audit.exported'`); n != "1" {
		t.Errorf("the export is in the log %s times", n)
	}
	boss.Do("HEAD", "/admin/audit.csv", nil).Want(200)
}

// Every act of an administrator on accounts and invitations asks for a recent proof of who they are; having a mail or a job tried
// again is none.
// Break AZ-4: handlers/routes.go: leave fresh out of /admin/users/:id/role
func TestRoutes_AZ4_AdministratorsProveThemselves(t *testing.T) {
	app := handlertest.New(t)
	boss, nora := app.SignedInAdmin("Ada Eze"), app.Person("Nora Okafor")
	if _, err := app.DB.Exec(t.Context(), `UPDATE sessions SET proved_at = now() - interval '16 minutes'`); err != nil {
		t.Fatal(err)
	}
	for _, r := range of(handlers.Table(app.Deps), "POST") {
		if r.Access != "admin" || r.Path == "/admin/mail/retry" || strings.HasPrefix(r.Path, "/admin/jobs/") {
			continue
		}
		p := boss.Post(strings.Replace(r.Path, ":id", nora.ID.String(), 1), "role", "admin", "email", nora.Email)
		if where := p.Header.Get("Location"); p.Status != 303 || !strings.HasPrefix(where, "/reauth?next=%2Fadmin") {
			t.Errorf("%s: %d to %q", r.Path, p.Status, where)
		}
	}
	if n := row(t, app, `SELECT count(*) || '' FROM users WHERE role = 'admin'`); n != "1" {
		t.Error("somebody was made an administrator")
	}
}
