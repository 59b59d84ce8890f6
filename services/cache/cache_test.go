package cache_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dashtam/services/cache"
	"dashtam/services/encryption"
	"dashtam/services/redis/redistest"
)

var kind = cache.Kind{Name: "thing", Fresh: time.Hour}

type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func key(t testing.TB) encryption.Key {
	t.Helper()
	k, err := encryption.GenerateKey("cache")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// stores runs a test on each kind of store.
func stores(t *testing.T, test func(t *testing.T, s cache.Store, c *clock)) {
	t.Run("memory", func(t *testing.T) {
		c := &clock{time.Now()}
		test(t, cache.NewMemory(16, c.read), c)
	})
	t.Run("redis", func(t *testing.T) {
		c := &clock{time.Now()}
		test(t, cache.NewRedis(redistest.New(t).Client(), key(t), c.read), c)
	})
}

// counting gives a load that says how often it ran.
func counting(n *atomic.Int32) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return int(n.Add(1)), nil }
}

func load(t *testing.T, c *cache.Cache, n *atomic.Int32) int {
	t.Helper()
	got, err := cache.Load(t.Context(), c, kind, "k", counting(n))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLoad(t *testing.T) {
	stores(t, func(t *testing.T, s cache.Store, at *clock) {
		var n atomic.Int32
		results := ""
		c := cache.New(s, func(_, result string) { results += result + " " })
		for range 2 {
			if got := load(t, c, &n); got != 1 {
				t.Errorf("loaded %d times", got)
			}
		}
		if other, err := cache.Load(t.Context(), c, kind, "other", counting(&n)); err != nil || other != 2 {
			t.Errorf("another key: %d, %v", other, err)
		}
		at.now = at.now.Add(kind.Fresh - time.Second)
		if got := load(t, c, &n); got != 1 {
			t.Errorf("within the hour: load %d", got)
		}
		at.now = at.now.Add(time.Second)
		if got := load(t, c, &n); got != 3 {
			t.Errorf("after the hour: load %d", got)
		}
		if results != "miss hit miss hit miss " {
			t.Errorf("told: %s", results)
		}
	})
}

func TestLoad_FailuresAndLongValuesAreNotKept(t *testing.T) {
	c := cache.New(cache.NewMemory(16, time.Now), nil)
	failed := errors.New("the bank is away")
	runs := 0
	for range 2 {
		_, err := cache.Load(t.Context(), c, kind, "bad", func(context.Context) (int, error) { runs++; return 0, failed })
		if !errors.Is(err, failed) {
			t.Errorf("%v", err)
		}
		long, err := cache.Load(t.Context(), c, kind, "long", func(context.Context) (string, error) { runs++; return strings.Repeat("x", 64<<10), nil })
		if err != nil || len(long) != 64<<10 {
			t.Errorf("%d, %v", len(long), err)
		}
	}
	if runs != 4 {
		t.Errorf("%d loads, want 4", runs)
	}
}

// Many who ask at once cause one load, and the one who began it may leave.
func TestLoad_SingleFlight(t *testing.T) {
	var runs atomic.Int32
	c := cache.New(cache.NewMemory(16, time.Now), nil)
	began, finish := make(chan bool), make(chan bool)
	slow := func(ctx context.Context) (int, error) {
		runs.Add(1)
		close(began)
		<-finish
		return 7, ctx.Err()
	}
	leaves, leave := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := cache.Load(leaves, c, kind, "k", slow)
		first <- err
	}()
	<-began
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v", err)
	}
	var waiting sync.WaitGroup
	for range 20 {
		waiting.Go(func() {
			if got, err := cache.Load(t.Context(), c, kind, "k", slow); err != nil || got != 7 {
				t.Errorf("%d, %v", got, err)
			}
		})
	}
	close(finish)
	waiting.Wait()
	if runs.Load() != 1 {
		t.Errorf("%d loads", runs.Load())
	}
}

