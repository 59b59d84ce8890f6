package handlers_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
	"dashtam/services/auth"
	"dashtam/services/hashpool"
	"dashtam/services/password"
	speeds "dashtam/services/profile"
)

// worked is an app whose one hash worker is a shell script: slow, and costing nothing.
func worked(t *testing.T, script string) (*handlertest.App, *hashpool.Pool) {
	t.Helper()
	pool := hashpool.New(password.New(bcrypt.MinCost), 1)
	ctx, cancel := context.WithCancel(context.Background())
	wait := pool.Start(ctx, slog.New(slog.DiscardHandler), "sh", "-c", script)
	t.Cleanup(func() { cancel(); wait() })
	return handlertest.New(t, func(d *handlers.Deps) {
		c := d.Auth.Config
		c.Hashes = pool
		d.Auth = auth.New(c)
	}), pool
}

// overloaded is an app whose worker never answers and has a queue of more than the wait limit before it.
func overloaded(t *testing.T) *handlertest.App {
	t.Helper()
	app, full := worked(t, "printf r; exec sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	for range 200 {
		go func() { _, _ = full.Hash(ctx, hashpool.Stranger, "MyPassword123!") }()
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if full.Stats().Shed > 0 {
			return app
		}
		if time.Now().After(deadline) {
			t.Fatalf("the queue never filled: %+v", full.Stats())
		}
	}
}

func TestLogin_OverloadedIsACalmPage(t *testing.T) {
	app := overloaded(t)
	app.Person("Nora Okafor")
	form := []string{"email", handlertest.Address("Nora Okafor"), "password", handlertest.Password, "next", "/transactions"}

	t.Run("success", func(t *testing.T) {
		p := app.Stranger().Post("/login", form...).Want(503)
		p.WantText("We need a moment.").WantText("Send it again in").WantText(p.Header.Get("X-Request-Id"))
		if p.Header.Get("Retry-After") == "" || p.Find("meta[http-equiv=refresh]").Length() != 0 {
			t.Errorf("Retry-After %q", p.Header.Get("Retry-After"))
		}
		p.WantOne(`input[name=email][value="nora.okafor@example.com"]`)
		p.WantOne(`input[name=next][value="/transactions"]`)
		p.WantOne(`form[action="/login/slow"] button:contains("Signing in felt slow")`)
		if strings.Contains(p.Body, handlertest.Password) {
			t.Error("the page repeats the password")
		}
	})
	t.Run("htmx", func(t *testing.T) {
		p := app.Stranger().HX("POST", "/login", form...).Want(503)
		retry := p.Header.Get("Retry-After")
		p.WantOne(`[data-retry="` + retry + `"]:contains("We try again by ourselves in")`)
		if p.Find("form[action='/login']").Length() != 0 || p.Header.Get("HX-Retarget") != "" || retry == "" {
			t.Errorf("the form is replaced, and the password in it lost: %s", p.Body)
		}
	})
	t.Run("other_user", func(t *testing.T) { // an address nobody has is told the same
		known := app.Stranger().Post("/login", form...).Want(503)
		unknown := app.Stranger().Post("/login", "email", "nobody@example.com", "password", "x").Want(503)
		if known.Find(".notice-body > p").First().Text() != unknown.Find(".notice-body > p").First().Text() {
			t.Errorf("%s\n%s", known.Said(), unknown.Said())
		}
	})
	t.Run("anonymous", func(t *testing.T) { // and who could not be served counts
		if n := app.Profile.Events(speeds.SentAway, speeds.Lately); n < 4 {
			t.Errorf("%d were sent away", n)
		}
	})
}

// A sign-up that could not be looked at yet keeps what was typed, too.
func TestSignup_OverloadedIsACalmPage(t *testing.T) {
	app := overloaded(t)
	p := app.Stranger().Post("/signup", "name", "Nora Okafor", "email", "nora@example.com", "password", handlertest.Password).Want(503)
	p.WantText("We need a moment.").WantText("Send it again in")
	p.WantOne(`input[name=name][value="Nora Okafor"]`)
	p.WantOne(`input[name=email][value="nora@example.com"]`)
	if p.Header.Get("Retry-After") == "" || strings.Contains(p.Body, handlertest.Password) {
		t.Errorf("Retry-After %q, or the page repeats the password", p.Header.Get("Retry-After"))
	}
}

// A sign-in that took over a second says so on the page it leads to, once.
func TestLogin_SlowOneIsAskedAbout(t *testing.T) {
	app, _ := worked(t, `printf r; head -c 1 >/dev/null; sleep 1.1; printf 'y\0\0\0\0'; exec sleep 60`)
	u := app.Person("Nora Okafor")
	b := app.Stranger()
	p := b.Post("/login", "email", u.Email, "password", handlertest.Password).WantRedirect("/overview").Follow().Want(200)
	p.WantText("Signing in took")
	p.WantOne(`#flash form[action="/login/slow"]`)
	p.WantOne(`#flash a[href="/overview"]`)
	if again := b.Get("/overview").Want(200); again.Find(`form[action="/login/slow"]`).Length() != 0 {
		t.Error("it asks a second time")
	}
}
