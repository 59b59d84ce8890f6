package limits_test

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/errs"
	"dashtam/services/limits"
	"dashtam/services/postgres/pgtest"
)

var (
	noon  = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	three = limits.Rule{Name: "test", Max: 3, Window: time.Minute}
)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

// Break RL-1: services/limits/limits.go: in count, r.Max-(count-n)+1
func TestAllow_RL1_ExactlyTheRule(t *testing.T) {
	c := &clock{noon}
	s := limits.New(pgtest.Tx(t), c.read)
	for round := range 2 { // the second time after the window: everything as before
		for i := range 3 {
			if err := s.Peek(t.Context(), three, "ada"); err != nil {
				t.Fatalf("round %d, before act %d: %v", round, i+1, err)
			}
			if n, err := s.Count(t.Context(), three, "ada"); n != i || err != nil {
				t.Fatalf("round %d, before act %d: %d acts, %v", round, i+1, n, err)
			}
			if err := s.Allow(t.Context(), three, "ada"); err != nil {
				t.Fatalf("round %d, act %d: %v", round, i+1, err)
			}
			c.now = c.now.Add(10 * time.Second)
		}
		for _, refused := range []error{s.Allow(t.Context(), three, "ada"), s.Peek(t.Context(), three, "ada")} {
			if errs.KindOf(refused) != errs.RateLimited || errs.RetryAfter(refused) != 30*time.Second {
				t.Errorf("round %d: %v, retry after %v", round, refused, errs.RetryAfter(refused))
			}
		}
		if err := s.Allow(t.Context(), three, "grace"); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		if err := s.Allow(t.Context(), limits.Rule{Name: "other", Max: 3, Window: time.Minute}, "ada"); err != nil {
			t.Errorf("another rule: %v", err)
		}
		c.now = c.now.Add(30 * time.Second) // what was refused in between does not make it longer
	}
}

func TestReset(t *testing.T) {
	s := limits.New(pgtest.Tx(t), time.Now)
	for range 4 {
		_ = s.Allow(t.Context(), three, "ada")
	}
	if err := s.Reset(t.Context(), three, "ada"); err != nil {
		t.Fatal(err)
	}
	if err := s.Allow(t.Context(), three, "ada"); err != nil {
		t.Errorf("after the reset: %v", err)
	}
}

// Two services on one database stand for two nodes.
// Break RL-1: services/limits/limits.go: in count, least(c.count, @max) without + @n
func TestAllow_RL1_SharedAndExactInParallel(t *testing.T) {
	pool := pgtest.New(t)
	nodes := [...]*limits.Service{limits.New(pool, time.Now), limits.New(pool, time.Now)}
	var allowed atomic.Int32
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			err := nodes[i%2].Allow(t.Context(), limits.Login, "198.51.100.7")
			switch {
			case err == nil:
				allowed.Add(1)
			case errs.KindOf(err) != errs.RateLimited:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if allowed.Load() != 20 {
		t.Errorf("%d of 40 were allowed, want 20", allowed.Load())
	}
}

// A refusal inside a caller's transaction must still be counted when that is rolled back.
func TestAllow_CountsOutsideTheCallersTransaction(t *testing.T) {
	pool := pgtest.New(t)
	s := limits.New(pool, time.Now)
	rollback := errors.New("rolled back")
	for range 3 {
		err := pgx.BeginFunc(t.Context(), pool, func(pgx.Tx) error {
			if err := s.Allow(t.Context(), three, "ada"); err != nil {
				return err
			}
			return rollback
		})
		if !errors.Is(err, rollback) {
			t.Fatal(err)
		}
	}
	if err := s.Allow(t.Context(), three, "ada"); errs.KindOf(err) != errs.RateLimited {
		t.Errorf("%v", err)
	}
}

// Break RL-4: limits.go: return append(sum[:16], subject...).
func TestAllow_RL4_BoundedAndNamelessRows(t *testing.T) {
	c := &clock{noon}
	db := pgtest.Tx(t)
	s := limits.New(db, c.read)
	for i := range 50 {
		subject := fmt.Sprintf("nobody-%d-%0200d@example.org", i, i)
		if err := s.Allow(t.Context(), three, subject); err != nil {
			t.Fatal(err)
		}
	}
	var rows, longest int
	count := func() {
		t.Helper()
		if err := db.QueryRow(t.Context(), `SELECT count(*), coalesce(max(length(key)), 0) FROM limit_counters`).Scan(&rows, &longest); err != nil {
			t.Fatal(err)
		}
	}
	if count(); rows != 50 || longest != 16 {
		t.Errorf("%d rows with keys of up to %d bytes", rows, longest)
	}
	c.now = noon.Add(59 * time.Second)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if count(); rows != 50 {
		t.Errorf("%d rows left of 50 whose window is open", rows)
	}
	c.now = noon.Add(time.Minute)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if count(); rows != 0 {
		t.Errorf("%d rows are left after their window", rows)
	}
}

func TestNothingIsAllowedWithoutTheDatabase(t *testing.T) {
	s := limits.New(pgtest.Broken(t), time.Now)
	_, uncounted := s.Count(t.Context(), three, "ada")
	for name, err := range map[string]error{
		"Count": uncounted,
		"Allow": s.Allow(t.Context(), three, "ada"), "Peek": s.Peek(t.Context(), three, "ada"),
		"Reset": s.Reset(t.Context(), three, "ada"), "Sweep": s.Sweep(t.Context()),
	} {
		if errs.KindOf(err) != errs.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddressSubject(t *testing.T) {
	for ip, want := range map[string]string{
		"198.51.100.7":         "198.51.100.7",
		"::ffff:198.51.100.7":  "198.51.100.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1": "2001:db8:1:2::/64",
		"2001:db8:1:3::1":      "2001:db8:1:3::/64",
		"fe80::1%eth0":         "fe80::/64",
	} {
		if got := limits.AddressSubject(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: %s, want %s", ip, got, want)
		}
	}
	if got := limits.AddressSubject(netip.Addr{}); got == "" {
		t.Error("no address must still be somebody")
	}
}
