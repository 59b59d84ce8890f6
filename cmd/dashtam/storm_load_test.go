package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const stormSecret = "a hundred people at once 12"

func stormEmail(i int) string { return fmt.Sprintf("person%d@storm.example", i) }

// address is a client's own: the server is told to believe X-Forwarded-For from loopback.
func address(i int) string {
	return fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255)
}

// crowd is people who log in again and again until it ends.
type crowd struct {
	cancel context.CancelFunc
	all    sync.WaitGroup

	mu    sync.Mutex
	since time.Time
	now   tally
}

// tally is what became of the logins since the last count.
type tally struct {
	took              []time.Duration // those that were answered, sorted
	over              time.Duration
	shed, gone, other int
	example           error // one of the others
}

// count gives the tally since the last count.
func (c *crowd) count() tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.now
	t.over = time.Since(c.since)
	slices.Sort(t.took)
	c.now, c.since = tally{}, time.Now()
	return t
}

func (c *crowd) end() {
	c.cancel()
	c.all.Wait()
}

// gather has n people call login until the crowd ends. Who is sent away comes back when they were told to.
func gather(n int, login func(ctx context.Context, person int) (time.Duration, error)) *crowd {
	ctx, cancel := context.WithCancel(context.Background())
	c := &crowd{cancel: cancel, since: time.Now()}
	for person := range n {
		c.all.Go(func() {
			for ctx.Err() == nil {
				begin := time.Now()
				retry, err := login(ctx, person)
				c.note(ctx, time.Since(begin), retry, err)
				select {
				case <-ctx.Done():
				case <-time.After(retry):
				}
			}
		})
	}
	return c
}

var errHungUp = errors.New("the client hung up")

func (c *crowd) note(ctx context.Context, took, retry time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil: // cut off by the end of the crowd
	case errors.Is(err, errHungUp):
		c.now.gone++
	case err != nil:
		c.now.other++
		c.now.example = err
	case retry > 0:
		c.now.shed++
	default:
		c.now.took = append(c.now.took, took)
	}
}

// beginStorm has strangers log in in a closed loop, each from an address of its own each time.
func (s *stormServer) beginStorm(_ testing.TB, n int) *crowd {
	return gather(n, func(ctx context.Context, person int) (time.Duration, error) {
		return s.login(ctx, stormEmail(person), stormSecret, "", http.StatusSeeOther)
	})
}

// beginMixed is a crowd of strangers of every kind: right and wrong passwords, unknown addresses, and every tenth hangs up.
func (s *stormServer) beginMixed(_ testing.TB, n int) *crowd {
	return gather(n, func(ctx context.Context, person int) (time.Duration, error) {
		email, secret, want := stormEmail(person%stormPeople), stormSecret, http.StatusSeeOther
		switch {
		case person%4 == 0:
			email, want = fmt.Sprintf("nobody%d@storm.example", rand.Int()), http.StatusUnauthorized
		case person%2 == 0:
			secret, want = "not the password", http.StatusUnauthorized
		}
		if person%10 == 3 {
			short, cancel := context.WithTimeout(ctx, time.Duration(100+rand.IntN(900))*time.Millisecond)
			defer cancel()
			if retry, err := s.login(short, email, secret, "", want); short.Err() == nil {
				return retry, err
			}
			return 0, errHungUp
		}
		retry, err := s.login(ctx, email, secret, "", want)
		if err != nil && want == http.StatusSeeOther { // somebody else's wrong tries may have locked the account
			retry, err = s.login(ctx, email, secret, "", http.StatusUnauthorized)
		}
		return retry, err
	})
}

// beginKnown logs a person in from a device that is known, one try after the other, until the times are asked for; refused
// is one try that was not let in.
func (s *stormServer) beginKnown() (end func() (took []time.Duration, refused error)) {
	ctx, cancel := context.WithCancel(context.Background())
	var took []time.Duration
	var refused error
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			begin := time.Now()
			retry, err := s.login(ctx, stormEmail(0), stormSecret, s.device, http.StatusSeeOther)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				refused = err
			case retry > 0:
				refused = fmt.Errorf("a known device was told to come back after %v", retry)
			default:
				took = append(took, time.Since(begin))
			}
			time.Sleep(knownEach)
		}
	}()
	return func() ([]time.Duration, error) {
		cancel()
		<-done
		slices.Sort(took)
		return took, refused
	}
}

// login tries once. retry is how long to stay away when it was sent away.
func (s *stormServer) login(ctx context.Context, email, secret, device string, want int) (retry time.Duration, err error) {
	form := url.Values{"email": {email}, "password": {secret}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/login", bytes.NewReader([]byte(form.Encode())))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", address(rand.IntN(1<<24)))
	if device != "" {
		r.Header.Set("Cookie", device)
	}
	res, err := s.people.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	switch res.StatusCode {
	case want:
		return 0, nil
	case http.StatusServiceUnavailable:
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil || seconds < 1 {
			return 0, fmt.Errorf("503 with Retry-After %q", res.Header.Get("Retry-After"))
		}
		return time.Duration(seconds) * time.Second, nil
	}
	return 0, fmt.Errorf("%s for %s", res.Status, email)
}

// makeKnown signs the first person in, so that their device is known from here on.
func (s *stormServer) makeKnown(b testing.TB) {
	b.Helper()
	res, err := s.people.PostForm(s.url+"/login", url.Values{"email": {stormEmail(0)}, "password": {stormSecret}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	for _, c := range res.Cookies() {
		if strings.Contains(c.Name, "device") {
			s.device = c.Name + "=" + c.Value
		}
	}
	if s.device == "" {
		b.Fatalf("%s, and no device is known", res.Status)
	}
}

// apiToken signs the demo person in at the API.
func (s *stormServer) apiToken(b testing.TB) string {
	b.Helper()
	body, _ := json.Marshal(map[string]string{"email": s.email, "password": s.password})
	res, err := http.Post(s.url+"/api/v1/auth/login", "application/json", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		b.Fatalf("%s: %v", res.Status, err)
	}
	return answer.AccessToken
}

func (s *stormServer) api(token, path, from string) error {
	r, err := http.NewRequest(http.MethodGet, s.url+"/api/v1"+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-Forwarded-For", from)
	res, err := s.people.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, res.Status)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
