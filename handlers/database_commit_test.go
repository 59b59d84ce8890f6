package handlers_test

import (
	"fmt"
	"net/http"
	"testing"

	"dashtam/handlers/handlertest"
	"dashtam/services/errs"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/providers"
)

// cutting is the stack over a database whose connections can be cut at a commit.
func cutting(t *testing.T) (*handlertest.App, *pgtest.Proxy) {
	t.Helper()
	proxy := pgtest.NewProxy(t, pgtest.URL(t))
	db, err := postgres.Open(t.Context(), proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return handlertest.Over(t, db), proxy
}

// where says where a commit is lost, and whether it was carried out.
var where = map[string]bool{"the answer to the commit is lost": true, "the commit is lost": false}

// The connection to the database breaks while a form is being committed. Whoever sent it is told that nobody knows, and
// sends it again: it was done once. An act that was done the first time answers the second as it always answers a repetition.
func TestDatabase_F09_AFormSentAgain(t *testing.T) {
	app, proxy := cutting(t)
	people := 0
	stranger := func() (b *handlertest.Browser, address string) {
		people++
		return app.Stranger(), fmt.Sprintf("person%d@example.com", people)
	}
	signUp := func(b *handlertest.Browser, address string) *handlertest.Page {
		return b.Post("/signup", "name", "N", "email", address, "password", handlertest.Password)
	}
	wants := func(t *testing.T, what, sql, address string, want string) {
		t.Helper()
		if got := row(t, app, sql, address); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	const accounts = `SELECT count(*)::text FROM users WHERE email = $1`
	mails := func(t *testing.T, purpose, address, want string) {
		t.Helper()
		wants(t, "mails "+purpose, `SELECT count(*)::text FROM river_job j WHERE kind = 'mail' AND args->>'purpose' = '`+purpose+`'
			AND args->>'user_id' IN (SELECT id::text FROM users WHERE email = $1 UNION SELECT target FROM audit_events a JOIN users u ON a.user_id = u.id WHERE u.email = $1)`, address, want)
	}
	cut := func(t *testing.T, words string, done bool, send func() *handlertest.Page) {
		t.Helper()
		happened := proxy.CutCommit(words, done)
		p := send().Want(http.StatusServiceUnavailable)
		if !happened() {
			t.Fatalf("no commit was cut: %s", p.Said())
		}
		p.WantText("It may have been done, or not")
	}
	for name, done := range where {
		t.Run("signing up, "+name, func(t *testing.T) {
			b, address := stranger()
			cut(t, "INSERT INTO users", done, func() *handlertest.Page { return signUp(b, address) })
			signUp(b, address).WantRedirect("/signup/sent")
			wants(t, "accounts", accounts, address, "1")
			mails(t, "verify", address, "1")
			if !done {
				b.Post(app.Link(app.MailAbout(address, "verify"))).WantRedirect("/login")
			} else { // two signed up with this address, and nobody can tell that they are one: its owner chooses the password (SU-5)
				mails(t, "claim", address, "1")
				b.Post(app.Link(app.MailAbout(address, "claim")), "password", handlertest.Password).WantRedirect("/login")
			}
			b.Post("/login", "email", address, "password", handlertest.Password).WantRedirect("/overview")
			wants(t, "accounts", accounts, address, "1")
		})
		t.Run("a link that verifies, "+name, func(t *testing.T) {
			b, address := stranger()
			signUp(b, address).WantRedirect("/signup/sent")
			link := app.Link(app.MailAbout(address, "verify"))
			cut(t, "UPDATE links", done, func() *handlertest.Page { return b.Post(link) })
			again := b.Post(link)
			if done {
				again.Want(http.StatusNotFound)
			} else {
				again.WantRedirect("/login")
			}
			b.Post(link).Want(http.StatusNotFound)
			b.Post("/login", "email", address, "password", handlertest.Password).WantRedirect("/overview")
			wants(t, "uses", `SELECT count(*)::text FROM audit_events a JOIN users u ON a.user_id = u.id WHERE act = 'verify' AND u.email = $1`, address, "1")
			mails(t, "welcome", address, "1")
		})
		t.Run("a link that sets a password, "+name, func(t *testing.T) {
			person := app.Person(fmt.Sprint("Nora ", people))
			b, other := app.Stranger(), app.Stranger()
			other.Post("/login", "email", person.Email, "password", handlertest.Password).WantRedirect("/overview")
			b.Post("/password/forgot", "email", person.Email).WantRedirect("/password/sent")
			link, secret := app.Link(app.MailAbout(person.Email, "reset")), "another calm ledger for you"
			cut(t, "UPDATE links", done, func() *handlertest.Page { return b.Post(link, "password", secret) })
			if again := b.Post(link, "password", secret); done {
				again.Want(http.StatusNotFound)
			} else {
				again.WantRedirect("/login")
			}
			b.Post("/login", "email", person.Email, "password", handlertest.Password).Want(http.StatusUnauthorized)
			b.Post("/login", "email", person.Email, "password", secret).WantRedirect("/overview")
			other.Get("/overview").WantRedirect("/login?next=%2Foverview")
			mails(t, "password_changed", person.Email, "1")
		})
	}
}

// The connection to the database breaks while a refresh commits: its intent, before the bank is asked, or the bank's answer.
// One request reaches the bank, one family of tokens lives, and what is stored opens it.
func TestDatabase_F09_ARefreshIsStoredOnce(t *testing.T) {
	app, proxy := cutting(t)
	s := &sweep{t: t, app: app, bank: adapter(app.BankURL, providers.NewClient(true)), verdict: map[string]int{}}
	s.connect()
	for _, mode := range []string{"grace", "strict"} {
		s.fault("rotation", mode, 0)
		for name, done := range where {
			before, generation := s.stats(), s.generation()
			happened := proxy.CutCommit("UPDATE connection_tokens SET fence", done)
			err := s.refresh()
			if errs.KindOf(err) != errs.Unavailable || !happened() || s.stats().TokenPosts != before.TokenPosts {
				t.Errorf("%s, the intent, %s: %v after %d requests, cut %t", mode, name, err, s.stats().TokenPosts-before.TokenPosts, happened())
			}
			s.later() // whoever comes after the lease
			happened = proxy.CutCommit("UPDATE connection_tokens SET generation", done)
			err = s.refresh()
			after := s.stats()
			if err != nil || !happened() || after.TokenPosts != before.TokenPosts+1 || len(after.Live) != len(before.Live) || s.generation() != generation+1 {
				t.Errorf("%s, the answer, %s: %v after %d requests, cut %t, %d families for %d, generation %d for %d", mode, name, err,
					after.TokenPosts-before.TokenPosts, happened(), len(after.Live), len(before.Live), s.generation(), generation+1)
			}
			s.judge(mode+", "+name, mode, err, false)
		}
	}
	s.report()
}
