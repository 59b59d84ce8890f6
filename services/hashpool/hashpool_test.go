package hashpool

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"dashtam/services/errs"
	"dashtam/services/password"
)

// slow is a pool whose hashes take a second of the bubble's time, and tell when they begin.
func slow(workers int, began func(password string)) *Pool {
	p := New(password.New(bcrypt.MinCost), workers)
	p.mean = time.Second
	p.hash = func(password string) (string, error) {
		began(password)
		time.Sleep(time.Second)
		return "hash of " + password, nil
	}
	return p
}

// crowd calls Hash for every name at once, in this order, and waits until all of them run or wait.
func crowd(t *testing.T, p *Pool, pri Priority, names ...string) {
	t.Helper()
	for _, name := range names {
		go func() {
			if got, err := p.Hash(t.Context(), pri, name); err != nil || got != "hash of "+name {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}()
		synctest.Wait()
	}
}

// The founding document's hash_password_async and its Option 1, bounded goroutines; with 0 workers its step before that.
func TestSeed_Password_HashPasswordAsync_Goroutines(t *testing.T) {
	for _, workers := range []int{0, 1} {
		p := New(password.New(bcrypt.MinCost), workers)
		hashed, err := p.Hash(t.Context(), Stranger, "MyPassword123!")
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := p.Verify(t.Context(), Known, "MyPassword123!", hashed); !ok || err != nil {
			t.Errorf("%d workers: the right password: %v, %v", workers, ok, err)
		}
		if ok, err := p.Verify(t.Context(), Known, "WrongPassword", hashed); ok || err != nil {
			t.Errorf("%d workers: a wrong password: %v, %v", workers, ok, err)
		}
		if _, err := p.Hash(t.Context(), Known, "abcdefgh\x00"); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%d workers: the hash's own error is lost: %v", workers, err)
		}
		if s := p.Stats(); s.Done != 4 || s.Busy != 0 || s.Mean >= firstGuess {
			t.Errorf("%d workers: %+v", workers, s)
		}
	}
}

func TestNoMoreAtOnceThanWorkers(t *testing.T) {
	for workers, want := range map[int]time.Duration{0: time.Second, 1: 6 * time.Second, 2: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			p := slow(workers, func(string) {})
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() {
					if _, err := p.Hash(t.Context(), Stranger, "x"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if took := time.Since(start); took != want {
				t.Errorf("%d workers: six hashes took %v", workers, took)
			}
		})
	}
}

func TestKnownBeforeStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		p := slow(1, func(name string) { order = append(order, name) })
		crowd(t, p, Stranger, "s1", "s2", "s3")
		crowd(t, p, Known, "k1", "k2")
		if s := p.Stats(); s.WaitingNew != 2 || s.WaitingKnown != 2 || s.Busy != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if want := [...]string{"s1", "k1", "k2", "s2", "s3"}; len(order) != 5 || [5]string(order) != want {
			t.Errorf("order %v, want %v", order, want)
		}
		if s := p.Stats(); s.Waited != (1+2+3+4)*time.Second || s.Done != 5 || s.Busy != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestShedsAtOnceWhatWouldWaitTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := slow(1, func(string) {})
		for range 16 { // one runs, fifteen wait for up to 14.5 s; whom the owner below pushes over 15 s is sent away later
			go func() { _, _ = p.Hash(t.Context(), Stranger, "x") }()
			synctest.Wait()
		}
		start := time.Now()
		_, err := p.Hash(t.Context(), Stranger, "late")
		if errs.KindOf(err) != errs.Unavailable || errs.RetryAfter(err) != 16*time.Second || time.Since(start) != 0 {
			t.Errorf("%v, retry after %v, answered after %v", err, errs.RetryAfter(err), time.Since(start))
		}
		crowd(t, p, Known, "owner") // still admitted: the strangers do not count for them
		if s := p.Stats(); s.Shed != 1 || s.WaitingNew != 15 || s.WaitingKnown != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(5 * time.Second)
		crowd(t, p, Stranger, "later") // the queue has moved on
		time.Sleep(30 * time.Second)
	})
}

// A wait that was reckoned when hashing was fast ends after fifteen seconds all the same.
func TestNobodyWaitsLongerThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := slow(1, func(string) {})
		p.mean = time.Millisecond
		inner := p.hash
		p.hash = func(password string) (string, error) {
			time.Sleep(9 * time.Second)
			return inner(password)
		}
		crowd(t, p, Stranger, "a", "b")
		start := time.Now()
		_, err := p.Hash(t.Context(), Stranger, "late")
		if errs.KindOf(err) != errs.Unavailable || errs.RetryAfter(err) < time.Second || time.Since(start) != waitLimit {
			t.Errorf("%v, retry after %v, answered after %v", err, errs.RetryAfter(err), time.Since(start))
		}
		if s := p.Stats(); s.Shed != 1 || s.WaitingNew != 0 {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Minute)
	})
}

func TestShedsWhatWouldMissItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := slow(1, func(string) {})
		crowd(t, p, Stranger, "x", "x", "x", "x")
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := p.Hash(ctx, Stranger, "late"); errs.KindOf(err) != errs.Unavailable {
			t.Errorf("%v", err)
		}
		time.Sleep(5 * time.Second)
	})
}

func TestWhoHasGoneIsDequeued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		p := slow(1, func(name string) { order = append(order, name) })
		crowd(t, p, Stranger, "first")
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := p.Hash(ctx, Stranger, "gone")
			gone <- err
		}()
		synctest.Wait()
		crowd(t, p, Stranger, "last")
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if s := p.Stats(); s.WaitingNew != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if len(order) != 2 || order[1] != "last" {
			t.Errorf("order %v", order)
		}
		if _, err := p.Hash(ctx, Known, "never"); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that has gone already: %v", err)
		}
	})
}

// A worker granted in the same moment in which its caller goes must reach the next one.
func TestGrantAndCancelTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := slow(1, func(string) {})
		for range 100 {
			crowd(t, p, Stranger, "first")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second) // ends as "first" does
			go func() {
				if _, err := p.Hash(ctx, Stranger, "maybe"); err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			}()
			synctest.Wait()
			time.Sleep(5 * time.Second)
			cancel()
			if s := p.Stats(); s.Busy != 0 || s.WaitingNew != 0 {
				t.Fatalf("a worker is lost: %+v", s)
			}
		}
	})
}

func TestAPanicFreesItsWorker(t *testing.T) {
	p := New(password.New(bcrypt.MinCost), 1)
	p.verify = func(string, string) bool { panic("x") }
	func() {
		defer func() { _ = recover() }()
		_, _ = p.Verify(t.Context(), Known, "a", "b")
	}()
	if s := p.Stats(); s.Busy != 0 {
		t.Errorf("%+v", s)
	}
}
