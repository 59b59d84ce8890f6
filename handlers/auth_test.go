package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
)

// From an address nobody knows to a person who is signed in, and out again.
func TestSignUpVerifySignInOut(t *testing.T) {
	app := handlertest.New(t)
	b := app.Stranger()
	b.Get("/").Want(200).WantOne(`a[href="/signup"]`)
	b.Get("/signup").Want(200).WantOne(`form[action="/signup"] input[name=password][autocomplete=new-password]`)
	b.Post("/signup", "name", "Nora Okafor", "email", "nora@example.com", "password", handlertest.Password).WantRedirect("/signup/sent").
		Follow().Want(200).WantOne(`a[href="/dev/outbox"]`)
	link := app.Link(app.Mail("nora@example.com"))
	b.Get("/dev/outbox").Want(200).WantOne(`a[href="` + app.URL + link + `"]`)
	for range 3 { // a program that opens every link in a mail (RS-4)
		b.Get(link).Want(200).WantOne(`form[method=post][action="` + link + `"] button`)
	}
	b.Post(link).WantRedirect("/login").Follow().Want(200).WantOne("[role=status]")
	b.Post(link).Want(404).WantOne(`a[href="/verify/resend"]`) // once

	b.Post("/login", "email", "NORA@example.com", "password", handlertest.Password).WantRedirect("/overview")
	for _, path := range []string{"/", "/login", "/signup"} {
		b.Get(path).WantRedirect("/overview")
	}
	b.Get("/settings/profile").Want(200).WantOne(`input[value="nora@example.com"]`)
	out := b.Post("/logout").WantRedirect("/")
	if got := out.Header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data %q", got)
	}
	b.Get("/settings/profile").WantRedirect("/login?next=%2Fsettings%2Fprofile")
}

// Break SU-1: handlers/auth_signup.go: go on to /signup/sent only for a nil error.
func TestSignUp_SU1_KnownAddressAnswersAlike(t *testing.T) {
	app := handlertest.New(t)
	known := app.Person("Nora Okafor")
	answer := func(address string) (*handlertest.Page, *handlertest.Page) {
		b := app.Stranger()
		p := b.Post("/signup", "name", "N", "email", address, "password", handlertest.Password)
		return p, p.WantRedirect("/signup/sent").Follow()
	}
	newPost, newSent := answer("somebody.else@example.com")
	oldPost, oldSent := answer(strings.ToUpper(known.Email))
	for _, pair := range [][2]*handlertest.Page{{newPost, oldPost}, {newSent, oldSent}} {
		a, b := pair[0], pair[1]
		for _, h := range []*handlertest.Page{a, b} {
			for _, name := range []string{"Date", "X-Request-Id", "Content-Security-Policy"} {
				h.Header.Del(name)
			}
		}
		if a.Same() != b.Same() || !sameHeader(a.Header, b.Header) {
			t.Errorf("a known address shows:\n%v\n%v\n%s\n%s", a.Header, b.Header, a.Same(), b.Same())
		}
	}
	if got := app.Mail(known.Email).Subject; got != "exists" {
		t.Errorf("the owner of the address got %q", got)
	}
}

func sameHeader(a, b http.Header) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if strings.Join(a[name], "\n") != strings.Join(b[name], "\n") {
			return false
		}
	}
	return true
}

func TestSignUp_Invalid(t *testing.T) {
	app := handlertest.New(t)
	p := app.Stranger().Post("/signup", "name", " ", "email", "nora@okafor", "password", "short").Want(422)
	for _, name := range []string{"name", "email", "password"} {
		p.WantOne(`input[name=` + name + `][aria-invalid=true]`)
		p.WantOne("#" + name + "-error")
	}
	if p.WantOne("input[name=email]").AttrOr("value", "") != "nora@okafor" || strings.Contains(p.Body, "short\"") {
		t.Errorf("the form does not hold what was typed, or holds the password: %s", p.Body)
	}
	if _, has := p.WantOne("input[name=password]").Attr("value"); has {
		t.Error("the password came back")
	}
	p = app.Stranger().Post("/signup", "name", "a\x00b", "email", "a\xff@example.com", "password", handlertest.Password).Want(422)
	p.WantOne("#name-error")
	p.WantOne("#email-error")
}

func TestSignUp_Strength(t *testing.T) {
	app := handlertest.New(t)
	weak := app.Stranger().HX("POST", "/signup/strength", "password", "short", "name", "Nora").Want(200)
	weak.WantText("Too short")
	if strings.Contains(weak.Body, "<html") {
		t.Error("a fragment came with its page")
	}
	strong := app.Stranger().HX("POST", "/signup/strength", "password", "four quiet herons wade at dusk").Want(200)
	if weak.Said() == strong.Said() || weak.Find("rect.c-fill").Length() >= strong.Find("rect.c-fill").Length() {
		t.Errorf("weak %q, strong %q", weak.Said(), strong.Said())
	}
}

