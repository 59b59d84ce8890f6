package handlers_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dashtam/handlers/handlertest"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

// loop is somebody who does the same thing over and over.
type loop struct {
	act             func(n int) *handlertest.Page
	to              string // where it leads when it is done
	tried, done, no atomic.Int32
	confirmed       sync.Map // the n of those that were confirmed
}

// run acts until stop is closed. Every answer is that it is done, or that it has to wait, in words for a person.
func (l *loop) run(t *testing.T, stop chan struct{}) {
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		l.tried.Add(1)
		p := l.act(n)
		switch {
		case p.Status == http.StatusSeeOther && p.Header.Get("Location") == l.to:
			l.done.Add(1)
			l.confirmed.Store(n, true)
			p.Follow() // as a browser does; what it says is taken away with that
		case p.Status == http.StatusServiceUnavailable && p.Header.Get("Retry-After") != "" && strings.Contains(p.Said(), "We need a moment."):
			l.no.Add(1)
			for _, internal := range []string{"SQLSTATE", "pgconn", "dial unix", "unexpected EOF", ".go:", "conn ", "/tmp/"} {
				if strings.Contains(p.Body, internal) {
					t.Errorf("try %d: the page says %q: %s", n, internal, p.Said())
				}
			}
		default:
			t.Errorf("try %d: %d to %q: %s", n, p.Status, p.Header.Get("Location"), p.Said())
			return
		}
	}
}

// until waits for n more of what a loop counts.
func until(t *testing.T, count *atomic.Int32, n int32) {
	t.Helper()
	for want, deadline := count.Load()+n, time.Now().Add(30*time.Second); count.Load() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) || t.Failed() {
			t.Fatalf("%d of %d", count.Load(), want)
		}
	}
}

// The database's server is stopped under people who write, in order and at once, and started again. Whatever they were told
// is done was done once; what they were not told was done once or not at all; nobody has to sign in again, jobs go on, and
// the first page is there within ten seconds.
func TestDatabase_F08_RestartedUnderPeople(t *testing.T) {
	server := pgtest.NewOwn(t)
	db, err := postgres.Open(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	app := handlertest.Over(t, db)
	nora, connection := app.Connected("Nora Okafor", sandboxEmpty)
	ada, eve := app.SignedIn("Ada Eze"), app.SignedIn("Eve Lin")
	for how, signal := range map[string]syscall.Signal{"fast": syscall.SIGINT, "immediate": syscall.SIGQUIT} {
		t.Run(how, func(t *testing.T) {
			count := func(act string) string {
				return row(t, app, `SELECT count(*)::text FROM audit_events WHERE act = $1`, act)
			}
			address := func(n int) string { return fmt.Sprintf("%s%d@example.com", how, n) }
			banks := &loop{to: connection, act: func(n int) *handlertest.Page { return nora.Post(connection+"/rename", "name", fmt.Sprint(how, n)) }}
			names := &loop{to: profile, act: func(n int) *handlertest.Page {
				return ada.Post(profile, "name", fmt.Sprint("Ada ", n), "timezone", "UTC", "theme", "dark")
			}}
			signups := &loop{to: "/signup/sent", act: func(n int) *handlertest.Page {
				return app.Stranger().Post("/signup", "name", "N", "email", address(n), "password", handlertest.Password)
			}}
			all := []*loop{banks, names, signups}
			before := map[*loop]string{banks: count("connection.renamed"), names: count("profile")}

			stop, running := make(chan struct{}), sync.WaitGroup{}
			for _, l := range all {
				running.Go(func() { l.run(t, stop) })
			}
			end := sync.OnceFunc(func() { close(stop); running.Wait() })
			defer end()
			for _, l := range all {
				until(t, &l.done, 5)
			}
			server.Stop(signal)
			for _, l := range all {
				until(t, &l.no, 2)
			}
			server.Start()
			back := time.Now()
			for eve.Get("/overview").Status != http.StatusOK {
				if time.Since(back) > 10*time.Second {
					t.Fatal("ten seconds after the database is back there is no page")
				}
			}
			for _, l := range all {
				until(t, &l.done, 5)
			}
			end()
			for _, b := range []*handlertest.Browser{nora, ada, eve} {
				b.Get("/overview").Want(http.StatusOK)
			}
			for l, act := range map[*loop]string{banks: "connection.renamed", names: "profile"} {
				var was, is int32
				_, _ = fmt.Sscan(before[l], &was)
				_, _ = fmt.Sscan(count(act), &is)
				if happened := is - was; happened < l.done.Load() || happened > l.done.Load()+l.no.Load() {
					t.Errorf("%s: %d tries, %d confirmed, %d happened", act, l.tried.Load(), l.done.Load(), happened)
				}
			}
			last := ""
			for n := 1; n <= int(signups.tried.Load()); n++ {
				people, mails := row(t, app, `SELECT count(*)::text FROM users WHERE email = $1`, address(n)),
					row(t, app, `SELECT count(*)::text FROM river_job j JOIN users u ON j.args->>'user_id' = u.id::text WHERE j.kind = 'mail' AND u.email = $1`, address(n))
				_, confirmed := signups.confirmed.Load(n)
				if people != mails || confirmed && people != "1" || people != "0" && people != "1" {
					t.Errorf("sign-up %d, confirmed %t: %s people, %s mails", n, confirmed, people, mails)
				}
				if confirmed {
					last = address(n)
				}
			}
			app.Mail(last)
			t.Logf("banks %d of %d, names %d of %d, sign-ups %d of %d", banks.done.Load(), banks.tried.Load(), names.done.Load(), names.tried.Load(),
				signups.done.Load(), signups.tried.Load())
		})
	}
}