// Break RT-3: services/cache/cache.go: in Load, drop the recover
func TestLoad_RT3_Panic(t *testing.T) {
	c := cache.New(cache.NewMemory(16, time.Now), nil)
	for range 2 {
		if _, err := cache.Load(t.Context(), c, kind, "k", func(context.Context) (int, error) { panic("canary") }); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v", err)
		}
	}
}

func TestForget(t *testing.T) {
	stores(t, func(t *testing.T, s cache.Store, _ *clock) {
		var n atomic.Int32
		c := cache.New(s, nil)
		load(t, c, &n)
		if err := c.Forget(t.Context(), kind, "k"); err != nil {
			t.Fatal(err)
		}
		if got := load(t, c, &n); got != 2 {
			t.Errorf("after the write: load %d", got)
		}
		// A load that read before the write, and ends after it, is not kept.
		old, err := cache.Load(t.Context(), c, kind, "late", func(ctx context.Context) (string, error) { return "old", c.Forget(ctx, kind, "late") })
		if err != nil || old != "old" {
			t.Errorf("%s, %v", old, err)
		}
		if now, err := cache.Load(t.Context(), c, kind, "late", func(context.Context) (string, error) { return "new", nil }); err != nil || now != "new" {
			t.Errorf("%s, %v", now, err)
		}
	})
}

func TestMemory_Bounded(t *testing.T) {
	m := cache.NewMemory(2, time.Now)
	set := func(key string) {
		if err := m.Set(t.Context(), key, []byte(key), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	has := func(key string) bool {
		_, found, err := m.Get(t.Context(), key)
		return found && err == nil
	}
	set("a")
	set("b")
	if !has("a") { // used now, so b is the oldest
		t.Error("a is gone")
	}
	set("c")
	set("c")
	if !has("a") || has("b") || !has("c") {
		t.Errorf("a %v, b %v, c %v", has("a"), has("b"), has("c"))
	}
}

// A Redis that is gone, stopped or flushed costs loads, and nothing else.
func TestRedis_F20_AwayCostsLoads(t *testing.T) {
	for name, fail := range map[string]func(*redistest.Server){
		"gone": (*redistest.Server).Kill, "stopped": (*redistest.Server).Stop, "flushed": (*redistest.Server).Flush,
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.New(t)
			var n atomic.Int32
			c := cache.New(cache.NewRedis(server.Client(), key(t), time.Now), nil)
			load(t, c, &n)
			fail(server)
			if got := load(t, c, &n); got != 2 {
				t.Errorf("load %d, want a second", got)
			}
			if err := c.Forget(t.Context(), kind, "k"); (err == nil) != (name == "flushed") {
				t.Errorf("Forget: %v", err)
			}
		})
	}
}

// Whoever can read Redis reads nothing, and whoever can write to it makes no node believe anything.
// Break VT-1: services/cache/redis.go: leave Row out of place
func TestRedis_VT1_SealedAndBound(t *testing.T) {
	server, k, at := redistest.New(t), key(t), &clock{time.Now()}
	client := server.Client()
	s := cache.NewRedis(client, k, at.read)
	if err := s.Set(t.Context(), "k", []byte("canary"), time.Hour); err != nil {
		t.Fatal(err)
	}
	kept, found, err := client.Get(t.Context(), "cache:k")
	if err != nil || !found || bytes.Contains(kept, []byte("canary")) {
		t.Fatalf("%q, %v, %v", kept, found, err)
	}
	for what, forged := range map[string][]byte{"moved": kept, "invented": []byte("evil"), "cut": kept[:len(kept)-1]} {
		if err := client.Set(t.Context(), "cache:other", forged, time.Hour); err != nil {
			t.Fatal(err)
		}
		if got, found, err := s.Get(t.Context(), "other"); found || err == nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	at.now = at.now.Add(time.Hour) // kept beyond its end by somebody
	if _, found, err := s.Get(t.Context(), "k"); found || err != nil {
		t.Errorf("after its end: %v, %v", found, err)
	}
	if _, found, _ := cache.NewRedis(client, key(t), time.Now).Get(t.Context(), "k"); found {
		t.Error("another installation reads it")
	}
}
