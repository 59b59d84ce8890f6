package handlers_test

import (
	"net/url"
	"strings"
	"testing"

	"dashtam/handlers/handlertest"
)

// query is the query of an address.
func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// banksOf counts a person's connections.
func banksOf(b *handlertest.Browser) int {
	return b.Get("/connections").Want(200).Find("li.conn").Length()
}

// A way to the bank is used once, by the session and the person it was started in, in ten minutes (OA-1).
// Break OA-1: services/connections/callback.go: consume without "AND session_id = @session"
func TestCallback_OA1_OnceAndInItsOwnSession(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")

	t.Run("state missing or made up", func(*testing.T) {
		nora.Get("/connections/sandbox/callback?code=x").Want(403).WantText("Start again.")
		nora.Get("/connections/sandbox/callback?code=x&state=" + strings.Repeat("A", 43)).Want(403)
		nora.Get("/connections/sandbox/callback").Want(403)
	})
	t.Run("another session of the same person", func(*testing.T) {
		back := nora.Connect("nora", handlertest.Allow)
		second := app.Stranger()
		second.Post("/login", "email", nora.User.Email, "password", handlertest.Password).WantRedirect("/overview")
		second.Get(back).Want(403)
	})
	t.Run("too late", func(t *testing.T) {
		back := nora.Connect("nora", handlertest.Allow)
		if _, err := app.DB.Exec(t.Context(), "UPDATE connect_attempts SET expires_at = now() - interval '1 second'"); err != nil {
			t.Fatal(err)
		}
		nora.Get(back).Want(403)
	})
	t.Run("nobody signed in", func(t *testing.T) {
		back := nora.Connect("nora", handlertest.Allow)
		p := app.Stranger().Get(back).Want(403)
		p.WantText("Start again.")
		for _, secret := range []string{"code", "state"} {
			if value := query(t, back).Get(secret); strings.Contains(p.Body, value) || strings.Contains(app.Logged(), value) {
				t.Errorf("the bank's %s stands in the page or the log", secret)
			}
		}
	})
	if n := banksOf(nora); n != 0 {
		t.Fatalf("%d connections came of it", n)
	}
	t.Run("twice", func(t *testing.T) {
		back := nora.Connect("nora", handlertest.Allow)
		if to := nora.Get(back).Want(303).Header.Get("Location"); to == "/connections/new" {
			t.Fatal("the first time does not work")
		}
		nora.Get(back).Want(403)
		if n := banksOf(nora); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// Nobody gets another person's bank, whichever way round it is tried: the attacker's whole way opened by the victim, or
// the attacker's code brought in with the victim's own state (OA-6).
// Break OA-6: services/connections/callback.go: consume without "user_id = @user" and "session_id = @session"
func TestCallback_OA6_NobodyElsesBank(t *testing.T) {
	app := handlertest.New(t)
	attacker, victim := app.SignedIn("Mallory Reed"), app.SignedIn("Nora Okafor")
	fixed := attacker.Connect("mallory", handlertest.Allow)
	victim.Get(fixed).Want(403)

	own := query(t, victim.Connect("nora", handlertest.Allow))
	own.Set("code", query(t, attacker.Connect("mallory", handlertest.Allow)).Get("code"))
	victim.Get("/connections/sandbox/callback?" + own.Encode()).WantRedirect("/connections/new")

	if n := banksOf(victim); n != 0 {
		t.Errorf("the victim has %d connections", n)
	}
	if n := banksOf(attacker); n != 0 {
		t.Errorf("the attacker has %d connections", n)
	}
}

// A refusal is told in our own words, whatever the bank wrote beside it, and ends the attempt (OA-8).
// Break OA-8: services/connections/callback.go: refused(answer.Error) before consume
func TestCallback_OA8_Refusals(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	t.Run("denied at the bank", func(*testing.T) {
		back := nora.Connect("nora", handlertest.Deny)
		p := nora.Get(back).WantRedirect("/connections/new").Follow().Want(200)
		p.WantOne("[role=status]:contains('You did not give permission at the bank.')")
		nora.Get(back).Want(403)
	})
	for code, says := range map[string]string{
		"server_error": "The bank could not answer just now.", "invalid_scope": "The bank does not accept Dashtam.",
		"<script>alert(1)</script>": "The bank's answer could not be used.",
	} {
		t.Run(code, func(t *testing.T) {
			state := query(t, nora.Post("/connections/sandbox/connect").Follow().WantOne("a#continue").AttrOr("href", "")).Get("state")
			answer := url.Values{"state": {state}, "error": {code}, "error_description": {"<script>alert('canary')</script>"}, "error_uri": {"javascript:canary"}}
			p := nora.Get("/connections/sandbox/callback?" + answer.Encode()).WantRedirect("/connections/new").Follow().Want(200)
			p.WantText(says)
			if strings.Contains(p.Body, "canary") || strings.Contains(app.Logged(), "canary") {
				t.Error("the bank's own words got through")
			}
			nora.Get("/connections/sandbox/callback?" + answer.Encode()).Want(403)
		})
	}
	if n := banksOf(nora); n != 0 {
		t.Errorf("%d connections came of it", n)
	}
}
