package limits_test

import (
	"testing"
	"time"

	"dashtam/services/errs"
	"dashtam/services/limits"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

// What was tried too often at one node is too often at another whose clock is wrong, which sweeps nothing away that counts.
func TestLimits_F21_ANodeWithAWrongClock(t *testing.T) {
	db := pgtest.New(t)
	rule, streak := limits.Rule{Name: "test", Max: 2, Window: 15 * time.Minute}, limits.Streak{Name: "test", Max: 9, Free: 1}
	good := limits.New(db, time.Now)
	for _, by := range []time.Duration{-10 * time.Minute, 10 * time.Minute, time.Hour, 10 * 366 * 24 * time.Hour} {
		who, clock := by.String(), postgres.NewClock(func() time.Time { return time.Now().Add(by) })
		if _, err := clock.Compare(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		skewed := limits.New(db, clock.Now)
		for _, node := range []*limits.Service{good, skewed} {
			if err := node.Allow(t.Context(), rule, who); err != nil {
				t.Errorf("%s: %v", who, err)
			}
			if err := node.Extend(t.Context(), streak, who); err != nil {
				t.Fatal(err)
			}
		}
		if err := skewed.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, node := range map[string]*limits.Service{"good": good, "skewed": skewed} {
			err := node.Allow(t.Context(), rule, who)
			if wait := errs.RetryAfter(err); errs.KindOf(err) != errs.RateLimited || wait > rule.Window || wait < rule.Window-time.Minute {
				t.Errorf("%s, the %s node: %v, in %s", who, name, err, wait)
			}
			if shut, err := node.Shut(t.Context(), streak, who); err != nil || !shut {
				t.Errorf("%s, the %s node: shut %t, %v", who, name, shut, err)
			}
		}
	}
}
