package handlers_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"dashtam/handlers/handlertest"
)

func TestConnections(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")

	t.Run("anonymous", func(*testing.T) {
		for _, path := range []string{"/connections", "/connections/new", "/connections/sandbox/about", "/connections/sandbox/continue", connection, connection + "/progress", connection + "/disconnect"} {
			app.Stranger().Get(path).WantRedirect("/login?next=" + strings.ReplaceAll(path, "/", "%2F"))
		}
		for _, path := range []string{"/connections/sandbox/connect", connection + "/sync", connection + "/rename", connection + "/reconnect", connection + "/disconnect"} {
			app.Stranger().Post(path, "name", "mine", "data", "delete").WantRedirect("/login")
		}
	})
	t.Run("other_user", func(t *testing.T) {
		ada := app.SignedIn("Ada Eze")
		missing := ada.Get("/connections/" + uuid.NewString()).Want(404).Same()
		if ada.Get(connection).Want(404).Same() != missing {
			t.Error("somebody else's connection looks other than a missing one")
		}
		ada.Get(connection + "/disconnect").Want(404)
		ada.HX("GET", connection+"/progress").Want(404)
		for _, act := range []string{"/sync", "/rename", "/reconnect", "/disconnect"} {
			ada.Post(connection+act, "name", "mine", "data", "delete").Want(404)
		}
		ada.Get("/connections").Want(200).WantText("No bank yet.")
		nora.Get(connection).Want(200).WantOne(`h1:contains("Sandbox Bank")`)
	})
	t.Run("invalid", func(*testing.T) {
		p := nora.Post(connection+"/rename", "name", strings.Repeat("x", 101)).Want(422)
		p.WantOne("#name-error")
		p.WantOne(`input#name[value^=xxx]`)
		nora.Post(connection+"/rename", "name", "  ").Want(422)
		nora.Post(connection + "/disconnect").Want(422).WantOne(`input[name=data][value=keep][checked]`)
		nora.Post(connection+"/disconnect", "data", "both").Want(422).WantText("Choose what becomes of the history.")
		for _, path := range []string{"/connections/7", "/connections/" + strings.ToUpper(uuid.NewString()), "/connections/nobank/about", "/connections/nobank/continue", "/connections/nobank/callback?state=x", "/connections/sandbox/credentials"} {
			nora.Get(path).Want(404)
		}
		nora.Post("/connections/nobank/connect").Want(404)
		nora.Get(connection).Want(200).WantOne(`h1:contains("Sandbox Bank")`)
	})
	t.Run("htmx", func(t *testing.T) {
		if p := nora.HX("GET", "/connections").Want(200); p.Find("html nav.rail-nav").Length() != 0 || p.Find("li.conn").Length() != 1 {
			t.Error("a fragment is the list and nothing around it")
		}
		nora.Get(connection + "/progress").WantRedirect(connection)
		if p := nora.HX("GET", connection+"/progress").Want(200); p.Header.Get("HX-Refresh") != "true" {
			t.Error("a run that is over does not load the page anew")
		}
		if p := nora.HX("POST", connection+"/rename", "name", "Ours").Want(204); p.Header.Get("HX-Redirect") != connection {
			t.Errorf("htmx is sent to %q", p.Header.Get("HX-Redirect"))
		}
	})
	t.Run("success", func(t *testing.T) {
		p := nora.Post(connection+"/rename", "name", "Household & Söhne <b>").WantRedirect(connection).Follow().Want(200)
		p.WantOne(`h1:contains("Household & Söhne <b>")`)
		p.WantOne(".st-chip:contains(Healthy)")
		if n := p.Find("table.accts tbody tr").Length(); n < 8 {
			t.Errorf("%d accounts, want all of the bank's", n)
		}
		p.WantOne(`section[aria-labelledby=hist] tbody tr:contains("Done")`)
		p.WantOne(`section[aria-labelledby=led] tbody tr:contains("You gave permission at the bank")`)
		list := nora.Get("/connections").Want(200)
		list.WantOne(`section[aria-label=Running] li.conn:contains("Household & Söhne")`)
		list.WantOne("a.btn-primary[href='/connections/new']")
	})
}