// Break LG-1: handlers/auth_login.go: put form.Password before page.Fault.
func TestLogin_LG1_OneAnswer(t *testing.T) {
	app := handlertest.New(t)
	ctx := t.Context()
	app.Person("Right Person")
	disabled, unverified, locked := app.Person("Disabled Person"), app.Person("Unverified Person"), app.Person("Locked Person")
	for sql, id := range map[string]any{
		"UPDATE users SET disabled_at = now() WHERE id = $1": disabled.ID,
		"UPDATE users SET verified_at = NULL WHERE id = $1":  unverified.ID,
	} {
		if _, err := app.DB.Exec(ctx, sql, id); err != nil {
			t.Fatal(err)
		}
	}
	for range 11 {
		app.Stranger().Post("/login", "email", locked.Email, "password", "WrongPassword")
	}
	answers := map[string]*handlertest.Page{}
	for name, c := range map[string][2]string{
		"unknown":        {"nobody@example.com", handlertest.Password},
		"wrong password": {handlertest.Address("Right Person"), "WrongPassword"},
		"disabled":       {disabled.Email, handlertest.Password},
		"unverified":     {unverified.Email, handlertest.Password},
		"locked":         {locked.Email, handlertest.Password},
		"no password":    {handlertest.Address("Right Person"), ""},
	} {
		p := app.Stranger().Post("/login", "email", c[0], "password", c[1]).Want(401)
		p.Body = strings.ReplaceAll(p.Body, c[0], "")
		answers[name] = p
	}
	for name, p := range answers {
		if p.Same() != answers["unknown"].Same() {
			t.Errorf("%s differs from unknown:\n%s\n%s", name, p.Same(), answers["unknown"].Same())
		}
		if len(p.Header["Set-Cookie"]) != 0 {
			t.Errorf("%s set cookies: %v", name, p.Header["Set-Cookie"])
		}
	}
	answers["unknown"].WantOne("form[action='/login'] [role=alert]")
}

// Break LG-4: handlers/web/sessions.go: take RenewToken out of SignIn.
// Break LG-5: handlers/web/sessions.go: take RenewToken out of SignIn.
func TestLogin_LG4_LG5_TokenChanges(t *testing.T) {
	app := handlertest.New(t)
	app.Person("Nora Okafor")
	b := app.Stranger()
	b.SetCookie("session", "fixed-by-an-attacker-0123456789abcdefghijk")
	b.Post("/login", "email", handlertest.Address("Nora Okafor"), "password", handlertest.Password).WantRedirect("/overview")
	first := b.Cookie("session")
	if first == "" || strings.HasPrefix(first, "fixed") {
		t.Fatalf("the cookie is %q", first)
	}
	b.Post("/login", "email", handlertest.Address("Nora Okafor"), "password", handlertest.Password).WantRedirect("/overview")
	if b.Cookie("session") == first {
		t.Error("signing in again kept the token")
	}
	mallory := app.SignedIn("Mallory Reed") // whose own session is planted in Nora's browser
	planted := mallory.Cookie("session")
	b.SetCookie("session", planted)
	b.Post("/login", "email", handlertest.Address("Nora Okafor"), "password", handlertest.Password).WantRedirect("/overview")
	for _, old := range []string{first, planted, "fixed-by-an-attacker-0123456789abcdefghijk"} {
		thief := app.Stranger()
		thief.SetCookie("session", old)
		thief.Get("/settings/profile").WantRedirect("/login?next=%2Fsettings%2Fprofile")
	}
}

// Break LG-7: handlers/auth_login.go: redirect to form.Next as it came.
func TestLogin_LG7_NextStaysHere(t *testing.T) {
	app := handlertest.New(t)
	app.Person("Nora Okafor")
	for next, want := range map[string]string{
		"/transactions?q=rent": "/transactions?q=rent", "": "/overview", "//evil.example": "/overview", `/\evil.example`: "/overview",
		"https://evil.example": "/overview", "javascript:alert(1)": "/overview", "/%09/evil.example": "/overview", "/a%0d%0ab": "/overview",
	} {
		b := app.Stranger()
		form := b.Get("/login?next="+url.QueryEscape(next)).Want(200).Find("input[name=next]").AttrOr("value", "")
		if want == "/overview" && form != "" || want != "/overview" && form != want {
			t.Errorf("the form carries %q for %q", form, next)
		}
		b.Post("/login", "email", handlertest.Address("Nora Okafor"), "password", handlertest.Password, "next", next).WantRedirect(want)
	}
}

func TestSetUp(t *testing.T) {
	app := handlertest.New(t)
	token, err := app.Auth.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := app.Stranger()
	b.Get("/setup/wrong").Want(404)
	b.Get("/setup/" + token).Want(200).WantOne(`form[action="/setup/` + token + `"]`)
	b.Post("/setup/"+token, "name", "", "email", "x", "password", "y").Want(422)
	b.Post("/setup/"+token, "name", "Ada", "email", "ada@example.com", "password", handlertest.Password).WantRedirect("/admin")
	b.Get("/settings/profile").Want(200).WantOne(`.rail a[href="/admin"]`)
	app.Stranger().Get("/setup/" + token).Want(404)
	app.Stranger().Post("/setup/"+token, "name", "Eve", "email", "eve@example.com", "password", handlertest.Password).Want(404)
}

func TestResend(t *testing.T) {
	app := handlertest.New(t)
	app.Stranger().Get("/verify/resend").Want(200)
	for _, address := range []string{app.Person("Nora Okafor").Email, "nobody@example.com"} {
		app.Stranger().Post("/verify/resend", "email", address).WantRedirect("/signup/sent")
	}
}

func TestOutbox_OnlyOnLocalhost(t *testing.T) {
	app := handlertest.New(t, func(d *handlers.Deps) { d.Outbox = nil })
	app.Stranger().Get("/dev/outbox").Want(404)
	if n := app.Stranger().Get("/signup/sent").Want(200).Find(`a[href="/dev/outbox"]`).Length(); n != 0 {
		t.Error("the page leads to an outbox that is not there")
	}
}
