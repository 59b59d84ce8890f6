package handlers_test

import (
	"fmt"
	"net/http"
	"testing"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
)

// state is everything the database holds, but for what looking around may change: when somebody was last seen, the
// counters of limits, and the note that something was exported.
func state(t *testing.T, app *handlertest.App) map[string]string {
	t.Helper()
	rows, err := app.DB.Query(t.Context(), `
		SELECT table_schema || '.' || table_name FROM information_schema.tables
		WHERE table_schema IN ('public', 'sandbox') AND table_type = 'BASE TABLE' AND table_name NOT IN ('limit_counters', 'limit_streaks', 'river_leader')`)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	sums := map[string]string{}
	for _, name := range names {
		var sum string
		sql := fmt.Sprintf(`SELECT coalesce(md5(string_agg(r, E'\n' ORDER BY r)), '') FROM (SELECT (to_jsonb(t) - 'last_seen_at')::text AS r FROM %s t) x WHERE r NOT LIKE '%%.exported"%%'`, name)
		if err := app.DB.QueryRow(t.Context(), sql).Scan(&sum); err != nil {
			t.Fatal(err)
		}
		sums[name] = sum
	}
	return sums
}

func sameState(t *testing.T, after string, a, b map[string]string) {
	t.Helper()
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s: table %s changed", after, name)
		}
	}
}

// foreign are the headers of requests that come from elsewhere.
var foreign = map[string]http.Header{
	"cross-site":                {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
	"cross-site, no origin":     {"Sec-Fetch-Site": {"cross-site"}},
	"same-site":                 {"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://localhost:1"}},
	"old browser":               {"Origin": {"https://evil.example"}},
	"null origin, old browser":  {"Origin": {"null"}},
	"null origin, cross-site":   {"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}},
	"null origin, typed":        {"Origin": {"null"}, "Sec-Fetch-Site": {"none"}},
	"htmx cannot lift it":       {"Sec-Fetch-Site": {"cross-site"}, "Hx-Request": {"true"}},
	"our host in a longer name": {"Origin": {"http://127.0.0.1.evil.example"}},
}

// Break CS-1: handlers/handlers.go: leave middleware.CrossOrigin(base) out of pages.
// Break LG-8: handlers/handlers.go: leave middleware.CrossOrigin(base) out of pages.
func TestCrossOrigin_CS1_LG8_EveryUnsafeRoute(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedInAdmin("Nora Okafor")
	before := state(t, app)
	paths := []string{"/csp-report", "/nothing"}
	for _, r := range of(handlers.Table(app.Deps), http.MethodPost) {
		paths = append(paths, concrete(r.Path))
	}
	for name, header := range foreign {
		for _, path := range paths {
			for _, b := range []*handlertest.Browser{nora, app.Stranger()} {
				p := b.Do(http.MethodPost, path, header, "email", nora.User.Email, "password", handlertest.Password, "theme", "dark", "name", "x")
				if p.Status != http.StatusForbidden || p.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s: POST %s answers %d", name, path, p.Status)
				}
			}
		}
	}
	sameState(t, "cross-origin requests", before, state(t, app))
	nora.Get("/settings/profile").Want(200)
}

// Break CS-1: handlers/middleware/crossorigin.go: leave out the case origin == own
func TestCrossOrigin_CS1_OursPass(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	for name, header := range map[string]http.Header{
		"same origin":                  {"Sec-Fetch-Site": {"same-origin"}, "Origin": {app.URL}},
		"a page without referrer":      {"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}},
		"old browser":                  {"Origin": {app.URL}},
		"no browser":                   {},
		"typed, as a reload of a form": {"Sec-Fetch-Site": {"none"}},
	} {
		if p := nora.Do(http.MethodPost, "/settings/theme", header, "theme", "dark"); p.Status != http.StatusSeeOther {
			t.Errorf("%s: %d", name, p.Status)
		}
	}
	behind := app.Served("https://dashtam.example") // the Host header is that of the listener
	old := http.Header{"Origin": {"https://dashtam.example"}}
	behind.Stranger().Do(http.MethodPost, "/login", old, "email", nora.User.Email, "password", handlertest.Password).WantRedirect("/overview")
}

// Break CS-2: handlers/routes.go: register auth_login.go's logout for GET, too.
func TestCrawl_CS2_ReadingChangesNothing(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedInAdmin("Nora Okafor")
	before := state(t, app)
	for _, r := range of(handlers.Table(app.Deps), http.MethodGet) {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			for _, b := range []*handlertest.Browser{nora, app.Stranger()} {
				b.Do(method, concrete(r.Path), nil)
				b.Do(method, concrete(r.Path)+"?state=x&code=y&q=z&next=/logout", nil)
				b.Do(method, concrete(r.Path), http.Header{"Hx-Request": {"true"}})
			}
		}
	}
	for _, r := range of(handlers.Table(app.Deps), http.MethodPost) {
		nora.Do(http.MethodGet, concrete(r.Path), nil)
	}
	sameState(t, "a crawl", before, state(t, app))
}
