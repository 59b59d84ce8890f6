package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/auth"
	"dashtam/services/errs"
	"dashtam/services/limits"
	"dashtam/services/postgres/embedded"
)

// BenchmarkTiming asks whether a clock tells who has an account (TM-1): the same request is sent for addresses of every
// kind in turn, one at a time, each from a network address of its own and for an account of its own. Two kinds are alike
// when their medians are closer than 5 % of the time of one hash, and when the best guess by one threshold is hardly
// better than a coin (AUC under 0.60).
//
//	make timing
func BenchmarkTiming(b *testing.B) {
	place := placements[0]
	s := place.launch(b, b.TempDir(), variants(place.cores())[0])
	defer s.end(b)
	s.seed(b, 4*timingSamples)
	s.spoil(b)
	for range b.N {
		hash := s.compare(b, "login", 0, []kind{
			{"unknown address", http.StatusUnauthorized, login(func(i int) string { return fmt.Sprintf("nobody%d@storm.example", i) })},
			{"wrong password", http.StatusUnauthorized, login(stormEmail)},
			{"not verified", http.StatusUnauthorized, knowing(func(i int) string { return stormEmail(timingSamples + i) })},
			{"disabled", http.StatusUnauthorized, login(func(i int) string { return stormEmail(2*timingSamples + i) })},
		})
		s.lock(b) // a locked try hashes nothing, whoever is meant (LG-3)
		s.compare(b, "login when locked", hash, []kind{
			{"unknown address", http.StatusUnauthorized, login(func(i int) string { return fmt.Sprintf("locked%d@storm.example", i) })},
			{"known address", http.StatusUnauthorized, knowing(func(i int) string { return stormEmail(3*timingSamples + i) })},
		})
		s.compare(b, "sign-up", hash, []kind{
			{"new address", http.StatusSeeOther, signup(func(i int) string { return fmt.Sprintf("new%d@storm.example", i) })},
			{"known address", http.StatusSeeOther, signup(stormEmail)},
		})
		s.compare(b, "reset", hash, []kind{
			{"unknown address", http.StatusSeeOther, forgot(func(i int) string { return fmt.Sprintf("nobody%d@storm.example", i) })},
			{"known address", http.StatusSeeOther, forgot(stormEmail)},
		})
		crowd := s.beginStorm(b, timingSamples)
		time.Sleep(stormRaise)
		s.compare(b, "login while others are sent away", hash, []kind{
			{"unknown address", http.StatusServiceUnavailable, login(func(i int) string { return fmt.Sprintf("nobody%d@storm.example", i) })},
			{"wrong password", http.StatusServiceUnavailable, login(stormEmail)},
		})
		crowd.end()
	}
}

const timingSamples = 300

// kind is one kind of address and the answer that is due to it.
type kind struct {
	name   string
	status int
	form   func(i int) (path string, form url.Values)
}

func login(email func(int) string) func(int) (string, url.Values) {
	return func(i int) (string, url.Values) {
		return "/login", url.Values{"email": {email(i)}, "password": {"not the password"}}
	}
}

// knowing is login with the right password. Only so does one learn of an account that is not verified, and is a mail sent.
func knowing(email func(int) string) func(int) (string, url.Values) {
	return func(i int) (string, url.Values) {
		return "/login", url.Values{"email": {email(i)}, "password": {stormSecret}}
	}
}

func signup(email func(int) string) func(int) (string, url.Values) {
	return func(i int) (string, url.Values) {
		return "/signup", url.Values{"name": {"N"}, "email": {email(i)}, "password": {stormSecret}}
	}
}

func forgot(email func(int) string) func(int) (string, url.Values) {
	return func(i int) (string, url.Values) { return "/password/forgot", url.Values{"email": {email(i)}} }
}

// opened is a connection to the server's own database.
func (s *stormServer) opened(b *testing.B) *pgx.Conn {
	address, ok := embedded.Running(b.Context(), s.dir)
	if !ok {
		b.Fatal("the embedded database does not answer")
	}
	db, err := pgx.Connect(b.Context(), address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close(context.Background()) })
	return db
}

