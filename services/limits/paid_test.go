package limits_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dashtam/services/errs"
	"dashtam/services/limits"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/redis/redistest"
)

// batched is a rule of three batches.
var batched = limits.Rule{Name: "batched", Max: 60, Window: time.Hour, Batch: 20}

// acts does acts of ada until one is refused or most are done, and gives how many were allowed.
func acts(t *testing.T, s *limits.Service, most int) (allowed int) {
	t.Helper()
	for range most {
		err := s.Allow(t.Context(), batched, "ada")
		if errs.KindOf(err) == errs.RateLimited {
			return allowed
		}
		if err != nil {
			t.Fatal(err)
		}
		allowed++
	}
	return allowed
}

func counted(t *testing.T, db postgres.DB) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), `SELECT coalesce(sum(count), 0) FROM limit_counters`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Break RL-1: services/limits/limits.go: at the end of count, return n, ends, nil
func TestAllowPaid_RL1_ExactlyTheRule(t *testing.T) {
	server, db, c := redistest.New(t), pgtest.Tx(t), &clock{noon}
	s := limits.NewWithRedis(db, c.read, server.Client(), nil)
	if n := acts(t, s, 5); n != 5 || counted(t, db) != 20 {
		t.Errorf("%d allowed, %d counted, want 5 and one batch", n, counted(t, db))
	}
	if n := acts(t, s, 100); n != 55 {
		t.Errorf("%d more allowed, want 55", n)
	}
	c.now = noon.Add(59 * time.Minute)
	if err := s.Allow(t.Context(), batched, "ada"); errs.RetryAfter(err) != time.Minute {
		t.Errorf("%v, retry after %v", err, errs.RetryAfter(err))
	}
	flooded := limits.NewWithRedis(pgtest.Broken(t), c.read, server.Client(), nil)
	if err := flooded.Allow(t.Context(), batched, "ada"); errs.KindOf(err) != errs.RateLimited {
		t.Errorf("the refusal asks the database: %v", err)
	}
	if err := s.Allow(t.Context(), batched, "grace"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if err := s.Reset(t.Context(), batched, "ada"); err != nil {
		t.Fatal(err)
	}
	if err := s.Allow(t.Context(), batched, "ada"); err != nil {
		t.Errorf("after the reset: %v", err)
	}
}

// Redis forgets by its own clock, and a stopped one carries out late what it was told: what is paid for must end with its
// window.
// Break RL-1: services/limits/paid.go: in take, drop the comparison of ends
func TestAllowPaid_RL1_WhatIsPaidForEndsWithItsWindow(t *testing.T) {
	c := &clock{noon}
	s := limits.NewWithRedis(pgtest.Tx(t), c.read, redistest.New(t).Client(), nil)
	acts(t, s, 45)
	c.now = noon.Add(time.Hour)
	if n := acts(t, s, 100); n != 60 {
		t.Errorf("%d allowed in the next window, want 60", n)
	}
}

// Two services with one database and one Redis stand for two nodes.
// Break RL-1: services/limits/paid.go: in take, drop the HINCRBY
func TestAllowPaid_RL1_SharedAndExactInParallel(t *testing.T) {
	server, pool := redistest.New(t), pgtest.New(t)
	nodes := [...]*limits.Service{
		limits.NewWithRedis(pool, time.Now, server.Client(), nil), limits.NewWithRedis(pool, time.Now, server.Client(), nil),
	}
	var allowed atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { allowed.Add(int32(acts(t, nodes[i%2], 20))) })
	}
	wg.Wait()
	// Somebody may have been refused while another's batch was on its way; it is there now.
	if total := int(allowed.Load()) + acts(t, nodes[0], 100); total != 60 {
		t.Errorf("%d were allowed, want 60", total)
	}
}

