package handlers_test

import (
	"net/url"
	"strings"
	"testing"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
	"dashtam/services/providers/banktest"
)

// alder is the form about a bank at address, changed by names and values in turn.
func alder(address string, changes ...string) []string {
	values := map[string]string{
		"slug": "alder", "name": "Alder Bank", "kind": "fdx", "issuer": address, "client_id": "dashtam", "client_secret": "canary-secret",
		"scopes": "openid offline_access fdx:transactions:read", "api_base_url": address + "/fdx/v6",
	}
	for i := 0; i+1 < len(changes); i += 2 {
		values[changes[i]] = changes[i+1]
	}
	var form []string
	for name, value := range values {
		form = append(form, name, value)
	}
	return form
}

func TestAdminProviders(t *testing.T) {
	app, bank := handlertest.New(t), banktest.New(t)
	nora := app.SignedIn("Nora Okafor")
	boss := app.SignedInAdmin("Ada Eze")
	const list, one = "/admin/providers", "/admin/providers/alder"
	acts := []string{"", "/alder/change", "/alder/test", "/alder/off", "/alder/on", "/alder/remove"}

	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get(list).WantRedirect("/login?next=%2Fadmin%2Fproviders")
		for _, act := range acts {
			app.Stranger().Post(list+act, alder(bank.URL)...).WantRedirect("/login")
		}
	})
	t.Run("other_user", func(*testing.T) {
		nora.Get(list).Want(403)
		nora.Get(list + "/new").Want(403)
		for _, act := range acts {
			nora.Post(list+act, alder(bank.URL)...).Want(403)
		}
	})
	t.Run("invalid", func(t *testing.T) {
		p := boss.Post(list, alder("ftp://bank.example", "slug", "new", "name", "Alder & <b>Söhne</b>")...).Want(422)
		for _, field := range []string{"slug", "issuer", "api_base_url"} {
			p.WantOne("#" + field + "-error")
		}
		if p.WantOne("#name").AttrOr("value", "") != "Alder & <b>Söhne</b>" || p.WantOne("#scopes").Text() != "openid offline_access fdx:transactions:read" {
			t.Error("what was typed is lost")
		}
		if p.WantOne("#client_secret").AttrOr("value", "") != "" || strings.Contains(p.Body, "canary") {
			t.Error("the secret comes back")
		}
		boss.Post(list, alder(bank.URL+"/", "slug", "other")...).Want(422).WantOne(`#issuer-error:contains("another issuer")`)
		boss.Post(list, alder(bank.URL, "slug", "sandbox")...).Want(422).WantOne("#slug-error")
		for _, act := range acts[2:] {
			boss.Post(list+act, alder(bank.URL)...).Want(404)
		}
		boss.Get(one).Want(404)
		for _, act := range []string{"/change", "/remove"} {
			boss.Get(list + "/sandbox" + act).Want(409).WantText("built in")
			boss.Post(list+"/sandbox"+act, alder(bank.URL)...).Want(409)
		}
	})
	t.Run("htmx", func(t *testing.T) {
		if p := boss.HX("GET", list).Want(200); p.Find("nav.rail-nav").Length() != 0 || p.Find("table tbody tr").Length() != 1 {
			t.Error("a fragment is the list and nothing around it")
		}
	})
	t.Run("success", func(t *testing.T) {
		boss.Post(list, alder(bank.URL)...).WantRedirect(list).Follow().Want(200).WantText("Alder Bank can be connected now.")
		p := boss.Get(one).Want(200)
		p.WantOne(`span[hidden] button[data-copy="` + app.URL + `/connections/alder/callback"]`)
		p.WantText(app.URL + "/connections/alder/callback").WantText("Profile, never run")
		boss.Post(one + "/test").Want(200).WantText("The test found nothing wrong.").WantText("The bank knows this client.")
		p = boss.Get(one + "/change").Want(200)
		p.WantOne(`#issuer[value="` + bank.URL + `"]`)
		p.WantText("Leave it empty to keep the one there is.")
		boss.Post(one+"/change", alder(bank.URL, "name", "Alder & Sons", "client_secret", "")...).WantRedirect(one).Follow().WantOne(`h1:contains("Alder & Sons")`)
		if _, err := app.DB.Exec(t.Context(), `INSERT INTO provider_pauses (provider, cause, next_try) VALUES ('alder', 'provider_config', now() + interval '6 hours')`); err != nil {
			t.Fatal(err)
		}
		boss.Post(one+"/change", alder(bank.URL, "client_secret", "the right canary")...).WantRedirect(one)
		if pauses, err := app.Connections.Pauses(t.Context()); err != nil || len(pauses) != 0 {
			t.Errorf("the bank waits for its next try although it is spoken to in another way: %+v, %v", pauses, err)
		}
		boss.Post(one + "/off").WantRedirect(one).Follow().WantText("Switched off.")
		boss.Post(one + "/on").WantRedirect(one)
		boss.Get(one + "/remove").Want(200).WantOne(`form[action="/admin/providers/alder/remove"]`)
		boss.Post(one + "/remove").WantRedirect(list)
		boss.Get(one).Want(404)
		if strings.Contains(app.Logged(), "canary") {
			t.Error("the secret stands in the log")
		}
	})
	t.Run("an old proof", func(t *testing.T) {
		if _, err := app.DB.Exec(t.Context(), `UPDATE sessions SET proved_at = now() - interval '16 minutes' WHERE user_id = $1`, boss.User.ID); err != nil {
			t.Fatal(err)
		}
		for path, back := range map[string]string{list: list + "/new", list + "/sandbox/off": list + "/sandbox", one + "/change": one + "/change"} {
			boss.Post(path, alder(bank.URL)...).WantRedirect("/reauth?next=" + url.QueryEscape(back) + "&undone=true")
		}
	})
}

