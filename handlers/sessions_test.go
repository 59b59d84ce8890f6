package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
	"dashtam/handlers/web"
	"dashtam/services/auth"
)

// profile is a page that only a signed-in person sees, and toLogin where everybody else is sent.
const profile, toLogin = "/settings/profile", "/login?next=%2Fsettings%2Fprofile"

// sessionCookie is the session cookie an answer sets.
func sessionCookie(t *testing.T, p *handlertest.Page, name string) *http.Cookie {
	t.Helper()
	for _, c := range (&http.Response{Header: p.Header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %s in %v", name, p.Header["Set-Cookie"])
	return nil
}

func credentials(name string) []string {
	return []string{"email", handlertest.Address(name), "password", handlertest.Password}
}

// Break SE-1: handlers/web/sessions.go: HttpOnly: false
func TestSession_SE1_Cookie(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct {
		base, name string
		secure     bool
	}{{"", "session", false}, {"https://dashtam.example", "__Host-session", true}} {
		app := handlertest.New(t, func(d *handlers.Deps) {
			if c.base != "" {
				d.BaseURL, _ = url.Parse(c.base)
				d.Sessions = web.NewSessions(auth.NewSessions(d.Auth.DB, auth.SessionConfig{}), d.BaseURL)
			}
		})
		app.Person("Nora Okafor")
		for range 3 {
			cookie := sessionCookie(t, app.Stranger().Post("/login", credentials("Nora Okafor")...).WantRedirect("/overview"), c.name)
			if cookie.Secure != c.secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || len(cookie.String()) > 4096 {
				t.Errorf("%s", cookie)
			}
			if len(cookie.Value) < 43 || seen[cookie.Value] { // 32 random bytes
				t.Errorf("token %q", cookie.Value)
			}
			seen[cookie.Value] = true
		}
	}
}

// Break SE-2: handlers/web/sessions.go: m.HashTokenInStore = false
func TestSession_SE2_WhatTheDatabaseHoldsOpensNothing(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	var stored, whole string
	if err := app.DB.QueryRow(t.Context(), `SELECT token_hash, s::text FROM sessions s`).Scan(&stored, &whole); err != nil {
		t.Fatal(err)
	}
	if token := nora.Cookie("session"); token == "" || strings.Contains(whole, token) {
		t.Error("the row holds the token itself")
	}
	thief := app.Stranger()
	thief.SetCookie("session", stored)
	thief.Get(profile).WantRedirect(toLogin)
	nora.Get(profile).Want(200)
}

// Break SE-3: handlers/auth_login.go: in logout, leave out g.auth.Logout and g.sessions.Destroy
func TestSession_SE3_LogoutEndsItOnTheServer(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	phone := app.Stranger()
	phone.Post("/login", credentials("Nora Okafor")...).WantRedirect("/overview")
	thief := app.Stranger()
	thief.SetCookie("session", nora.Cookie("session"))
	page := thief.Get(profile).Want(200)
	if !strings.Contains(page.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("a signed-in page may be kept: %q", page.Header.Get("Cache-Control"))
	}
	nora.Get("/logout").Want(405)
	nora.Get(profile).Want(200)
	nora.Post("/logout").WantRedirect("/")
	if nora.Cookie("session") != "" {
		t.Error("the browser keeps the cookie")
	}
	thief.Get(profile).WantRedirect(toLogin)
	phone.Get(profile).Want(200)
	app.Stranger().Post("/logout").WantRedirect("/login")
}

// Break SE-8: services/auth/sessions.go: in CommitCtx, SET data = @data, revoked_at = NULL WHERE token_hash = @token
func TestSession_SE8_FiftyPostsAndOneLogout(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	token := nora.Cookie("session")
	var all sync.WaitGroup
	for i := range 50 {
		tab := app.Stranger()
		tab.SetCookie("session", token)
		all.Go(func() {
			p := tab.Post(profile, "name", "Nora", "timezone", "UTC", "theme", "dark")        // leaves a flash in the session
			if p.Status != http.StatusSeeOther && p.Status != http.StatusServiceUnavailable { // 503: more at once than connections
				t.Errorf("status %d: %s", p.Status, p.Said())
			}
			if strings.Contains(strings.Join(p.Header["Set-Cookie"], "\n"), "session="+token) {
				t.Error("the dead token came back with an answer")
			}
		})
		if i == 25 {
			all.Go(func() {
				for nora.Post("/logout").Status == http.StatusServiceUnavailable {
					continue // as its page says: try again
				}
			})
		}
	}
	all.Wait()
	thief := app.Stranger()
	thief.SetCookie("session", token)
	thief.Get(profile).WantRedirect(toLogin)
	nora.Get(profile).WantRedirect(toLogin)
}

// Break SE-4: handlers/connections_show.go: in progress, leave out Polling()
func TestSession_SE4_ProgressKeepsNothingAlive(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	idle := func() (seconds int) {
		t.Helper()
		if err := app.DB.QueryRow(t.Context(), `SELECT extract(epoch FROM now() - last_seen_at)::int FROM sessions`).Scan(&seconds); err != nil {
			t.Fatal(err)
		}
		return seconds
	}
	if _, err := app.DB.Exec(t.Context(), `UPDATE sessions SET last_seen_at = now() - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	nora.HX("GET", "/connections/00000000-0000-4000-8000-000000000000/progress").Want(404)
	if idle() < 3600 {
		t.Error("a page that asks by itself kept the session alive")
	}
	nora.Get(profile).Want(200)
	nora.Get(profile).Want(200) // the first one's note is written after its answer
	if idle() > 60 {
		t.Error("a visit was not noted")
	}
}

func TestSession_FlashIsShownOnce(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	nora.Post(profile, "name", "Nora", "timezone", "UTC", "theme", "dark").WantRedirect(profile).Follow().WantText("Your profile is saved.")
	if p := nora.Get(profile).Want(200); strings.Contains(p.Said(), "Your profile is saved.") {
		t.Error("the flash came twice")
	}
}

func TestLogin_Htmx(t *testing.T) {
	app := handlertest.New(t)
	app.Person("Nora Okafor")
	b := app.Stranger()
	refused := b.HX("POST", "/login", "email", handlertest.Address("Nora Okafor"), "password", "WrongPassword").Want(401)
	refused.WantOne("form[action='/login'] [role=alert]")
	if strings.Contains(refused.Body, "<html") {
		t.Error("a fragment came with its page")
	}
	in := b.HX("POST", "/login", append(credentials("Nora Okafor"), "next", "/transactions")...).Want(204)
	if got := in.Header.Get("HX-Redirect"); got != "/transactions" {
		t.Errorf("HX-Redirect %q", got)
	}
	b.Get(profile).Want(200)
}

// Break LG-8: handlers/handlers.go: leave out middleware.CrossOrigin around the pages
func TestLogin_LG8_FromAnotherSite(t *testing.T) {
	app := handlertest.New(t)
	app.Person("Nora Okafor")
	for _, header := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}}} {
		b := app.Stranger()
		p := b.Do("POST", "/login", header, credentials("Nora Okafor")...)
		if p.Status != http.StatusForbidden || b.Cookie("session") != "" {
			t.Errorf("%v: status %d, cookie %q", header, p.Status, b.Cookie("session"))
		}
	}
}

func TestLogin_DatabaseAwayIs503(t *testing.T) {
	app := handlertest.NewBroken(t)
	p := app.Stranger().Post("/login", credentials("Nora Okafor")...).Want(503)
	if p.Header.Get("Retry-After") == "" || len(p.Header["Set-Cookie"]) != 0 {
		t.Errorf("%v", p.Header)
	}
}

func TestLogin_BytesThatAreNoPassword(t *testing.T) {
	app := handlertest.New(t)
	app.Person("Nora Okafor")
	for _, pass := range []string{handlertest.Password + "\x00", "\xff\xfe", strings.Repeat("x", 2000)} {
		p := app.Stranger().Post("/login", "email", handlertest.Address("Nora Okafor"), "password", pass)
		if p.Status != 401 && p.Status != 422 {
			t.Errorf("%.20q: status %d", pass, p.Status)
		}
	}
}