// lock has ten wrong passwords counted for the last of four parts of the people, and for as many addresses nobody has.
func (s *stormServer) lock(b *testing.B) {
	count := limits.New(s.opened(b), time.Now)
	for i := range timingSamples {
		for _, email := range []string{stormEmail(3*timingSamples + i), fmt.Sprintf("locked%d@storm.example", i)} {
			for range limits.LoginFailures.Max {
				if err := count.Allow(b.Context(), limits.LoginFailures, "account:"+auth.EmailKey(email)); err != nil && errs.KindOf(err) != errs.RateLimited {
					b.Fatal(err)
				}
			}
		}
	}
}

// spoil makes the second of four parts of the people unverified, and the third disabled.
func (s *stormServer) spoil(b *testing.B) {
	db := s.opened(b)
	for i := range timingSamples {
		_, err := db.Exec(b.Context(), `UPDATE users SET verified_at = CASE WHEN email_key = $1 THEN NULL ELSE verified_at END,
			disabled_at = CASE WHEN email_key = $2 THEN now() END WHERE email_key IN ($1, $2)`, stormEmail(timingSamples+i), stormEmail(2*timingSamples+i))
		if err != nil {
			b.Fatal(err)
		}
	}
}

// compare sends every kind timingSamples times, in an order of chance, and holds each against the first. It gives the
// first kind's median in seconds; hash is that of one hash, 0 to take it from here.
func (s *stormServer) compare(b *testing.B, what string, hash float64, kinds []kind) float64 {
	took := make([][]float64, len(kinds))
	as := make([]int, len(kinds)) // answers as they are due
	for i := range timingSamples {
		for _, k := range rand.Perm(len(kinds)) {
			path, form := kinds[k].form(i)
			begin := time.Now()
			status := s.send(b, path, form)
			if status == kinds[k].status {
				as[k]++
				took[k] = append(took[k], time.Since(begin).Seconds())
			}
		}
	}
	for k := range kinds {
		if len(took[k]) == 0 {
			b.Errorf("%s: nobody got the answer that is due to %s", what, kinds[k].name)
			return hash
		}
	}
	first := median(took[0])
	if hash == 0 {
		hash = first
	}
	var text strings.Builder
	for k := range kinds {
		difference, auc := median(took[k])-first, rankedAbove(took[k], took[0])
		fmt.Fprintf(&text, "| %s | %s | %d of %d | %.2f | %+.2f | %+.1f | %.2f |\n", what, kinds[k].name, as[k], timingSamples,
			1000*median(took[k]), 1000*difference, 100*difference/hash, auc)
		if math.Abs(difference) >= 0.05*hash || math.Abs(auc-0.5) >= 0.1 {
			b.Errorf("%s: a clock tells %s from %s: %.2f ms, AUC %.2f", what, kinds[k].name, kinds[0].name, 1000*difference, auc)
		}
		if math.Abs(float64(as[k]-as[0])) > 0.1*timingSamples {
			b.Errorf("%s: %s got the answer that is due %d times, %s %d times", what, kinds[k].name, as[k], kinds[0].name, as[0])
		}
	}
	// b.Logf would show the first ten lines of all tables and no more
	fmt.Printf("\n| act | kind of address | answered %d | median ms | difference ms | %% of a hash | AUC |\n|---|---|---|---|---|---|---|\n%s\n", kinds[0].status, text.String())
	return hash
}

// send posts a form from an address of its own.
func (s *stormServer) send(b *testing.B, path string, form url.Values) int {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", address(rand.IntN(1<<24)))
	res, err := s.people.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// rankedAbove is the share of pairs in which a value of x is above one of y, ties counted half: the area under the curve
// of every classifier by one threshold.
func rankedAbove(x, y []float64) float64 {
	y = slices.Sorted(slices.Values(y))
	var above float64
	for _, v := range x {
		below, _ := slices.BinarySearch(y, v)
		equal := 0
		for below+equal < len(y) && y[below+equal] == v {
			equal++
		}
		above += float64(below) + float64(equal)/2
	}
	return above / float64(len(x)*len(y))
}
