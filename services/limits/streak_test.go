package limits_test

import (
	"testing"
	"time"

	"dashtam/services/errs"
	"dashtam/services/limits"
	"dashtam/services/postgres/pgtest"
)

// Break RL-2: services/limits/streak.go: in wait, return longestWait in place of the last line
// Break RL-2: services/limits/streak.go: in Shut, leave out count >= k.Max
func TestShut_RL2_WaitsGrowAndThenNothingHelps(t *testing.T) {
	c := &clock{noon}
	s := limits.New(pgtest.Tx(t), c.read)
	k := limits.Streak{Name: "test", Max: 13, Free: 3}
	shut := func() bool {
		t.Helper()
		is, err := s.Shut(t.Context(), k, "ada")
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	waits := []int{0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600}
	for n, seconds := range waits {
		if shut() {
			t.Fatalf("act %d is refused after the wait", n+1)
		}
		if err := s.Extend(t.Context(), k, "ada"); err != nil {
			t.Fatal(err)
		}
		if wait := time.Duration(seconds) * time.Second; wait > 0 {
			if c.now = c.now.Add(wait - time.Millisecond); !shut() {
				t.Errorf("after act %d one waits less than %v", n+1, wait)
			}
			c.now = c.now.Add(time.Millisecond)
		}
	}
	if err := s.Extend(t.Context(), k, "ada"); err != nil {
		t.Fatal(err)
	}
	if c.now = c.now.Add(10 * 365 * 24 * time.Hour); !shut() {
		t.Error("ten years later there are more")
	}
	if is, err := s.Shut(t.Context(), k, "grace"); is || err != nil {
		t.Errorf("somebody else: %t, %v", is, err)
	}
	if err := s.End(t.Context(), "ada", k); err != nil || shut() {
		t.Errorf("after the end: %v", err)
	}
}

// What a crash must not forget lies in a table that survives one, and is as small as what it stands beside. Real and
// invented addresses are the same here.
//
// Break RL-4: services/limits/limits.go: in Sweep, leave out s.shorten
// Break RL-2: migrations/0008_streaks.sql: CREATE UNLOGGED TABLE
func TestShut_RL2_RL4_KeptAndBounded(t *testing.T) {
	db := pgtest.Tx(t)
	s := limits.New(db, time.Now)
	var kept string
	if err := db.QueryRow(t.Context(), `SELECT relpersistence::text FROM pg_class WHERE relname = 'limit_streaks'`).Scan(&kept); err != nil || kept != "p" {
		t.Errorf("the table is %q, %v", kept, err)
	}
	for range 3 {
		if err := s.Extend(t.Context(), limits.StrangeFailures, "ada"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec(t.Context(), `
		INSERT INTO limit_streaks (key, count, last_at) SELECT int4send(n), 1 + n % 2, now() FROM generate_series(1, 200100) AS n`); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	var rows, longest int
	if err := db.QueryRow(t.Context(), `SELECT count(*), max(count) FROM limit_streaks WHERE length(key) <= 16`).Scan(&rows, &longest); err != nil || rows != 200_000 || longest != 3 {
		t.Errorf("%d rows, the longest streak %d, %v", rows, longest, err)
	}
}

func TestShut_NothingIsAllowedWithoutTheDatabase(t *testing.T) {
	s := limits.New(pgtest.Broken(t), time.Now)
	_, err := s.Shut(t.Context(), limits.KnownFailures, "ada")
	for _, err := range []error{err, s.Extend(t.Context(), limits.KnownFailures, "ada"), s.End(t.Context(), "ada", limits.KnownFailures)} {
		if errs.KindOf(err) != errs.Unavailable {
			t.Error(err)
		}
	}
}
