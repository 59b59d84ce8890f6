package handlers_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
)

func calm(t *testing.T, what string, p *handlertest.Page) {
	t.Helper()
	if p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" || p.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s: %d, Retry-After %q", what, p.Status, p.Header.Get("Retry-After"))
		return
	}
	p.WantText("We need a moment.").WantText(p.Header.Get("X-Request-Id"))
}

// Break RL-7: handlers/web/problem.go: map errs.Unavailable to 500.
func TestFaults_DatabaseAwayIsACalmPage(t *testing.T) {
	app := handlertest.NewBroken(t)
	b := app.Stranger()
	b.SetCookie("session", "a-cookie-that-must-be-looked-up-0123456789a")
	for _, r := range handlers.Table(app.Deps) {
		if r.Method == http.MethodPost {
			calm(t, "POST "+r.Path, b.Post(concrete(r.Path)))
		} else {
			calm(t, "GET "+r.Path, b.Get(concrete(r.Path)))
			b.Do(http.MethodHead, concrete(r.Path), nil).Want(http.StatusServiceUnavailable)
		}
		if p := b.HX(r.Method, concrete(r.Path)).Want(http.StatusServiceUnavailable); strings.Contains(p.Body, "<html") || p.Find("section.notice").Length() != 1 {
			t.Errorf("%s %s: htmx gets %s", r.Method, r.Path, p.Body)
		}
	}
	stranger := app.Stranger()
	for _, path := range []string{"/", "/login", "/signup", "/verify/x"} {
		stranger.Get(path).Want(200) // these ask the database nothing
	}
	calm(t, "login", stranger.Post("/login", "email", "a@example.com", "password", "x"))
	calm(t, "signup", stranger.Post("/signup", "name", "N", "email", "a@example.com", "password", handlertest.Password))
	if strings.Contains(b.Get("/settings/profile").Body, "/nonexistent") {
		t.Error("the page shows where the database is")
	}
}

// Break RT-2: handlers/handlers.go: give /livez the check of /readyz.
func TestFaults_RT2_Health(t *testing.T) {
	app := handlertest.NewBroken(t)
	if p := app.Stranger().Get("/livez").Want(200); p.Body != "{\"status\":\"ok\"}\n" || p.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s", p.Body)
	}
	if p := app.Stranger().Get("/readyz").Want(503); p.Body != "{\"status\":\"unavailable\",\"down\":[\"database\"]}\n" {
		t.Errorf("%s", p.Body)
	}
	if p := handlertest.New(t).Stranger().Get("/readyz").Want(200); p.Body != "{\"status\":\"ok\",\"degraded\":[\"redis\"]}\n" {
		t.Errorf("without Redis: %s", p.Body)
	}
}

// Break RL-7: services/postgres/pool.go: let acquireWait be a minute.
func TestFaults_RL7_F11_PoolExhausted(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	var held []*pgxpool.Conn
	for range app.DB.Config().MaxConns {
		conn, err := app.DB.Pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	release := sync.OnceFunc(func() {
		for _, conn := range held {
			conn.Release()
		}
	})
	defer release() // or the pool is never closed when the test fails
	start := time.Now()
	calm(t, "a page", nora.Get("/settings/profile"))
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the answer took %v", took)
	}
	nora.Get("/readyz").Want(503)
	stranger := app.Stranger()
	calm(t, "a login", stranger.Post("/login", credentials("Nora Okafor")...))
	release()
	stranger.Get("/overview").WantRedirect("/login?next=%2Foverview")
	nora.Get("/settings/profile").Want(200)
	nora.Get("/readyz").Want(200)
}

