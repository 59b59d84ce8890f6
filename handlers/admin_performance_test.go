package handlers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"dashtam/handlers/handlertest"
	speeds "dashtam/services/profile" // profile is a path here
)

// TestSeed_Performance_ProfileTable: the founding document's table of operations, live.
func TestSeed_Performance_ProfileTable(t *testing.T) {
	app := handlertest.New(t)
	nora, boss := app.SignedIn("Nora Okafor"), app.SignedInAdmin("Ada Eze")
	const page, live = "/admin/performance", "/admin/performance/live"

	t.Run("anonymous", func(t *testing.T) {
		app.Stranger().Get(page).WantRedirect("/login?next=%2Fadmin%2Fperformance")
		if p := app.Stranger().HX("GET", live).Want(401); p.Header.Get("HX-Redirect") != "/login" {
			t.Error("a page left open does not lead to the sign-in")
		}
	})
	t.Run("other_user", func(*testing.T) {
		nora.Get(page).Want(403)
		nora.HX("GET", live).Want(403)
	})
	t.Run("invalid", func(*testing.T) {
		boss.Get(page + "?span=7d").Want(404)
		boss.HX("GET", live+"?span=7d").Want(404)
	})
	t.Run("htmx", func(t *testing.T) {
		p := boss.HX("GET", live).Want(200)
		if p.Find("nav.tabs, #dec").Length() != 0 || p.Find(`#live[hx-get="/admin/performance/live"]`).Length() != 1 {
			t.Errorf("not the live part: %s", p.Body)
		}
		boss.HX("GET", live+"?span=24h").Want(200).WantOne(`#live[hx-get="/admin/performance/live?span=24h"]`)
		boss.Get(live).WantRedirect(page)
	})
	t.Run("success", func(t *testing.T) {
		for range 40 { // beside those asked for above
			app.Profile.PageTook(4*time.Millisecond, false)
			app.Profile.PageTook(5*time.Millisecond, true)
		}
		app.Profile.Observe(speeds.Verify, 230*time.Millisecond)
		p := boss.Get(page).Want(200)
		p.WantOne("h1.head-title:contains('Asynchronous or synchronous?')")
		p.WantOne(".answer:contains(\"Nobody waits for somebody else's password: pages answer in\"):contains('while passwords are hashed')")
		p.WantText("Next review: not due.")
		p.WantOne(`nav.tabs a[aria-current=page]:contains("Performance")`)
		p.WantOne(`tr:contains("Verify a password"):contains("~300 ms"):contains("Yes")`)
		p.WantOne(`tr:contains("Send a mail"):contains("Not seen"):contains("Already asynchronous")`)
		p.WantOne(`tfoot tr:contains("All of it")`)
		p.WantOne(`section[aria-labelledby=dec] tr:contains("Keep PasswordService synchronous"):contains("4 Oct 2025")`)
		p.WantOne(`section[aria-labelledby=cls] tr:contains("review_lines")`)
		if n := p.Find(".gauges > div").Length(); n != 4 {
			t.Errorf("%d criteria", n)
		}
		if n := p.Find(".series figure svg[aria-label]").Length(); n != 3 {
			t.Errorf("%d pictures", n)
		}
		if n := boss.Get(page + "?live=off").Want(200).Find("[hx-trigger]").Length(); n != 0 {
			t.Error("a paused page asks for itself")
		}
	})
	t.Run("crossed", func(*testing.T) {
		for range 200 {
			app.Profile.Observe(speeds.Login, 3*time.Second)
		}
		if err := app.Review.Evaluate(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := boss.Get(page).Want(200)
		p.WantOne(".answer:contains('Signing in is slow'):contains('nobody else waits')")
		p.WantText("Next review: due since today at").WantText("because signing in takes over a second.")
		p.WantOne(`.gauges > div:contains("Time to sign in"):contains("Over"):contains("Since today at")`)
		p.WantOne(`section[aria-labelledby=lim] tbody tr:contains("Time to sign in: crossed the limit, with 2.9")`)
	})
}

// Break SE-4: handlers/admin_performance.go: leave out Polling() in live
func TestPerformance_SE4_PollingKeepsNoSessionAlive(t *testing.T) {
	app := handlertest.New(t)
	boss := app.SignedInAdmin("Ada Eze")
	seen := func() (at time.Time) {
		if err := app.DB.QueryRow(t.Context(), `SELECT last_seen_at FROM sessions WHERE user_id = $1`, boss.User.ID).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	if _, err := app.DB.Exec(t.Context(), `UPDATE sessions SET last_seen_at = now() - interval '10 minutes'`); err != nil {
		t.Fatal(err)
	}
	before := seen()
	boss.HX("GET", "/admin/performance/live").Want(200)
	if !seen().Equal(before) {
		t.Error("a poll counts as a visit")
	}
	boss.Get("/admin/performance").Want(200)
	if seen().Equal(before) {
		t.Error("a look at the page does not")
	}
}

func TestFeltSlow(t *testing.T) {
	app := handlertest.New(t)
	pressed := func() int { return app.Profile.Events(speeds.FeltSlow, speeds.Day) }
	t.Run("anonymous", func(t *testing.T) {
		app.Stranger().Post("/login/slow").WantRedirect("/login").Follow().WantText("Thank you, that is counted.")
		if pressed() != 1 {
			t.Errorf("%d presses", pressed())
		}
	})
	t.Run("success", func(t *testing.T) {
		app.SignedIn("Nora Okafor").Post("/login/slow").WantRedirect("/overview").Follow().WantText("Thank you, that is counted.")
		if pressed() != 2 {
			t.Errorf("%d presses", pressed())
		}
	})
	t.Run("htmx", func(t *testing.T) {
		if p := app.Stranger().HX("POST", "/login/slow").Want(200); p.Find("form, nav").Length() != 0 || !strings.Contains(p.Body, "counted") {
			t.Errorf("%s", p.Body)
		}
	})
	t.Run("other_user", func(*testing.T) { // another site cannot press it
		app.Stranger().Do(http.MethodPost, "/login/slow", http.Header{"Sec-Fetch-Site": {"cross-site"}}).Want(403)
	})
	t.Run("invalid", func(t *testing.T) {
		b, before := app.Stranger(), pressed()
		for range 5 {
			b.Post("/login/slow").Want(303)
		}
		if p := b.Post("/login/slow").Want(429); p.Header.Get("Retry-After") == "" || pressed() != before+5 {
			t.Errorf("%d presses more", pressed()-before)
		}
		app.Stranger().Get("/login/slow").Want(405)
	})
}
