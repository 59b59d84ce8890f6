package review_test

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dashtam/services/actor"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/limits"
	"dashtam/services/password"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/profile"
	"dashtam/services/review"
)

// bundle is a review whose time a test moves.
type bundle struct {
	*review.Service
	t   *testing.T
	at  time.Time
	log bytes.Buffer
}

var admin = actor.Actor{Kind: actor.Admin}

func (b *bundle) now() time.Time       { return b.at }
func (b *bundle) wait(d time.Duration) { b.at = b.at.Add(d) }

func begin(t *testing.T) *bundle { return on(t, pgtest.Tx(t)) }

func on(t *testing.T, db postgres.DB) *bundle {
	b := &bundle{t: t, at: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	b.Service = b.another(db)
	return b
}

// another is the service after a restart: everything in memory is gone.
func (b *bundle) another(db postgres.DB) *review.Service {
	return review.New(review.Config{
		DB: db, Profile: profile.New(b.now, nil), Hashes: hashpool.New(password.New(4), 1), Limits: limits.New(db, b.now),
		Log: slog.New(slog.NewTextHandler(&b.log, nil)), Now: b.now, Cores: 2,
	})
}

// status evaluates, and gives how c stands.
func (b *bundle) status(c review.Criterion) review.Status {
	b.t.Helper()
	if err := b.Evaluate(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	r, err := b.Report(b.t.Context(), admin, profile.Lately)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range r.Criteria {
		if s.Criterion == c {
			return s
		}
	}
	b.t.Fatalf("no %s", c)
	panic("unreachable")
}

// pages answers n pages that took so long, beside a hash or not.
func (b *bundle) pages(n int, took time.Duration, hashing bool) {
	for range n {
		b.Profile.PageTook(took, hashing)
	}
}

const ms = time.Millisecond

func TestSeed_Review_RequestsOver500msBecauseOfHashing(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*bundle)
		due     bool
	}{
		"slow beside hashes, quick without": {func(b *bundle) { b.pages(20, 501*ms, true); b.pages(20, 4*ms, false) }, true},
		"exactly half a second":             {func(b *bundle) { b.pages(20, 500*ms, true); b.pages(20, 4*ms, false) }, false},
		"slow without a hash":               {func(b *bundle) { b.pages(200, 900*ms, false) }, false},
		"slow with and without":             {func(b *bundle) { b.pages(200, 900*ms, true); b.pages(20, 900*ms, false) }, false},
		"slow beside hashes, none without":  {func(b *bundle) { b.pages(20, 900*ms, true) }, true},
		"slow today without a hash, too": {func(b *bundle) {
			b.pages(20, 900*ms, false)
			b.wait(10 * time.Minute)
			b.pages(20, 900*ms, true)
		}, false},
		"too few to tell":        {func(b *bundle) { b.pages(19, 900*ms, true) }, false},
		"one of fifty":           {func(b *bundle) { b.pages(49, 4*ms, true); b.pages(1, 900*ms, true) }, false},
		"the 99th percentile":    {func(b *bundle) { b.pages(98, 4*ms, true); b.pages(2, 900*ms, true) }, true},
		"one of a hundred and 1": {func(b *bundle) { b.pages(100, 4*ms, true); b.pages(1, 900*ms, true) }, false},
	} {
		b := begin(t)
		c.happens(b)
		if s := b.status(review.Pages); s.Due() != c.due {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// logins lets n people sign in at once, which takes so long.
func (b *bundle) logins(n int, took time.Duration, o profile.Outcome) {
	var ends []func(profile.Outcome)
	for range n {
		ends = append(ends, b.Profile.LoginBegins())
	}
	b.wait(took)
	for _, end := range ends {
		end(o)
	}
}

func TestSeed_Review_Over100SimultaneousLoginsInTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*bundle)
		due     bool
	}{
		"a hundred in trouble":             {func(b *bundle) { b.logins(100, 2*time.Second, profile.Worked) }, false},
		"a hundred and one, all well":      {func(b *bundle) { b.logins(101, time.Second, profile.Worked) }, false},
		"a hundred and one, slow":          {func(b *bundle) { b.logins(101, time.Second+1, profile.Worked) }, true},
		"a hundred and one, sent away":     {func(b *bundle) { b.logins(101, 0, profile.Unserved) }, true},
		"wrong passwords are no complaint": {func(b *bundle) { b.logins(101, 2*time.Second, profile.Refused) }, false},
		"sent away, but not by a crowd": {func(b *bundle) {
			b.logins(101, 0, profile.Worked)
			b.logins(1, 0, profile.Unserved)
		}, false},
	} {
		b := begin(t)
		c.happens(b)
		if s := b.status(review.Logins); s.Due() != c.due {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestSeed_Review_CPUSaturatedByBcrypt(t *testing.T) {
	for name, c := range map[string]struct {
		share float64 // of two cores, for a minute
		due   bool
	}{
		"idle": {0, false}, "one core of two": {0.5, false}, "89 %": {0.89, false}, "91 %": {0.91, true},
		"many hashes share the cores": {20, true},
	} {
		b := begin(t)
		for range 6 {
			b.wait(5 * time.Second)
			b.Profile.Observe(profile.Verify, time.Duration(c.share*float64(20*time.Second)))
			b.wait(5 * time.Second)
		}
		b.wait(-1)
		if s := b.status(review.CPU); s.Due() != c.due || s.Value > 1 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	b := begin(t)
	b.wait(5 * time.Second)
	b.Profile.Observe(profile.Hash, 19*time.Second) // ten seconds of full cores are no minute
	if s := b.status(review.CPU); s.Due() {
		t.Errorf("a short peak: %+v", s)
	}
}

func TestSeed_Review_LoginOver1s(t *testing.T) {
	for took, due := range map[time.Duration]bool{300 * ms: false, time.Second: false, time.Second + 1: true, 5 * time.Second: true} {
		b := begin(t)
		b.logins(1, took, profile.Worked)
		if s := b.status(review.SlowLogin); s.Due() != due {
			t.Errorf("%v: %+v", took, s)
		}
	}
	b := begin(t)
	b.logins(19, 300*ms, profile.Worked)
	b.logins(1, 5*time.Second, profile.Worked)
	if s := b.status(review.SlowLogin); s.Due() {
		t.Errorf("one of twenty is within the 95th percentile: %+v", s)
	}
}

func TestLines_ACrossingAndAReturn(t *testing.T) {
	b := begin(t)
	began := b.at
	b.logins(1, 2*time.Second, profile.Worked)
	first := b.at
	b.status(review.SlowLogin)
	b.wait(30 * time.Second)
	b.logins(1, 4*time.Second, profile.Worked)
	if s := b.status(review.SlowLogin); !s.Since().Equal(first) {
		t.Errorf("crossed at %v, since %v", first, s.Since())
	}
	if !strings.Contains(b.log.String(), "review criterion crossed") || strings.Count(b.log.String(), "\n") != 1 {
		t.Errorf("the log says %q", b.log.String())
	}
	for s := b.status(review.SlowLogin); s.Over; s = b.status(review.SlowLogin) { // nobody signs in any more
		b.wait(10 * time.Second)
	}
	b.wait(40 * time.Second)
	if s := b.status(review.SlowLogin); !s.Due() || s.Over {
		t.Errorf("back within its minute: %+v", s)
	}
	b.wait(10 * time.Second)
	back := b.at
	if s := b.status(review.SlowLogin); s.Due() || !s.Last.At.Equal(back) {
		t.Errorf("not back: %+v", s)
	}
	b.status(review.SlowLogin)
	r, err := b.Report(t.Context(), admin, profile.Day)
	if err != nil || len(r.Lines) != 2 || r.Lines[0].Crossed || r.Lines[0].Value < 3.5 || !r.Lines[1].Crossed || r.Lines[1].Value > 2.01 {
		t.Errorf("%+v, %v", r.Lines, err)
	}
	if !strings.Contains(b.log.String(), "review criterion back") || !r.Began.Equal(began) {
		t.Errorf("the log says %q", b.log.String())
	}
}

func TestLines_SurviveARestart(t *testing.T) {
	db := pgtest.Tx(t)
	b := on(t, db)
	b.logins(1, 2*time.Second, profile.Worked)
	b.status(review.SlowLogin)
	since := b.at
	b.wait(time.Hour)
	b.Service = b.another(db)
	if s := b.status(review.SlowLogin); !s.Due() || !s.Since().Equal(since) {
		t.Errorf("after the restart: %+v", s)
	}
	b.wait(time.Minute)
	if s := b.status(review.SlowLogin); s.Due() {
		t.Errorf("nothing is slow any more: %+v", s)
	}
}

// Two nodes over one database write a crossing once.
func TestLines_OfTwoNodes(t *testing.T) {
	db := pgtest.Tx(t)
	one, two := on(t, db), on(t, db)
	for _, b := range []*bundle{one, two} {
		b.status(review.SlowLogin)
	}
	for _, b := range []*bundle{one, two} {
		b.logins(1, 2*time.Second, profile.Worked)
		b.status(review.SlowLogin)
	}
	if r, err := one.Report(t.Context(), admin, profile.Lately); err != nil || len(r.Lines) != 1 {
		t.Errorf("%+v, %v", r.Lines, err)
	}
}

func TestLines_WaitForTheDatabase(t *testing.T) {
	b := on(t, pgtest.Broken(t))
	b.logins(1, 2*time.Second, profile.Worked)
	if err := b.Evaluate(t.Context()); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("%v", err)
	}
	if _, err := b.Report(t.Context(), admin, profile.Lately); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestReport_IsForAdministrators(t *testing.T) {
	b := begin(t)
	for _, kind := range []actor.Kind{actor.Anonymous, actor.User, actor.Job} {
		if _, err := b.Report(t.Context(), actor.Actor{Kind: kind}, profile.Lately); errs.KindOf(err) != errs.Forbidden {
			t.Errorf("%v: %v", kind, err)
		}
	}
}

func TestFeltSlow_IsCountedAndLimited(t *testing.T) {
	b := begin(t)
	who := actor.Actor{IP: netip.MustParseAddr("198.51.100.7")}
	for range 5 {
		if err := b.FeltSlow(t.Context(), who); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.FeltSlow(t.Context(), who); errs.KindOf(err) != errs.RateLimited {
		t.Errorf("the sixth: %v", err)
	}
	if r, err := b.Report(t.Context(), admin, profile.Lately); err != nil || r.FeltSlow != 5 {
		t.Errorf("%d clicks, %v", r.FeltSlow, err)
	}
}