// A database whose disk is full refuses every write: pages still answer, a form is refused calmly with what was typed, and
// nothing of it is kept. Once there is room everything goes on.
func TestFaults_F12_DiskFull(t *testing.T) {
	app := handlertest.New(t)
	nora := withMoney(t, app, "Nora Okafor", 3)
	exec := func(sql string) {
		t.Helper()
		if _, err := app.DB.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`UPDATE sessions SET last_seen_at = now() - interval '10 minutes'`) // reading a page would say that she was here
	exec(`CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$`)
	each := func(do string) {
		t.Helper()
		exec(`DO $do$ DECLARE r record; BEGIN FOR r IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
			EXECUTE format('` + do + `', r.relname); END LOOP; END $do$`)
	}
	each(`CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE OR DELETE ON %I EXECUTE FUNCTION disk_full()`)
	for _, path := range []string{"/overview", "/accounts", "/transactions", "/connections", "/settings/profile"} {
		nora.Get(path).Want(http.StatusOK)
	}
	path := nora.Get("/transactions").Find("a.tx-name").First().AttrOr("href", "")
	p := nora.Post(path+"/note", "note", "for the garden")
	calm(t, "a note", p)
	p.WantText("for the garden")
	calm(t, "a login", app.Stranger().Post("/login", credentials("Nora Okafor")...))
	if strings.Contains(p.Body, "extend file") {
		t.Error("the page shows the database's own words")
	}
	each(`DROP TRIGGER disk_full ON %I`)
	if strings.Contains(nora.Get(path).Want(http.StatusOK).Body, "for the garden") {
		t.Error("the note was kept although it was refused")
	}
	nora.Post(path+"/note", "note", "for the garden").WantRedirect(path)
	nora.Get(path).WantText("for the garden")
	app.Stranger().Post("/login", credentials("Nora Okafor")...).WantRedirect("/overview")
}

// Break RT-3: handlers/handlers.go: leave middleware.Recover out.
func TestFaults_RT3_Panic(t *testing.T) {
	app := handlertest.New(t, panics, func(d *handlers.Deps) { d.Auth = nil })
	p := app.Stranger().Get("/signup").Want(500).WantText("That did not work.")
	id := p.Header.Get("X-Request-Id")
	p.WantText(id)
	if api := app.Stranger().Get("/api/v1/me").Want(500); api.Header.Get("Content-Type") != "application/problem+json" || strings.Contains(api.Body, "canary") || !strings.Contains(api.Body, `"request_id":"req_`) {
		t.Errorf("%s: %s", api.Header.Get("Content-Type"), api.Body)
	}
	if strings.Contains(p.Body, "nil pointer") || strings.Contains(p.Body, ".go:") {
		t.Errorf("the page shows the fault: %s", p.Body)
	}
	if log := app.Logged(); !strings.Contains(log, "panic") || !strings.Contains(log, id) {
		t.Errorf("the log does not tell of %s: %s", id, log)
	}
	app.Stranger().Get("/").Want(200)
}

// Break SE-9: handlers/middleware/log.go: log r.URL.String() in place of the route.
func TestFaults_SE9_NothingSecretInTheLog(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	nora.Get("/verify/canary-token?x=canary-query")
	nora.Get("/nothing/canary-path")
	nora.Post("/login", "email", "canary@example.com", "password", "canary-password", "next", "/canary-next")
	nora.Do(http.MethodGet, "/settings/profile", http.Header{"User-Agent": {"canary\r-agent"[:6]}, "Authorization": {"Bearer canary"}, "Referer": {"https://x/canary"}, "X-Request-Id": {"canary"}})
	nora.Post("/csp-report", "canary", "canary")
	log := app.Logged()
	for _, secret := range []string{"canary", nora.Cookie("session"), handlertest.Password} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	if !strings.Contains(log, "route=/verify/:token") || !strings.Contains(log, "ip="+nora.IP) {
		t.Errorf("the log does not say what was asked for: %s", log)
	}
}

func TestFaults_ReportsAreBounded(t *testing.T) {
	app := handlertest.New(t)
	for range 50 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL+"/csp-report", strings.NewReader(
			`{"csp-report":{"violated-directive":"script-src","blocked-uri":"https://evil.example/x?canary=1"}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/csp-report")
		app.Stranger().Send(r).Want(http.StatusNoContent)
	}
	log := app.Logged()
	if n := strings.Count(log, "csp violation"); n < 1 || n > 10 || strings.Contains(log, "canary") || !strings.Contains(log, "blocked=https://evil.example") {
		t.Errorf("%d lines: %s", n, log)
	}
	app.Stranger().Get("/csp-report").Want(http.StatusMethodNotAllowed)
}
