package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"dashtam/services/connections"
	"dashtam/services/jobs"
	"dashtam/services/syncer"
)

func TestRun_FirstSync(t *testing.T) {
	b := newBundle(t)
	if r := b.progress(); r.State != syncer.Queued || r.Cause != syncer.First {
		t.Fatalf("before: %+v", r)
	}
	b.work()
	r := b.progress()
	if r.State != syncer.Done || r.AccountsTotal != 1 || r.AccountsDone != 1 || r.Added != 2 || r.Failure != "" || r.FinishedAt == nil {
		t.Errorf("run %+v", r)
	}
	d := b.get()
	if d.Status != connections.Healthy || d.Cause != "" || d.LastSuccessAt == nil || d.Accounts != 1 {
		t.Errorf("connection %+v", d.Connection)
	}
	if next := time.Until(*d.NextSyncAt); next < 21*time.Hour || next > 27*time.Hour {
		t.Errorf("next sync in %s", next)
	}
	if n := b.count(`SELECT sum(amount_minor) FROM transactions`); n != -1234-450 {
		t.Errorf("transactions sum to %d", n)
	}
	asked := b.asked()
	if want := []string{"2026-08-27 2026-11-25", today.AddDate(0, 0, -1000).Format(time.DateOnly) + " 2026-08-26"}; !slices.Equal(asked, want) {
		t.Errorf("the first sync asked for %v, want the newest days before the history: %v", asked, want)
	}
}

// Break JB-1: services/syncer/run.go: in whereOpen, leave the states out
func TestRun_JB1_TwiceIsOnce(t *testing.T) {
	b := newBundle(t)
	job := b.job()
	b.work()
	posts, ended := len(b.bank.Queries()), b.progress()
	if err := b.service.Work(t.Context(), job, 1); err != nil {
		t.Fatal(err)
	}
	if r := b.progress(); len(b.bank.Queries()) != posts || r.State != ended.State || !r.FinishedAt.Equal(*ended.FinishedAt) {
		t.Error("a run that is over was worked again")
	}
	b.again()
	if r := b.progress(); r.Cause != syncer.Manual || r.Added+r.Changed+r.Removed != 0 {
		t.Errorf("the same answer again: %+v", r)
	}
}

// asked lists the spans of days the bank was asked for transactions of.
func (b *bundle) asked() (spans []string) {
	for _, q := range b.bank.Queries() {
		spans = append(spans, q.Get("startTime")+" "+q.Get("endTime"))
	}
	return spans
}

func TestRun_WindowAfterSuccess(t *testing.T) {
	b := newBundle(t)
	b.work()
	for days, want := range map[int]string{0: "2026-10-25", 90: "2026-07-27"} {
		b.exec(`UPDATE sync_accounts SET fetched_at = timestamptz '2026-11-24 09:00Z' - make_interval(days => `+fmt.Sprint(days)+`)`, nil)
		b.again()
		if q := b.asked(); q[len(q)-1] != want+" 2026-11-25" {
			t.Errorf("%d days after the last success: asked for %s, want from %s on", days, q[len(q)-1], want)
		}
	}
}

// The first balance is there after the first request, and progress moves account by account, without anybody writing on
// a page's behalf.
func TestRun_ProgressMoves(t *testing.T) {
	b := newBundle(t)
	b.bank.Accounts = append(b.bank.Accounts,
		`{"accountCategory":"DEPOSIT_ACCOUNT","accountId":"sav","accountType":"SAVINGS","currency":{"currencyCode":"USD"},"currentBalance":5}`)
	var seen []string
	b.bank.API = func(w http.ResponseWriter, r *http.Request) {
		p := b.progress()
		seen = append(seen, fmt.Sprintf("%s %d/%d, %d accounts, %d added", p.State, p.AccountsDone, p.AccountsTotal, b.get().Accounts, p.Added))
		b.bank.Read(w, r)
	}
	b.work()
	want := []string{
		"running 0/0, 0 accounts, 0 added", "running 0/2, 2 accounts, 0 added", "running 0/2, 2 accounts, 2 added",
		"running 0/2, 2 accounts, 2 added", "running 1/2, 2 accounts, 2 added",
	}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
}

// Break OA-15: services/syncer/run.go: in ask, do not look at Unauthorized
func TestRun_OA15_RenewsOnceOn401(t *testing.T) {
	b := newBundle(t)
	b.bank.ForgetAccess()
	b.work()
	if r := b.progress(); r.State != syncer.Done {
		t.Errorf("run %+v", r)
	}
	if n := len(b.bank.Posts()); n != 2 {
		t.Errorf("%d token requests, want the code's and one refresh", n)
	}
	b.bank.API = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	b.again()
	if n := len(b.bank.Posts()); n != 3 {
		t.Errorf("%d token requests: a bank that always says 401 is asked once more a run", n)
	}
	if d := b.get(); d.Status != connections.NeedsYou || d.Cause != connections.CauseConsentEnded {
		t.Errorf("%s, %s", d.Status, d.Cause)
	}
}

