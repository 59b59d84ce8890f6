package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"dashtam/services/redis/redistest"
)

func body(t *testing.T, address string) (int, string) {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, strings.TrimSpace(string(text))
}

// A Redis that goes away is named, and missed by nobody.
// Break RL-1: cmd/dashtam/wire.go: in useRedis, leave n.limits as it is
func TestServe_RL1_F20_LosesOnlySpeedWithRedis(t *testing.T) {
	server, operator := redistest.New(t), freeAddress(t)
	p := serve(t, environmentFor(t, "DASHTAM_REDIS_URL", server.URL().Reveal(), "DASHTAM_ADMIN_ADDR", operator))
	for _, c := range []struct {
		ready, figure string
		then          func()
	}{
		{`{"status":"ok"}`, `dashtam_redis_command_seconds_count{command="limit_put",result="ok"} 1`, server.Stop},
		{`{"status":"ok","degraded":["redis"]}`, `dashtam_limit_fallbacks_total 1`, server.Continue},
	} {
		if code, answer := body(t, p.base+"/readyz"); code != http.StatusOK || answer != c.ready {
			t.Errorf("/readyz: %d %s, want %s", code, answer, c.ready)
		}
		if code, answer := body(t, p.base+"/api/v1/me"); code != http.StatusUnauthorized {
			t.Errorf("the API: %d %s", code, answer)
		}
		if _, figures := body(t, "http://"+operator+"/metrics"); !strings.Contains(figures, c.figure) {
			t.Errorf("the figures lack %s", c.figure)
		}
		c.then()
	}
	if err := p.end(t); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// Whatever becomes of Redis, who is signed in stays so, who signed out stays out, and tokens are renewed once: none of that
// stands in it.
func TestServe_F20_SessionsAndRenewalsDoNotKnowRedis(t *testing.T) {
	server := redistest.New(t)
	s, ada := launch(t, "serve", "DASHTAM_REDIS_URL="+server.URL().Reveal()), visitor(t)
	const address, password = "ada@example.com", "a calm ledger without a cache"
	wantAnswer(t, ada, s.setUp, url.Values{"name": {"Ada Eze"}, "email": {address}, "password": {password}}, 303, "/admin")
	connection := s.connectBank(t, ada)
	db, err := pgx.Connect(t.Context(), s.database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	runs := 0
	synced := func() {
		t.Helper()
		runs++
		awaitTrue(t, "the end of a sync", func() (is bool) {
			err := db.QueryRow(t.Context(), `SELECT (SELECT count(*) = $1 FROM sync_runs WHERE state = 'done') AND (SELECT bool_and(status = 'healthy') FROM connections)`, runs).Scan(&is)
			return is && err == nil
		})
	}
	synced()
	home, _ := url.Parse(s.url)
	for _, c := range []struct {
		name       string
		fail, back func()
	}{
		{"stopped", server.Stop, server.Continue}, {"flushed", server.Flush, func() {}}, {"of a while ago", server.Revert, func() {}}, {"gone", server.Kill, server.Start},
	} {
		who, stolen := visitor(t), visitor(t)
		wantAnswer(t, who, s.url+"/login", url.Values{"email": {address}, "password": {password}}, 303, "/overview")
		wantAnswer(t, who, s.url+"/overview", nil, 200, "")
		stolen.Jar.SetCookies(home, who.Jar.Cookies(home))
		server.Keep()
		wantAnswer(t, who, s.url+"/logout", url.Values{}, 303, "/")
		if _, err := db.Exec(t.Context(), `UPDATE connection_tokens SET expires_at = now(), stored_at = now() - interval '1 hour'`); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), `UPDATE sync_runs SET queued_at = queued_at - interval '6 minutes'`); err != nil {
			t.Fatal(err)
		}
		before := s.renewals(t)
		c.fail()
		wantAnswer(t, stolen, s.url+"/overview", nil, 303, "/login?next=%2Foverview")
		wantAnswer(t, ada, s.url+"/overview", nil, 200, "")
		wantAnswer(t, ada, connection+"/sync", url.Values{}, 303, strings.TrimPrefix(connection, s.url))
		synced()
		if n := s.renewals(t) - before; n != 1 {
			t.Errorf("Redis %s: tokens were renewed %d times, want once", c.name, n)
		}
		c.back()
	}
}
