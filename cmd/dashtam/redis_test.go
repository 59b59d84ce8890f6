package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

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
func TestServe_RL1_LosesOnlySpeedWithRedis(t *testing.T) {
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