// Break OA-11: services/syncer/fail.go: in judge, make Config NeedsYou
func TestRun_OA11_WhatFailuresMean(t *testing.T) {
	whole := newBundle(t)
	data := func(status int, headers ...string) func(b *bundle) {
		return func(b *bundle) {
			b.bank.API = func(w http.ResponseWriter, _ *http.Request) {
				for i := 0; i < len(headers); i += 2 {
					w.Header().Set(headers[i], headers[i+1])
				}
				w.WriteHeader(status)
			}
		}
	}
	token := func(status int, body string) func(b *bundle) {
		return func(b *bundle) {
			b.bank.ForgetAccess()
			b.bank.Token = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}
		}
	}
	for name, c := range map[string]struct {
		script func(b *bundle)
		status connections.Status
		cause  string
		retry  bool
		least  time.Duration // until the next try of our own; 0 = none
		most   time.Duration
	}{
		"permission withdrawn": {func(b *bundle) { b.bank.EndEverything() }, connections.NeedsYou, connections.CauseConsentEnded, false, 0, 0},
		"403 on data":          {data(403), connections.NeedsYou, connections.CauseConsentEnded, false, 0, 0},
		"invalid_client":       {token(401, `{"error":"invalid_client"}`), connections.Paused, connections.CauseProvider, false, 21 * time.Hour, 27 * time.Hour},
		"token 500":            {token(500, ``), connections.Paused, connections.CauseBankAway, true, time.Hour, 3 * time.Hour},
		"data 503":             {data(503), connections.Paused, connections.CauseBankAway, true, time.Hour, 3 * time.Hour},
		"429 with a wait":      {data(429, "Retry-After", "7200"), connections.Paused, connections.CauseRateLimited, false, 2 * time.Hour, 3 * time.Hour},
		"429 for ever":         {data(429, "Retry-After", "999999999"), connections.Paused, connections.CauseRateLimited, false, 24 * time.Hour, 31 * time.Hour},
		"nonsense": {func(b *bundle) {
			b.bank.Moves["chk"] = []string{`{"transactionId":"1","postedTimestamp":"2026-11-20","amount":"1.001"}`}
		},
			connections.Paused, connections.CauseBankData, false, 21 * time.Hour, 27 * time.Hour},
		"beyond the ledger's reason": {func(b *bundle) {
			b.bank.Moves["chk"] = []string{`{"transactionId":"1","postedTimestamp":"2026-11-20","amount":99999999999999}`}
		},
			connections.Paused, connections.CauseBankData, false, 21 * time.Hour, 27 * time.Hour},
		"vault tampered": {func(b *bundle) {
			b.exec(`UPDATE connection_tokens SET generation = 7 WHERE connection_id = @id`, pgx.NamedArgs{"id": b.id})
		}, connections.NeedsYou, connections.CauseAccessLost, false, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := whole.next(t)
			c.script(b)
			err := b.service.Work(t.Context(), b.job(), 1)
			if (err != nil) != c.retry {
				t.Fatalf("the first try: %v", err)
			}
			if c.retry {
				if d, r := b.get(), b.progress(); d.Status != connections.Syncing || d.Cause != c.cause || r.State != syncer.Running || r.Failure != c.cause {
					t.Errorf("between tries: %s, %s, run %+v", d.Status, d.Cause, r)
				}
				if err := b.service.Work(t.Context(), b.job(), 4); err != nil {
					t.Errorf("the last try: %v", err)
				}
			} else if b.progress().State == syncer.Running {
				b.work() // the accounts were fine
			}
			d, r := b.get(), b.progress()
			if d.Status != c.status || d.Cause != c.cause || r.State != syncer.Failed || r.Failure != c.cause || d.LastSuccessAt != nil {
				t.Errorf("%s, %s, run %+v", d.Status, d.Cause, r)
			}
			switch {
			case c.least == 0 && d.NextSyncAt != nil:
				t.Errorf("tries again at %s", d.NextSyncAt)
			case c.least != 0 && (d.NextSyncAt == nil || time.Until(*d.NextSyncAt) < c.least-time.Minute || time.Until(*d.NextSyncAt) > c.most):
				t.Errorf("tries again at %v", d.NextSyncAt)
			}
			if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'connection.' || $1::text AND target = $2`, string(c.status), b.id.String()); n != 1 {
				t.Errorf("%d audit rows", n)
			}
		})
	}
}

// Break RL-1: services/syncer/service.go: in SyncNow, queue although a run is open
func TestSyncNow(t *testing.T) {
	b := newBundle(t)
	if err := b.service.SyncNow(t.Context(), b.who, b.id); err != nil {
		t.Fatal(err)
	}
	if n := b.count(`SELECT count(*) FROM sync_runs`); n != 1 {
		t.Errorf("%d runs; one that is queued is enough", n)
	}
	stranger := b.person()
	if err := b.service.SyncNow(t.Context(), stranger, b.id); !errors.Is(err, connections.ErrNotFound) {
		t.Errorf("somebody else's: %v, want ErrNotFound", err)
	}
	if _, _, err := b.service.Progress(t.Context(), stranger, b.id); !errors.Is(err, syncer.ErrNoRun) {
		t.Errorf("somebody else's progress: %v, want ErrNoRun", err)
	}
	b.bank.EndEverything()
	b.work()
	if err := b.service.SyncNow(t.Context(), b.who, b.id); !errors.Is(err, syncer.ErrNeedsYou) {
		t.Errorf("%v, want ErrNeedsYou", err)
	}
	if err := b.connections.Disconnect(t.Context(), b.who, b.id, true); err != nil {
		t.Fatal(err)
	}
	if err := b.service.SyncNow(t.Context(), b.who, b.id); !errors.Is(err, connections.ErrGone) {
		t.Errorf("%v, want ErrGone", err)
	}
}

// A connection that ends while its sync runs: nothing is written after the end.
//
// Break OA-17: services/syncer/run.go: in write, leave Lock out
func TestRun_EndsWithItsConnection(t *testing.T) {
	for name, keepData := range map[string]bool{"kept": true, "deleted": false} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			b.bank.API = func(w http.ResponseWriter, r *http.Request) {
				if err := b.connections.Disconnect(t.Context(), b.who, b.id, keepData); err != nil {
					t.Error(err)
				}
				b.bank.Read(w, r)
			}
			b.work()
			if n := b.count(`SELECT count(*) FROM accounts`); n != 0 {
				t.Errorf("%d accounts came after the end", n)
			}
			if keepData && b.get().Status != connections.Disconnected {
				t.Errorf("status %s", b.get().Status)
			}
		})
	}
}

func TestDue(t *testing.T) {
	b := newBundle(t)
	b.work()
	if err := b.service.WorkDue(t.Context()); err != nil || b.count(`SELECT count(*) FROM sync_runs`) != 1 {
		t.Fatalf("something was due too early (%v)", err)
	}
	b.exec(`UPDATE connections SET next_sync_at = now() - interval '1 minute', consent_expires_at = now() + interval '13 days'`, nil)
	for range 2 { // a second look, or another node's, finds nothing left
		if err := b.service.WorkDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.count(`SELECT count(*) FROM sync_runs WHERE cause = 'schedule' AND state = 'queued'`); n != 1 {
		t.Fatalf("%d scheduled runs", n)
	}
	b.work()
	if d := b.get(); d.Status != connections.Renew || d.Cause != connections.CauseConsentEnds {
		t.Errorf("13 days before the permission ends: %s, %s", d.Status, d.Cause)
	}
	b.exec(`UPDATE connections SET status = 'needs_you', next_sync_at = now() - interval '1 minute'`, nil)
	if err := b.service.WorkDue(t.Context()); err != nil || b.count(`SELECT count(*) FROM sync_runs`) != 2 {
		t.Errorf("a connection that needs the person was asked (%v)", err)
	}
}

func TestDue_NotesPermissionsThatEnd(t *testing.T) {
	b := newBundle(t)
	b.work()
	b.exec(`UPDATE connections SET consent_expires_at = now() + interval '13 days'`, nil)
	if err := b.service.WorkDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := b.get(); d.Status != connections.Renew {
		t.Errorf("status %s", d.Status)
	}
}

// The whole way with River itself: the job the callback left is worked by a runner.
func TestRun_ByRiver(t *testing.T) {
	b := newBundle(t)
	workers := river.NewWorkers()
	b.service.AddWorkers(workers)
	runner, err := jobs.NewRunner(b.db.Pool, jobs.RunnerConfig{Workers: workers, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{}, 100)
	b.bank.API = func(w http.ResponseWriter, r *http.Request) {
		b.bank.Read(w, r)
		arrived <- struct{}{}
	}
	if err := runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the accounts and two windows
		<-arrived
	}
	if err := runner.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if r := b.progress(); r.State != syncer.Done || r.Added != 2 {
		t.Errorf("run %+v", r)
	}
}
