package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"dashtam/services/redis/redistest"
)

// canaries are secrets by what they are.
type canaries map[string]string

// in looks for every canary in a text, plain and as it would stand in a dump or a log line.
func (c canaries) in(text string) (found []string) {
	text = strings.ToLower(text)
	for name, secret := range c {
		for _, form := range []string{
			secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)),
			base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		} {
			if strings.Contains(text, strings.ToLower(form)) {
				found = append(found, name)
				break
			}
		}
	}
	return found
}

// cookies keeps what a visitor's browser holds.
func (c canaries) cookies(who string, client *http.Client, address string) {
	u, _ := url.Parse(address)
	for _, cookie := range client.Jar.Cookies(u) {
		c[who+"'s cookie "+cookie.Name] = cookie.Value
	}
}

// TestServe_VT7_SE9_NoSecretIsKept follows passwords, sessions and links through sign-up, verification, sign-in, reset, a
// change of address and its undoing, an invitation and the API, and looks for them in all rows of all tables, the jobs'
// among them, in the log, and in Redis.
//
// Break VT-7: handlers/web/sessions.go: m.HashTokenInStore = false
// Break SE-9: handlers/middleware/log.go: log r.URL.String() in place of info.Route
func TestServe_VT7_SE9_NoSecretIsKept(t *testing.T) {
	cache := redistest.New(t)
	s := launch(t, "serve", "DASHTAM_REDIS_URL="+cache.URL().Reveal())
	kept := canaries{
		"administrator's password": "canary-one correct horse", "person's password": "canary-two battery staple",
		"wrong password": "canary-three not the one", "new password": "canary-four paper clip",
	}
	ada, nora := visitor(t), visitor(t)
	const address = "nora@example.com"

	kept["set-up link"] = path.Base(s.setUp)
	wantAnswer(t, ada, s.setUp, url.Values{"name": {"Ada Eze"}, "email": {"ada@example.com"}, "password": {kept["administrator's password"]}}, 303, "/admin")
	kept.cookies("administrator", ada, s.url)
	wantAnswer(t, nora, s.url+"/signup", url.Values{"name": {"Nora"}, "email": {address}, "password": {kept["person's password"]}}, 303, "/signup/sent")
	verify := s.mailed(t, address, "/verify/")
	kept["verification link"] = path.Base(verify)
	wantAnswer(t, nora, verify, nil, 200, "")
	wantAnswer(t, nora, verify, url.Values{}, 303, "/login")
	wantAnswer(t, nora, s.url+"/login", url.Values{"email": {address}, "password": {kept["wrong password"]}}, 401, "")
	wantAnswer(t, nora, s.url+"/login", url.Values{"email": {address}, "password": {kept["person's password"]}}, 303, "/overview")
	kept.cookies("person", nora, s.url)
	wantAnswer(t, nora, s.url+"/login?password="+url.QueryEscape(kept["wrong password"]), nil, 303, "/overview")

	body, _ := json.Marshal(map[string]string{"email": address, "password": kept["person's password"]})
	res, err := http.Post(s.url+"/api/v1/auth/login", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var tokens map[string]any
	err = json.NewDecoder(res.Body).Decode(&tokens)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the API's sign-in: %s, %v", res.Status, err)
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		kept[name] = fmt.Sprint(tokens[name])
	}

	wantAnswer(t, visitor(t), s.url+"/password/forgot", url.Values{"email": {address}}, 303, "/password/sent")
	reset := s.mailed(t, address, "/password/reset/")
	kept["reset link"] = path.Base(reset)
	wantAnswer(t, visitor(t), reset, nil, 200, "")
	wantAnswer(t, visitor(t), reset, url.Values{"password": {kept["new password"]}}, 303, "/login")
	wantAnswer(t, nora, s.url+"/login", url.Values{"email": {address}, "password": {kept["new password"]}}, 303, "/overview")
	kept.cookies("person again", nora, s.url)

	const moved, guest = "nora@example.org", "guest@example.com"
	wantAnswer(t, nora, s.url+"/settings/email", url.Values{"email": {moved}, "password": {kept["new password"]}}, 303, "/settings/email")
	confirm := s.mailed(t, moved, "/settings/email/confirm/")
	kept["link to confirm an address"] = path.Base(confirm)
	wantAnswer(t, nora, confirm, url.Values{}, 303, "/login")
	undo := s.mailed(t, address, "/email/undo/")
	kept["link to undo that"] = path.Base(undo)
	wantAnswer(t, visitor(t), undo, url.Values{}, 303, "/password/sent")
	wantAnswer(t, ada, s.url+"/admin/settings", url.Values{"email": {guest}}, 303, "/admin/settings")
	invite := s.mailed(t, guest, "/invite/")
	kept["invitation"], kept["guest's password"] = path.Base(invite), "canary-five folding chair"
	wantAnswer(t, visitor(t), invite, url.Values{"name": {"Guest"}, "password": {kept["guest's password"]}}, 303, "/login")

	if res, err = http.Get(s.url + "/api/v1/me"); err != nil { // Redis keeps what is counted for a minute
		t.Fatal(err)
	}
	_ = res.Body.Close()

	if len(kept) < 17 {
		t.Fatalf("only %d secrets are looked for: %v", len(kept), kept)
	}
	// What each place must hold, or it was not looked through. Redis has the acts of the API's address.
	for place, c := range map[string]struct{ text, holds string }{
		"the database": {dump(t, s.database), "login"}, "the log": {s.log.all(), "login"}, "Redis": {everything(t, cache), "limit:"},
	} {
		text := c.text
		if !strings.Contains(text, c.holds) {
			t.Errorf("%s was not looked through: %.200s", place, text)
		}
		for _, name := range kept.in(text) {
			t.Errorf("%s holds the %s", place, name)
		}
	}
}

// dump is every row of every table that is not PostgreSQL's own, as text.
func dump(t *testing.T, database string) string {
	t.Helper()
	db, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.Background()) }()
	rows, _ := db.Query(t.Context(), `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, table := range tables {
		var text string
		if err := db.QueryRow(t.Context(), `SELECT coalesce(string_agg(r::text, E'\n'), '') FROM `+table+` r`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&all, table, text)
	}
	return all.String()
}

// everything is all that a Redis holds.
func everything(t *testing.T, r *redistest.Server) string {
	t.Helper()
	ask := func(command string) string {
		answer, err := r.Ask(command)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	ask("CONFIG SET rdbcompression no")
	keys := ask("KEYS *")
	all := keys
	for _, key := range strings.Split(keys, "\r\n") {
		if key != "" && !strings.ContainsAny(key[:1], "*$") {
			all += ask("DUMP " + key)
		}
	}
	return all
}
