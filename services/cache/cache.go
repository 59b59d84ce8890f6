package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// largest is how long a value may be, as JSON, to be kept.
	largest = 64 << 10
	// loadWithin bounds one load. It goes on when the caller who began it leaves: others may wait for it.
	loadWithin = 30 * time.Second
)

// errPanicked is what everybody gets who waited for a load that panicked; the process lives on (RT-3).
var errPanicked = errors.New("cache: loading panicked")

// Store keeps bytes for a while: Memory or Redis.
type Store interface {
	Get(ctx context.Context, key string) (value []byte, found bool, err error)
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	Delete(ctx context.Context, key string) error
}

// Kind is one sort of values.
type Kind struct {
	Name  string        // in figures and keys
	Fresh time.Duration // how long a value is used, and how stale it may become where Forget fails
}

// Cache keeps values that can be had again.
type Cache struct {
	store   Store
	observe func(kind, result string) // may be nil
	loads   singleflight.Group

	mu      sync.Mutex // held while the store is changed
	forgets int        // how often Forget was called: a load that began before must not be kept
}

// New makes a Cache over store. observe is told how each Load went: "hit", "miss" (it was loaded), "shared" (somebody
// else was loading it) or "error" (the store failed; the value was loaded all the same). It may be nil.
func New(store Store, observe func(kind, result string)) *Cache {
	return &Cache{store: store, observe: observe}
}

// Load gives the value at key, from the store while it is fresh, else from load, which runs once however many ask for it.
// A store that fails costs a load, never an error. T must survive JSON.
func Load[T any](ctx context.Context, c *Cache, kind Kind, key string, load func(ctx context.Context) (T, error)) (T, error) {
	key = kind.Name + ":" + key
	value, found, err := kept[T](ctx, c, key)
	if err != nil {
		c.count(kind, "error")
	}
	if found {
		c.count(kind, "hit")
		return value, nil
	}
	result := "shared"
	wait := c.loads.DoChan(key, func() (_ any, err error) {
		result = "miss"
		defer func() {
			if recover() != nil {
				err = errPanicked
			}
		}()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadWithin)
		defer cancel()
		if value, found, _ := kept[T](ctx, c, key); found { // the load before this one ended just now
			return value, nil
		}
		before := c.forgotten()
		loaded, err := load(ctx)
		if err == nil {
			c.keep(ctx, kind, key, loaded, before)
		}
		return loaded, err
	})
	select {
	case <-ctx.Done():
		return value, fmt.Errorf("cache: waiting for %s: %w", kind.Name, ctx.Err())
	case got := <-wait:
		c.count(kind, result)
		if got.Err == nil {
			value = got.Val.(T) // only values of T are loaded under this kind
		}
		return value, got.Err
	}
}

// kept reads what the store has at key.
func kept[T any](ctx context.Context, c *Cache, key string) (value T, found bool, err error) {
	bytes, found, err := c.store.Get(ctx, key)
	if err != nil || !found {
		return value, false, err
	}
	if err := json.Unmarshal(bytes, &value); err != nil {
		return value, false, fmt.Errorf("cache: what was kept is no %T: %w", value, err)
	}
	return value, true, nil
}

// Forget drops the value at key, here and in loads on their way. Whoever changes the truth calls it after the change is
// committed. Another node that read the truth just before may still keep the old value, for Fresh at most.
func (c *Cache) Forget(ctx context.Context, kind Kind, key string) error {
	key = kind.Name + ":" + key
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets++
	c.loads.Forget(key)
	if err := c.store.Delete(ctx, key); err != nil {
		return fmt.Errorf("cache: forgetting %s: %w", kind.Name, err)
	}
	return nil
}

func (c *Cache) forgotten() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forgets
}

// keep stores what was loaded, unless something was forgotten meanwhile, which may have been this.
func (c *Cache) keep(ctx context.Context, kind Kind, key string, loaded any, before int) {
	value, err := json.Marshal(loaded)
	if err != nil || len(value) > largest {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgets == before {
		_ = c.store.Set(ctx, key, value, kind.Fresh) // it is loaded again next time
	}
}

func (c *Cache) count(kind Kind, result string) {
	if c.observe != nil {
		c.observe(kind.Name, result)
	}
}
