package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"dashtam/services/jobs"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

// mailer is a worker that hands every job to the test.
type mailer struct {
	river.WorkerDefaults[jobs.Mail]
	work func(ctx context.Context, job *river.Job[jobs.Mail]) error
}

func (m mailer) Work(ctx context.Context, job *river.Job[jobs.Mail]) error { return m.work(ctx, job) }

// run starts a runner whose mails are worked by work; it is stopped when the test ends.
func run(t *testing.T, pool *postgres.Pool, log *slog.Logger, periodic []jobs.Periodic, work func(context.Context, *river.Job[jobs.Mail]) error) *jobs.Runner {
	t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, mailer{work: work})
	observe := func(kind string, failed bool, _ time.Duration) { log.Warn("observed", "kind", kind, "failed", failed) }
	r, err := jobs.NewRunner(pool.Pool, jobs.RunnerConfig{Workers: workers, Periodic: periodic, Log: log, Observe: observe})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func queue(t *testing.T, pool *postgres.Pool) *jobs.Queue {
	t.Helper()
	q, err := jobs.NewQueue(pool.Pool, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// A job runs if and only if the act it belongs to was committed.
func TestEnqueue_InTheCallersTransaction(t *testing.T) {
	pool := pgtest.New(t)
	q := queue(t, pool)
	rolledBack, committed := jobs.Mail{Purpose: "verify", UserID: uuid.New()}, jobs.Mail{Purpose: "verify", UserID: uuid.New(), RequestID: "r1"}
	failed := errors.New("the act failed")
	for args, end := range map[jobs.Mail]error{rolledBack: failed, committed: nil} {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			if err := q.Enqueue(t.Context(), tx, args); err != nil {
				return err
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	worked := make(chan jobs.Mail, 2)
	run(t, pool, slog.New(slog.DiscardHandler), nil, func(_ context.Context, job *river.Job[jobs.Mail]) error {
		worked <- job.Args
		return nil
	})
	if got := receive(t, worked); got != committed {
		t.Errorf("worked %+v, want %+v", got, committed)
	}
	var n int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d jobs, %v", n, err)
	}
}

// A worker that panics or fails takes nobody with it (RT-3), and what the panic held stays out of the log (AU-3). Log and
// error name the request the job comes from.
// Break AU-3: jobs.go: drop Middleware from the configuration
// Break RT-3: services/jobs/errorlog.go: in catcher, panic again with what recover gives
func TestRunner_RT3_AU3_Failures(t *testing.T) {
	pool := pgtest.New(t)
	var log syncBuffer
	worked := make(chan string, 16) // a failed try may be repeated
	run(t, pool, slog.New(slog.NewTextHandler(&log, nil)), nil, func(_ context.Context, job *river.Job[jobs.Mail]) error {
		worked <- job.Args.Purpose
		switch job.Args.Purpose {
		case "panic":
			panic("token=canary-4711")
		case "fail":
			return errors.New("the server is away")
		}
		return nil
	})
	q := queue(t, pool)
	for _, purpose := range []string{"panic", "fail", "fine"} {
		if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			return q.Enqueue(t.Context(), tx, jobs.Mail{Purpose: purpose, RequestID: "req_" + purpose})
		}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for len(seen) < 3 { // a failed one may come again before the others
		seen[receive(t, worked)] = true
	}
	log.await(t, "job panicked", "job failed", "the server is away (request req_fail)", "request_id=req_panic", "request_id=req_fail",
		"kind=mail failed=true", "kind=mail failed=false")
	if strings.Contains(log.String(), "canary") {
		t.Errorf("the log holds the panic's value: %s", log.String())
	}
	await(t, func() bool {
		var settled int
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE state <> 'running' AND state <> 'available'`).Scan(&settled)
		return err == nil && settled == 3
	})
	var rows string
	if err := pool.QueryRow(t.Context(), `SELECT string_agg(j::text, ' ') FROM river_job j`).Scan(&rows); err != nil || strings.Contains(rows, "canary") {
		t.Errorf("the table holds the panic's value: %s, %v", rows, err)
	}
	if !strings.Contains(rows, "the server is away (request req_fail)") || !strings.Contains(rows, "panicked (request req_panic)") {
		t.Errorf("the errors do not name their request: %s", rows)
	}
	if strings.Contains(log.String(), "level=INFO") {
		t.Errorf("River talks: %s", log.String())
	}
}

// Periodic jobs run at the start and need nobody to enqueue them.
func TestRunner_Periodic(t *testing.T) {
	worked := make(chan jobs.Mail, 8)
	run(t, pgtest.New(t), slog.New(slog.DiscardHandler), []jobs.Periodic{{Every: time.Hour, Args: jobs.Mail{Purpose: "tick"}}},
		func(_ context.Context, job *river.Job[jobs.Mail]) error {
			worked <- job.Args
			return nil
		})
	if got := receive(t, worked); got.Purpose != "tick" {
		t.Errorf("got %+v", got)
	}
}

// Stop waits for the job that runs (RT-1); when its patience ends it cancels the job and waits for that.
// Break RT-1: services/jobs/jobs.go: in Stop, return nil in place of StopAndCancel
func TestRunner_RT1_Stop(t *testing.T) {
	for name, patient := range map[string]bool{"waits": true, "cancels": false} {
		t.Run(name, func(t *testing.T) {
			pool := pgtest.New(t)
			began, finish, ended := make(chan bool, 1), make(chan bool), make(chan error, 1)
			workers := river.NewWorkers()
			river.AddWorker(workers, mailer{work: func(ctx context.Context, _ *river.Job[jobs.Mail]) error {
				began <- true
				select {
				case <-finish:
				case <-ctx.Done():
				}
				ended <- ctx.Err()
				return ctx.Err()
			}})
			r, err := jobs.NewRunner(pool.Pool, jobs.RunnerConfig{Workers: workers, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Start(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return queue(t, pool).Enqueue(t.Context(), tx, jobs.Mail{}) }); err != nil {
				t.Fatal(err)
			}
			receive(t, began)
			patience, cancel := context.WithCancel(context.Background())
			if patient {
				close(finish)
			} else {
				cancel()
			}
			defer cancel()
			if err := r.Stop(patience); err != nil {
				t.Errorf("Stop: %v", err)
			}
			select {
			case err := <-ended:
				if (err == nil) != patient {
					t.Errorf("the job ended with %v", err)
				}
			default:
				t.Error("Stop returned while the job runs")
			}
		})
	}
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// await waits until the log holds every part.
func (s *syncBuffer) await(t *testing.T, parts ...string) {
	t.Helper()
	for _, part := range parts {
		await(t, func() bool { return strings.Contains(s.String(), part) })
	}
}

// await waits for what another goroutine brings about.
func await(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came about")
		}
	}
}

func TestMail_ADayOfTries(t *testing.T) {
	most := jobs.Mail{}.InsertOpts().MaxAttempts
	policy, all := &river.DefaultClientRetryPolicy{}, time.Duration(0)
	for tried := 1; tried < most; tried++ {
		all += time.Until(policy.NextRetry(&rivertype.JobRow{Attempt: tried, Errors: make([]rivertype.AttemptError, tried-1)}))
	}
	if all < 22*time.Hour || all > 28*time.Hour { // each pause is up to a tenth longer or shorter
		t.Errorf("%d tries are given up after %v", most, all)
	}
}

// Jobs that follow each other as fast as the steps of a sync are each told of: a worker that is not looks a second later.
func TestEnqueue_EachJobIsToldOf(t *testing.T) {
	pool := pgtest.New(t)
	q := queue(t, pool)
	conn, err := pool.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	var channel string
	if err := conn.QueryRow(t.Context(), `SELECT current_schema() || '.river_insert'`).Scan(&channel); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `LISTEN `+pgx.Identifier{channel}.Sanitize()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i := range 5 {
		if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return q.Enqueue(t.Context(), tx, jobs.Mail{}) }); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Conn().WaitForNotification(ctx); err != nil {
			t.Fatalf("job %d: nobody was told: %v", i, err)
		}
		time.Sleep(5 * time.Millisecond) // no step takes less; River takes what comes within one for one
	}
}
