package handlers_test

import (
	"strings"
	"testing"
	"time"

	"dashtam/handlers/handlertest"
)

// The end of a permission is seen before it comes: on the overview, among the connections, on the connection's own page and
// in a calendar, and can be moved at once.
// Break OA-19: views/pages/overview.templ: leave endingNotice out of OverviewPage
// Break OA-19: handlers/connections_calendar.go: in folded, room = 76
func TestConnections_OA19_TheEndIsSeen(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	name := `Söhne, "Töchter"; \ & ` + strings.Repeat("ü", 60)
	nora.Post(connection+"/rename", "name", name).WantRedirect(connection)
	set := func(state string) {
		t.Helper()
		if _, err := app.DB.Exec(t.Context(), "UPDATE connections SET "+state); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("far away", func(t *testing.T) {
		if nora.Get("/overview").Want(200).Find("section[aria-label='Renew soon']").Length() != 0 {
			t.Error("a banner half a year ahead")
		}
		nora.Get("/connections").Want(200).WantOne("section[aria-labelledby=ends] a[href='/connections/calendar.ics']:contains('Add to my calendar')")
	})
	ends := time.Now().UTC().AddDate(0, 0, 3)
	set("status = 'renew', cause = 'consent_ends', consented_at = now() - interval '177 days', consent_expires_at = now() + interval '3 days'")
	t.Run("soon", func(*testing.T) {
		renew := "form[method=post][action='" + connection + "/reconnect'] button:contains(Renew)"
		nora.Get("/overview").Want(200).WantOne("section[aria-label='Renew soon'] " + renew)
		nora.Get("/connections").Want(200).WantOne("section[aria-label='For you'] " + renew)
		page := nora.Get(connection).Want(200)
		page.WantOne(renew)
		page.WantText("syncs go on until")
		nora.Get("/connections").WantOne("section[aria-labelledby=ends] dd:contains('in 3 days')")
		nora.Post(connection + "/reconnect").WantRedirect("/connections/sandbox/continue")
	})
	t.Run("paused", func(*testing.T) {
		set("status = 'paused', cause = 'bank_away'")
		nora.Get(connection).Want(200).WantOne("form[action='" + connection + "/reconnect'] button:contains(Renew)")
		set("status = 'renew'")
	})
	t.Run("calendar", func(t *testing.T) {
		p := nora.Get("/connections/calendar.ics").Want(200)
		for header, want := range map[string]string{
			"Content-Type": "text/calendar; charset=utf-8", "Cache-Control": "private, no-store", "X-Robots-Tag": "noindex",
		} {
			if got := p.Header.Get(header); got != want {
				t.Errorf("%s: %q", header, got)
			}
		}
		lines := strings.Split(strings.TrimSuffix(p.Body, "\r\n"), "\r\n")
		for _, line := range lines {
			if len(line) > 75 || strings.ContainsAny(line, "\r\n") || strings.ToValidUTF8(line, "?") != line {
				t.Errorf("no line of a calendar: %d octets, %q", len(line), line)
			}
		}
		whole := strings.ReplaceAll(p.Body, "\r\n ", "")
		id := strings.TrimPrefix(connection, "/connections/")
		for _, want := range []string{
			"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:", "UID:" + id + "@127.0.0.1\r\n", "DTSTART;VALUE=DATE:" + ends.Format("20060102") + "\r\n",
			`SUMMARY:Renew Söhne\, "Töchter"\; \\ & ` + strings.Repeat("ü", 60) + " in Dashtam\r\n", "URL:" + app.URL + connection + "\r\n",
			"TRIGGER:-P7D\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
		} {
			if strings.Count(whole, want) != 1 {
				t.Errorf("not once in the calendar: %q\n%s", want, whole)
			}
		}
		set("consented_at = consent_expires_at - interval '7 days'")
		if weekly := nora.Get("/connections/calendar.ics").Body; !strings.Contains(weekly, "TRIGGER:-P2D\r\n") || !strings.Contains(weekly, "UID:"+id) {
			t.Error("the alarm of a weekly one")
		}
	})
	t.Run("other_user", func(t *testing.T) {
		if strings.Contains(app.SignedIn("Ada Eze").Get("/connections/calendar.ics").Want(200).Body, "VEVENT") {
			t.Error("somebody else's permissions")
		}
	})
	t.Run("ended", func(t *testing.T) {
		nora.Post(connection+"/disconnect", "data", "keep").WantRedirect("/connections")
		if strings.Contains(nora.Get("/connections/calendar.ics").Body, "VEVENT") || nora.Get("/connections").Find("section[aria-labelledby=ends]").Length() != 0 {
			t.Error("what has ended still ends")
		}
	})
}

// A bank that accepts the permission no more has ended it: nothing says that it ends later. An account that could not be
// read keeps the page from saying that all is well.
func TestConnections_SaysWhatDoesNotWork(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	exec := func(sql string) {
		t.Helper()
		if _, err := app.DB.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`UPDATE sync_accounts SET failure = 'bank_data', failed_at = now() WHERE account = (SELECT min(account) FROM sync_accounts)`)
	p := nora.Get(connection).Want(200)
	p.WantText("One of nine accounts could not be read.")
	p.WantOne(".accts .doubt svg")
	exec(`UPDATE connections SET status = 'needs_you', cause = 'consent_ended'`)
	exec(`UPDATE sync_runs SET state = 'failed', failure = 'consent_ended'`)
	p = nora.Get(connection).Want(200)
	p.WantOne(".kv dd:contains('At the bank, noticed')")
	p.WantOne("section[aria-labelledby=hist] .st:contains(Refused)")
	if nora.Get("/connections").Find("section[aria-labelledby=ends]").Length() != 0 || strings.Contains(nora.Get("/connections/calendar.ics").Body, "VEVENT") {
		t.Error("what the bank has ended still ends")
	}
}
