package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dashtam/handlers/handlertest"
)

// fault has the Sandbox Bank misbehave.
func fault(t *testing.T, app *handlertest.App, name, value string, more ...string) {
	t.Helper()
	form := url.Values{"fault": {name}, "value": {value}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	res, err := http.PostForm(app.BankURL+"/faults", form)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode >= 300 {
		t.Fatalf("fault %s: %d", name, res.StatusCode)
	}
}

// reconnect renews a connection at the bank as its customer username, and fetches.
func reconnect(app *handlertest.App, b *handlertest.Browser, connection, username string) {
	away := b.Post(connection + "/reconnect").WantRedirect("/connections/sandbox/continue").Follow()
	b.Get(b.Decide(away.WantOne("a#continue").AttrOr("href", ""), username, handlertest.Allow)).WantRedirect(connection)
	app.AwaitSync(b, connection)
}

// A bank that gives all accounts other ids after a reconnect changes nothing the person sees: accounts, transactions, notes
// and net worth are those from before, and it can be undone.
func TestReconnect_InPlace(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	counts := func() string {
		return row(t, app, `SELECT concat((SELECT string_agg(id::text, ',' ORDER BY id) FROM accounts), ' ', (SELECT count(*) FROM transactions), ' ',
			(SELECT count(*) FROM accounts WHERE gone_at IS NULL), ' ', (SELECT string_agg(note, ',') FROM transactions WHERE note <> ''))`)
	}
	noted := "/transactions/" + row(t, app, `SELECT id::text FROM transactions ORDER BY booked_on DESC LIMIT 1`)
	nora.Post(noted+"/note", "note", "for the roof")
	before := counts()
	fault(t, app, "new_account_ids", "1", "count", "1", "user", "nora")
	reconnect(app, nora, connection, "nora")
	if after := counts(); after != before {
		t.Fatalf("before\n%s\nafter\n%s", before, after)
	}
	p := nora.Get(connection).Want(200)
	if came := strings.TrimSpace(p.Find("section[aria-labelledby=hist] tbody tr").First().Find("td.t-d").Text()); came != "9 accounts recognised" {
		t.Errorf("what came in: %q", came)
	}
	p.WantOne(`details summary:contains("9 accounts came back under another id.")`)
	undo := p.Find("form[action$='/undo']")
	if undo.Length() != 9 || p.Find("section[aria-labelledby^='q-']").Length() != 0 {
		t.Fatalf("%d can be undone", undo.Length())
	}
	path := undo.First().AttrOr("action", "")
	app.SignedIn("Mallory Reed").Post(path).Want(404)
	nora.Post(path).WantRedirect(connection).Follow().WantText("These are two accounts again")
	app.AwaitSync(nora, connection)
	if n := nora.Get(connection).Want(200).Find("table.accts tbody tr").Length(); n != 10 {
		t.Errorf("%d accounts, want the nine and the one taken apart", n)
	}
	if strings.Count(counts(), "for the roof") != 1 {
		t.Errorf("the note: %s", counts())
	}
	nora.Post(path).WantRedirect(connection).Follow().WantOne("[role=status]:contains('This cannot be undone any more.')")
	nora.Get("/overview").Want(200)
}

// Where it is not certain which account is which, the person is asked on the connection's page, and nothing counts twice
// before the answer.
func TestReconnect_Asks(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	if _, err := app.DB.Exec(t.Context(), `UPDATE accounts SET mask = '0000' WHERE kind IN ('savings', 'cd')`); err != nil {
		t.Fatal(err)
	}
	worth := func() string {
		t.Helper()
		total := nora.Get("/overview").Want(200).Find(".total")
		if total.Length() == 0 {
			t.Fatal("the overview has no total")
		}
		return total.Text()
	}
	before := worth()
	fault(t, app, "new_account_ids", "1", "count", "1", "user", "nora")
	reconnect(app, nora, connection, "nora")
	p := nora.Get(connection).Want(200)
	questions := p.Find("section[aria-labelledby^='q-'] form")
	if questions.Length() != 2 {
		t.Fatalf("%d questions: %s", questions.Length(), p.Said())
	}
	p.WantText("Which account is which?")
	if worth() != before {
		t.Errorf("net worth %s, before %s", worth(), before)
	}
	nora.Get("/connections").WantOne("section[aria-label='For you'] a.btn:contains(Answer)")
	nora.Get("/overview").WantOne("section[aria-label='Which account is which?'] a[href='" + connection + "']")
	first, second := questions.Eq(0), questions.Eq(1)
	ask := first.AttrOr("action", "")
	t.Run("other_user", func(*testing.T) {
		ada := app.SignedIn("Ada Eze")
		ada.Post(ask, "account", "new").Want(404)
		app.Stranger().Post(ask, "account", "new").WantRedirect("/login")
	})
	t.Run("invalid", func(*testing.T) {
		for _, account := range []string{"", "7", "00000000-0000-0000-0000-000000000000"} {
			nora.Post(ask, "account", account).Want(422).WantText("Choose one of these accounts")
		}
	})
	t.Run("success", func(t *testing.T) {
		nora.Post(ask, "account", first.Find("button").First().AttrOr("value", "")).WantRedirect(connection).Follow().WantText("That is settled.")
		nora.Post(second.AttrOr("action", ""), "account", "new").WantRedirect(connection)
		app.AwaitSync(nora, connection)
		p := nora.Get(connection).Want(200)
		if n := p.Find("section[aria-labelledby^='q-']").Length(); n != 0 || p.Find("table.accts tbody tr").Length() != 10 {
			t.Errorf("%d questions, %d accounts", n, p.Find("table.accts tbody tr").Length())
		}
		nora.Post(ask, "account", "new").WantRedirect(connection).Follow().WantOne("[role=status]:contains('was answered already')")
		if worth() != before {
			t.Errorf("net worth %s, before %s", worth(), before)
		}
	})
}

// A second login at a bank is warned of before the person goes there. Somebody else's login is not mixed into a connection,
// and offered as a connection of its own.
// Break OA-7: services/connections/finish.go: in sameLogin, leave out the case subject != g.Subject
func TestReconnect_OA7_AnotherLoginIsOffered(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	about := nora.Get("/connections/sandbox/about").Want(200)
	about.WantText("You already have Sandbox Bank")
	about.WantOne("main form[action='" + connection + "/reconnect'] button:contains(Renew)")
	about.WantOne("main form[action='/connections/sandbox/connect'] button:contains('Connect another login')")
	if app.SignedIn("Ada Eze").Get("/connections/sandbox/about").Find("#have").Length() != 0 {
		t.Error("somebody else's bank is warned of")
	}
	data := func() string {
		return row(t, app, `SELECT concat((SELECT count(*) FROM accounts), ' ', (SELECT count(*) FROM transactions), ' ', (SELECT md5(string_agg(a::text, ',' ORDER BY id)) FROM accounts a))`)
	}
	before := data()
	away := nora.Post(connection + "/reconnect").WantRedirect("/connections/sandbox/continue").Follow()
	back := nora.Decide(away.WantOne("a#continue").AttrOr("href", ""), "partner", handlertest.Allow)
	offer := nora.Get(back).WantRedirect("/connections/sandbox/about").Follow().Want(200)
	offer.WantOne("[role=status]:contains('You signed in at the bank with another login')")
	if data() != before || banksOf(nora) != 1 {
		t.Error("something was mixed")
	}
	second := nora.Get(nora.Connect("partner", handlertest.Allow)).Header.Get("Location")
	app.AwaitSync(nora, second)
	if second == connection || banksOf(nora) != 2 {
		t.Errorf("the other login became %s", second)
	}
}

// A permission that leaves something out says so on the connection's page, and everything else works.
// Break OA-18: views/pages/connection.go: in leftOut, return nothing
func TestConnect_OA18_LeftOut(t *testing.T) {
	app := handlertest.New(t)
	fault(t, app, "narrow_scope", "1", "count", "1", "user", "nora")
	nora, connection := app.Connected("Nora Okafor", "nora")
	p := nora.Get(connection).Want(200)
	p.WantOne(".st-chip:contains(Healthy)")
	p.WantOne(`aside dt:contains("Left out") + dd:contains("Transactions")`)
	p.WantText("You did not allow what is left out")
	if p.Find("table.accts tbody tr").Length() != 9 {
		t.Error("the accounts are not there")
	}
	reconnect(app, nora, connection, "nora")
	if nora.Get(connection).Find(`aside dt:contains("Left out")`).Length() != 0 || row(t, app, `SELECT (count(*) > 100)::text FROM transactions`) != "true" {
		t.Error("allowed with the renewal, and still left out")
	}
}

// However a visit to the bank is interrupted or repeated, there is one connection in the end, and a way on.
// Break OA-1: services/connections/callback.go: in consume, drop consumed_at IS NULL from WHERE
func TestCallback_F31_OA1_InterruptedAndRepeated(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	one := func(when string) {
		t.Helper()
		if n := banksOf(nora); n != 1 {
			t.Errorf("%s: %d connections", when, n)
		}
	}
	nora.Post("/connections/sandbox/connect") // two clicks, and two tabs
	back := nora.Connect("nora", handlertest.Allow)
	other := nora.Connect("nora", handlertest.Allow)
	to := nora.Get(back).Want(303).Header.Get("Location")
	nora.Get(other).WantRedirect(to)
	one("two tabs")
	for _, again := range []string{back, other} { // the way back, a page loaded anew
		p := nora.Get(again).Want(403)
		p.WantText("was already used. Start again.")
		p.WantOne("main a[href='/connections']")
	}
	one("the way back")
	nora.Post("/connections/sandbox/connect") // left at the bank
	nora.Get("/connections/sandbox/continue").Want(200).WantOne("a#continue")
	one("left at the bank")
	nora.Get(nora.Connect("nora", handlertest.Deny)).Follow().Want(200)
	one("refused")
}
