package redis_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/redis"
	"dashtam/services/redis/redistest"
)

func TestClient(t *testing.T) {
	server := redistest.New(t)
	c := server.Client()
	if _, found, err := c.Get(t.Context(), "k"); found || err != nil {
		t.Errorf("before: %v, %v", found, err)
	}
	if err := c.Set(t.Context(), "k", []byte("v"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if v, found, err := c.Get(t.Context(), "k"); string(v) != "v" || !found || err != nil {
		t.Errorf("%q, %v, %v", v, found, err)
	}
	if keys, err := server.Ask("KEYS *"); err != nil || !strings.Contains(keys, "TestClient:k") {
		t.Errorf("the key stands apart from other installations'? %q, %v", keys, err)
	}
	if left, err := server.Ask("TTL TestClient:k"); err != nil || left != ":60\r\n" {
		t.Errorf("it lives %q, %v", left, err)
	}
	if err := c.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if _, found, err := c.Get(t.Context(), "k"); found || err != nil {
		t.Errorf("after: %v, %v", found, err)
	}
	add := redis.NewScript("add", `return {redis.call('INCRBY', KEYS[1], ARGV[1])}`)
	for _, want := range []int64{3, 6} {
		if got, err := c.Run(t.Context(), add, "n", 3); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%v, %v, want %d", got, err, want)
		}
	}
}

// A Redis that is gone or stopped costs one caller a second its Patience, and nobody else anything.
func TestClient_AwayAndBack(t *testing.T) {
	for name, c := range map[string]struct{ away, back func(*redistest.Server) }{
		"gone":    {(*redistest.Server).Kill, (*redistest.Server).Start},
		"stopped": {(*redistest.Server).Stop, (*redistest.Server).Continue},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.New(t)
			var failed atomic.Int32
			client, err := redis.New(redis.Config{URL: server.URL(), Namespace: "t", Observe: func(_ string, bad bool, _ time.Duration) {
				if bad {
					failed.Add(1)
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if err := client.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.away(server)
			begin := time.Now()
			if err := client.Ping(t.Context()); err == nil || errors.Is(err, redis.ErrAway) {
				t.Errorf("the first call: %v", err)
			}
			if took := time.Since(begin); took > redis.Patience+time.Second {
				t.Errorf("the first call took %v", took)
			}
			for range 1000 {
				if err := client.Ping(t.Context()); err == nil {
					t.Error("it answers")
				}
			}
			// A slow machine may spend some Pauses on a thousand calls, and each of those lets one caller look.
			if n, most := int64(failed.Load()), 1+int64(time.Since(begin)/redis.Pause); n > most {
				t.Errorf("%d calls asked, want %d", n, most)
			}
			c.back(server)
			for deadline := time.Now().Add(20 * time.Second); client.Ping(t.Context()) != nil; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("it is back, and nobody notices")
				}
			}
			if err := client.Set(t.Context(), "k", []byte("v"), time.Minute); err != nil {
				t.Errorf("back again: %v", err)
			}
		})
	}
}

// A caller who goes away says nothing about Redis.
func TestClient_CallerWentAway(t *testing.T) {
	client := redistest.New(t).Client()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Ping(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := client.Ping(t.Context()); err != nil {
		t.Errorf("the next: %v", err)
	}
}

// Break RT-4: services/redis/redis.go: drop the refusal of InsecureSkipVerify
func TestNew_RT4_URLs(t *testing.T) {
	for url, good := range map[string]bool{
		"redis://h": true, "rediss://u:sesame@h:6380/2": true, "redis://h?pool_size=1000": true,
		"": false, "http://h": false, "redis://u:sesame@h:port": false, "rediss://u:sesame@h?skip_verify=true": false,
	} {
		c, err := redis.New(redis.Config{URL: encryption.Secret(url)})
		if (err == nil) != good || err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %v", url, err)
		}
		if c != nil {
			c.Close()
		}
	}
}