// Whatever becomes of Redis, no more than Max are allowed, and at most a batch fewer.
// Break RL-1: services/limits/paid.go: in allowPaid, return nil where Redis gives an error
func TestAllowPaid_RL1_F20_RedisFails(t *testing.T) {
	nothing := func(*redistest.Server) {}
	for name, c := range map[string]struct {
		fails, back func(*redistest.Server)
		fellBack    bool
	}{
		"gone":    {(*redistest.Server).Kill, (*redistest.Server).Start, true},
		"stopped": {(*redistest.Server).Stop, (*redistest.Server).Continue, true},
		"flushed": {(*redistest.Server).Flush, nothing, false},
	} {
		t.Run(name, func(t *testing.T) {
			server, db := redistest.New(t), pgtest.Tx(t)
			fellBack := 0
			s := limits.NewWithRedis(db, time.Now, server.Client(), func() { fellBack++ })
			allowed := acts(t, s, 25) // a batch, and 5 of the next
			c.fails(server)
			allowed += acts(t, s, 100)
			if allowed != 45 { // the 15 that were left are lost
				t.Errorf("%d were allowed, want 45", allowed)
			}
			if (fellBack > 0) != c.fellBack {
				t.Errorf("fell back %d times", fellBack)
			}
			c.back(server)
			again := limits.NewWithRedis(db, time.Now, server.Client(), nil)
			if n := acts(t, again, 100); n > 15 {
				t.Errorf("%d more were allowed when it was back", n)
			}
		})
	}
}

// A replica that lags gives once more what was left of a batch when it fell behind, and no more than a batch.
func TestAllowPaid_F20_AStaleReplica(t *testing.T) {
	server, db := redistest.New(t), pgtest.Tx(t)
	s := limits.NewWithRedis(db, time.Now, server.Client(), nil)
	acts(t, s, 5)
	server.Keep() // 15 are left
	if n := acts(t, s, 100); n != 55 {
		t.Errorf("%d more were allowed, want 55", n)
	}
	server.Revert()
	if n := acts(t, limits.NewWithRedis(db, time.Now, server.Client(), nil), 100); n != 15 || n > batched.Batch {
		t.Errorf("%d were allowed once more, want the 15 it knew of", n)
	}
	if n := acts(t, limits.NewWithRedis(db, time.Now, server.Client(), nil), 100); n != 0 {
		t.Errorf("and then %d", n)
	}
}

// Break RL-1: services/limits/paid.go: in allowPaid, return nil where count fails
func TestAllowPaid_RL1_NothingIsAllowedWithoutBoth(t *testing.T) {
	server := redistest.New(t)
	s := limits.NewWithRedis(pgtest.Broken(t), time.Now, server.Client(), nil)
	for range 2 {
		if err := s.Allow(t.Context(), batched, "ada"); errs.KindOf(err) != errs.Unavailable {
			t.Errorf("%v", err)
		}
		server.Flush()
	}
	server.Kill()
	if err := s.Allow(t.Context(), batched, "ada"); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("without Redis, too: %v", err)
	}
}

// BenchmarkAllow is one act of the API's rule, counted by itself or out of a batch, allowed or refused; eight clients a
// core ask at once, each from an address of its own.
func BenchmarkAllow(b *testing.B) {
	server, pool := redistest.New(b), pgtest.New(b)
	for name, s := range map[string]*limits.Service{
		"postgres": limits.New(pool, time.Now), "redis": limits.NewWithRedis(pool, time.Now, server.Client(), nil),
	} {
		for outcome, most := range map[string]int{"allowed": 1 << 30, "refused": 60} {
			rule := limits.Rule{Name: name + outcome, Max: most, Window: time.Hour, Batch: limits.API.Batch}
			b.Run(name+"/"+outcome, func(b *testing.B) {
				var clients atomic.Int32
				b.SetParallelism(8)
				b.RunParallel(func(next *testing.PB) {
					address := strconv.Itoa(int(clients.Add(1)))
					for next.Next() {
						if err := s.Allow(b.Context(), rule, address); err != nil && errs.KindOf(err) != errs.RateLimited {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
