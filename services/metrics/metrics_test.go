package metrics_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"

	"dashtam/services/hashpool"
	"dashtam/services/jobs"
	"dashtam/services/metrics"
	"dashtam/services/password"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

func scrape(t *testing.T, pool *postgres.Pool, use func(*metrics.Metrics)) string {
	t.Helper()
	hashes := hashpool.New(password.New(bcrypt.MinCost), 1)
	if _, err := hashes.Hash(t.Context(), hashpool.Known, "MyPassword123!"); err != nil {
		t.Fatal(err)
	}
	m := metrics.New(metrics.Config{Pool: pool, Hashes: hashes})
	use(m)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestHandler(t *testing.T) {
	pool := pgtest.New(t)
	queue, err := jobs.NewQueue(pool.Pool, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		return queue.Enqueue(t.Context(), tx, jobs.Mail{Purpose: "verify", UserID: uuid.New()})
	})
	if err != nil {
		t.Fatal(err)
	}
	text := scrape(t, pool, func(m *metrics.Metrics) {
		m.Request(http.MethodGet, "/accounts/:id", http.StatusOK, 3*time.Millisecond)
		m.Login("ok", "hash", 230*time.Millisecond)
		m.Operation("aes_seal", 3*time.Microsecond)
		m.Job("sync", true, time.Second)
		m.Mail("verify", false, time.Second)
		m.Provider("sandbox", "unreachable", time.Second)
		m.Redis("limit_take", false, time.Millisecond)
		m.LimitFallback()
		m.Cache("bank_metadata", "hit")
	})
	for _, line := range []string{
		`dashtam_http_request_seconds_count{method="GET",route="/accounts/:id",status="200"} 1`,
		`dashtam_login_span_seconds_bucket{outcome="ok",span="hash",le="0.25"} 1`,
		`dashtam_operation_seconds_bucket{operation="aes_seal",le="1e-05"} 1`,
		`dashtam_job_seconds_count{kind="sync",result="failed"} 1`, `dashtam_mail_seconds_sum{purpose="verify",result="ok"} 1`,
		`dashtam_provider_call_seconds_count{provider="sandbox",result="unreachable"} 1`,
		`dashtam_redis_command_seconds_count{command="limit_take",result="ok"} 1`, `dashtam_limit_fallbacks_total 1`, `dashtam_cache_total{kind="bank_metadata",result="hit"} 1`,
		`dashtam_hash_workers 1`, `dashtam_hash_done_total 1`, `dashtam_hash_waiting{priority="known"} 0`,
		`dashtam_db_connections{state="most"} `, `dashtam_jobs{kind="mail",state="available"} 1`, `go_sched_latencies_seconds_count `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
}

func TestHandlerWithoutTheDatabase(t *testing.T) {
	text := scrape(t, pgtest.Broken(t), func(*metrics.Metrics) {})
	if !strings.Contains(text, "dashtam_hash_workers 1") || strings.Contains(text, "dashtam_jobs{") {
		t.Errorf("%s", text)
	}
}
