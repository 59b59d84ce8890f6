package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres/pgtest"
)

// page sends a request, follows where it leads as long as that begins with within, and gives the last page and its
// address, or the first address elsewhere. A form makes it a POST.
func page(t *testing.T, c *http.Client, to string, form url.Values, within string) (*goquery.Document, string) {
	t.Helper()
	for {
		method := http.MethodGet
		if form != nil {
			method = http.MethodPost
		}
		r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := goquery.NewDocumentFromReader(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode/100 != 3 {
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s %s: %d %s", method, to, res.StatusCode, doc.Find("main").Text())
			}
			return doc, to
		}
		next, err := r.URL.Parse(res.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(next.String(), within) {
			return nil, next.String()
		}
		to, form = next.String(), nil
	}
}

// connectBank leads a person to the sandbox bank, says yes there as nora, and gives the address of the connection.
func (s *instance) connectBank(t *testing.T, c *http.Client) string {
	t.Helper()
	away, _ := page(t, c, s.url+"/connections/sandbox/connect", url.Values{}, s.url)
	bank, at := page(t, c, away.Find("a#continue").AttrOr("href", ""), nil, s.bank)
	for _, form := range []url.Values{{"username": {"nora"}}, {"decision": {"allow"}}} {
		bank, at = page(t, c, s.bank+bank.Find("form").AttrOr("action", ""), form, s.bank)
	}
	_, connection := page(t, c, at, nil, s.url)
	return connection
}

// renewals is how often the bank was asked for new tokens.
func (s *instance) renewals(t *testing.T) (n int) {
	t.Helper()
	_, stats := body(t, s.bank+"/stats")
	var said struct {
		ByGrant map[string]int `json:"by_grant"`
	}
	if err := json.Unmarshal([]byte(stats), &said); err != nil {
		t.Fatal(err)
	}
	return said.ByGrant["refresh_token"]
}

// Everything a person comes for works through a pgbouncer that gives each transaction another process of the server:
// sign-up, its mail, a bank, its sync and the next, renewed tokens; and doctor says what stands there.
func TestServe_BehindAPooler(t *testing.T) {
	direct := pgtest.URL(t)
	pooled := pgtest.Behind(t, direct, "pool_mode = transaction", "server_round_robin = 1")
	s, nora := launch(t, "serve", "DASHTAM_DATABASE_URL="+pooled), visitor(t)
	const password, address = "a calm ledger behind a pool", "nora@example.com"
	wantAnswer(t, nora, s.url+"/signup", url.Values{"name": {"Nora"}, "email": {address}, "password": {password}}, 303, "/signup/sent")
	wantAnswer(t, nora, s.mailed(t, address, "/verify/"), url.Values{}, 303, "/login")
	wantAnswer(t, nora, s.url+"/login", url.Values{"email": {address}, "password": {password}}, 303, "/overview")

	connection := s.connectBank(t, nora)
	db, err := pgx.Connect(t.Context(), direct)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	one := func(sql string) (n int) {
		t.Helper()
		if err := db.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	synced := func(runs int) {
		t.Helper()
		awaitTrue(t, "the end of a sync", func() bool {
			return one(`SELECT count(*) FROM sync_runs WHERE state = 'done'`) == runs && one(`SELECT count(*) FROM connections WHERE status = 'healthy'`) == 1
		})
		shown, _ := page(t, nora, connection, nil, s.url)
		if shown.Find(".st-chip:contains(Healthy)").Length() != 1 {
			t.Errorf("the connection is not shown as healthy: %s", shown.Find("main").Text())
		}
	}
	synced(1)
	all := one(`SELECT count(*) FROM transactions`)
	list, _ := page(t, nora, s.url+"/transactions", nil, s.url)
	if list.Find("main tr.tx").Length() == 0 || all < 1000 {
		t.Errorf("%d transactions are kept, and some shown: %d", all, list.Find("main tr.tx").Length())
	}

	if _, err := db.Exec(t.Context(), `UPDATE connection_tokens SET expires_at = now(), stored_at = now() - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, nora, connection+"/sync", url.Values{}, 303, strings.TrimPrefix(connection, s.url))
	synced(2)
	if n := one(`SELECT count(*) FROM transactions`); n != all {
		t.Errorf("%d transactions became %d", all, n)
	}
	if n := s.renewals(t); n != 1 {
		t.Errorf("the tokens were renewed %d times, want once", n)
	}

	out, err := command(t, with("DASHTAM_DATABASE_URL", pooled, "DASHTAM_BASE_URL", s.url, "DASHTAM_SANDBOX_ADDR", strings.TrimPrefix(s.bank, "http://"),
		"DASHTAM_DATA_DIR", filepath.Dir(s.outbox)), "doctor")
	if err != nil || !strings.Contains(out, "ok    Database: PostgreSQL ") || !strings.Contains(out, "behind a pooler in transaction mode.") {
		t.Errorf("%v\n%s", err, out)
	}
}