// What a route means below /connections can be no bank's short name.
func TestAdminProviders_ReservedNames(t *testing.T) {
	app := handlertest.New(t)
	boss := app.SignedInAdmin("Ada Eze")
	for _, r := range handlers.Table(app.Deps) {
		for _, below := range []string{"/connections/", "/admin/providers/"} {
			name, ok := strings.CutPrefix(r.Path, below)
			if name, _, _ = strings.Cut(name, "/"); ok && !strings.HasPrefix(name, ":") {
				boss.Post("/admin/providers", alder(app.BankURL, "slug", name)...).Want(422).WantOne("#slug-error")
			}
		}
	}
}

// Whom a bank is switched off for reads so, and is not sent to it.
func TestPicker_SwitchedOff(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	boss := app.SignedInAdmin("Ada Eze")
	boss.Post("/admin/providers/sandbox/off").Want(303)
	nora.Get("/connections/new").Want(200).WantOne(`.sandbox:contains("Switched off")`)
	nora.Get("/connections/sandbox/about").Want(200).WantText("This bank is switched off for now.")
	nora.Post("/connections/sandbox/connect").WantRedirect("/connections/new").Follow().WantText("The administrator switched this bank off for now.")
	p := nora.Get(connection).Want(200).WantText("The administrator switched this bank off for now.")
	p.WantOne(".st-chip:contains(Paused)")
	nora.Post(connection + "/sync").WantRedirect(connection).Follow().WantText("The administrator switched this bank off for now.")
	nora.Post(connection + "/reconnect").WantRedirect("/connections/new")
	boss.Post("/admin/providers/sandbox/on").Want(303)
	nora.Post(connection + "/sync").WantRedirect(connection)
	app.AwaitSync(nora, connection)
	nora.Get(connection).Want(200).WantOne(".st-chip:contains(Healthy)")
}

func TestPicker_Search(t *testing.T) {
	app, bank := handlertest.New(t), banktest.New(t)
	nora, _ := app.Connected("Nora Okafor", "nora")
	boss := app.SignedInAdmin("Ada Eze")
	boss.Post("/admin/providers", alder(bank.URL)...).Want(303)
	where, _ := url.Parse(bank.URL)
	for query, want := range map[string]struct{ banks, sandbox int }{
		"": {1, 1}, "?q=ALDER": {1, 0}, "?q=" + url.QueryEscape(where.Host): {1, 0}, "?q=sand": {0, 1}, "?q=%20alder%20bank": {1, 0}, "?q=nothing": {0, 0}, "?q=%25": {0, 0},
	} {
		p := nora.Get("/connections/new" + query).Want(200)
		if banks, sandbox := p.Find("table.pick tbody tr").Length(), p.Find(".sandbox").Length(); banks != want.banks || sandbox != want.sandbox {
			t.Errorf("%s: %d banks and %d sandboxes, want %+v", query, banks, sandbox, want)
		}
		p.WantOne(`form[role=search] input[name=q]`)
	}
	p := nora.Get("/connections/new").Want(200).WantText("Profile").WantText("never run").WantText("Too few syncs to say").WantText("Seen live")
	p.WantOne(`a.btn[href="/connections/alder/about"]:contains("Connect")`)
	nora.Get("/connections/new?q=nothing").WantText("holds “nothing”").WantOne(`a[href="/connections/new"]:contains("Show all")`)
}