// While a run is on, the page shows how far it is and asks for that every second; without a script it says how to look.
func TestConnections_Progress(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	connection := nora.Get(nora.Connect("nora", handlertest.Allow)).Header.Get("Location") // no jobs are worked yet
	p := nora.Get(connection).Want(200)
	p.WantOne(".st-chip:contains(Syncing)")
	p.WantOne("noscript")
	p.WantOne(`[hx-get="` + connection + `/progress"][hx-trigger="every 1s"]`)
	fragment := nora.HX("GET", connection+"/progress").Want(200)
	fragment.WantOne(`[hx-get="` + connection + `/progress"]`)
	if fragment.Header.Get("HX-Refresh") != "" || fragment.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers of a run that is on: %v", fragment.Header)
	}
	nora.Get("/connections").WantOne("a.btn:contains('See progress')")
	nora.Post(connection + "/sync").WantRedirect(connection) // one that is queued is the answer, too
	app.AwaitSync(nora, connection)
	if p := nora.Get(connection).Want(200); p.Find("[hx-trigger]").Length() != 0 || p.Find("section[aria-labelledby=hist] tbody tr").Length() != 1 {
		t.Error("the page still asks for progress, or there were two runs")
	}
	nora.Post(connection + "/sync").WantRedirect(connection)
	app.AwaitSync(nora, connection)
	nora.Get(connection).WantOne(`section[aria-labelledby=hist] tbody tr:contains("You"):contains("Done")`)
}

func TestConnections_TheWholeWay(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	nora.Get("/connections").Want(200).WantOne("main a.btn-primary[href='/connections/new']")
	nora.Get("/connections/new").Want(200).WantOne("a[href='/connections/sandbox/about']")
	about := nora.Get("/connections/sandbox/about").Want(200)
	about.WantOne("main form[method=post][action='/connections/sandbox/connect'] button.btn-primary")
	about.WantText(strings.TrimPrefix(app.BankURL, "http://"))
	about.WantText("after 180 days")

	nora.Get("/connections/sandbox/continue").WantRedirect("/connections/sandbox/about") // nothing was started
	away := nora.Post("/connections/sandbox/connect").WantRedirect("/connections/sandbox/continue").Follow().Want(200)
	link := away.WantOne("a#continue").AttrOr("href", "")
	if !strings.HasPrefix(link, app.BankURL) || away.WantOne("meta[http-equiv=refresh]").AttrOr("content", "") != "0; url="+link {
		t.Errorf("the page leads to %q", link)
	}
	away.WantText("Sandbox Bank")
	if again := nora.Get("/connections/sandbox/continue").WantOne("a#continue").AttrOr("href", ""); again != link {
		t.Error("loading the page twice makes two attempts")
	}
	connection := nora.Get(nora.Decide(link, "nora", handlertest.Allow)).Header.Get("Location")
	if _, err := uuid.Parse(strings.TrimPrefix(connection, "/connections/")); err != nil {
		t.Fatalf("back to %q", connection)
	}
	nora.Get(connection).WantOne("[role=status]:contains('The bank is connected.')")
	app.AwaitSync(nora, connection)

	again := nora.Post(connection + "/reconnect").WantRedirect("/connections/sandbox/continue").Follow()
	nora.Get(nora.Decide(again.WantOne("a#continue").AttrOr("href", ""), "nora", handlertest.Allow)).WantRedirect(connection)
	app.AwaitSync(nora, connection)

	nora.Get(connection + "/disconnect").Want(200).WantOne("form[action='" + connection + "/disconnect'] input[name=data][value=keep][checked]")
	nora.Post(connection+"/disconnect", "data", "keep").WantRedirect("/connections").Follow().WantOne("section[aria-label='Not running'] li.conn")
	kept := nora.Get(connection).Want(200)
	kept.WantOne(".st-chip:contains(Disconnected)")
	if kept.Find("table.accts tbody tr").Length() < 8 {
		t.Error("the history is gone")
	}
	nora.Post(connection + "/sync").WantRedirect(connection).Follow().WantOne("[role=status]:contains('has ended')")
	nora.Post(connection+"/disconnect", "data", "delete").WantRedirect("/connections").Follow().WantText("No bank yet.")
	nora.Get(connection).Want(404)
}
