package handlers_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/uuid"

	"dashtam/handlers/handlertest"
)

const (
	sessionList = "/settings/sessions"
	endOthers   = sessionList + "/revoke-others"
	toReauth    = "/reauth?next=%2Fsettings%2Fsessions&undone=true"
)

// stale makes everybody's last proof older than a quarter of an hour.
func stale(t *testing.T, app *handlertest.App) {
	t.Helper()
	if _, err := app.DB.Exec(t.Context(), `UPDATE sessions SET proved_at = now() - interval '16 minutes'`); err != nil {
		t.Fatal(err)
	}
}

func TestSessionList(t *testing.T) {
	app := handlertest.New(t)
	nora, other := app.SignedIn("Nora Okafor"), app.SignedIn("Ada Eze")
	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get(sessionList).WantRedirect("/login?next=%2Fsettings%2Fsessions")
		app.Stranger().Post(endOthers).WantRedirect("/login")
	})
	t.Run("alone", func(*testing.T) {
		p := nora.Get(sessionList).Want(200).WantText("on this device only").WantText("ends after 24 hours without use, and after 30 days")
		p.WantOne("tbody tr .tag")
		if p.Find("main form").Length() != 0 {
			t.Error("there is something to end")
		}
	})
	t.Run("other_user", func(t *testing.T) {
		phone := app.Stranger()
		phone.Post("/login", credentials("Nora Okafor")...).WantRedirect("/overview")
		action := nora.Get(sessionList).WantOne(`form[action$="/revoke"]`).AttrOr("action", "")
		missing := other.Post(sessionList + "/" + uuid.NewString() + "/revoke").Want(404)
		for _, foreign := range []string{action, sessionList + "/x/revoke"} {
			if p := other.Post(foreign).Want(404); p.Same() != missing.Same() {
				t.Errorf("%s is told from a missing one", foreign)
			}
		}
		phone.Get(profile).Want(200)
		phone.Post("/logout")
	})
	t.Run("htmx", func(*testing.T) {
		if p := nora.HX("GET", sessionList).Want(200); strings.Contains(p.Body, "<html") {
			t.Error("a fragment came with its page")
		}
	})
}

// Two nodes on one database: what is ended on one is refused by the other's very next answer.
//
// Break SE-5: services/auth/sessions.go: in FindCtx, leave out s.revoked_at IS NULL AND
// Break SE-7: services/auth/sessions.go: in FindCtx, leave out s.revoked_at IS NULL AND
func TestSessions_SE5_SE7_EndedOnEveryNode(t *testing.T) {
	app := handlertest.New(t)
	second := app.Node()
	nora := app.SignedIn("Nora Okafor")
	away := func() *handlertest.Browser {
		b := second.Stranger()
		b.Post("/login", credentials("Nora Okafor")...).WantRedirect("/overview")
		b.Get(profile).Want(200)
		return b
	}
	phone := away()
	page := nora.Get(sessionList).Want(200).WantText("on two devices")
	nora.Post(page.WantOne(`form[action$="/revoke"]`).AttrOr("action", "")).WantRedirect(sessionList)
	phone.Get(profile).WantRedirect(toLogin)

	phone, tablet := away(), away()
	nora.Get(sessionList).Want(200).WantText("on three devices").WantOne(`form[action="` + endOthers + `"]`)
	nora.Post(endOthers).WantRedirect(sessionList).Follow().WantText("on this device only")
	phone.Get(profile).WantRedirect(toLogin)
	tablet.Get(profile).WantRedirect(toLogin)
	nora.Get(profile).Want(200)
}

// Break SE-5: handlers/routes.go: take fresh: sessionsPath out of the line of revoke-others
// Break LG-4: handlers/auth_reauth.go: in reauth, a function that does nothing in place of g.sessions.SignIn
func TestReauth_SE5_LG4_SensitiveActsAskAgain(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	stale(t, app)
	nora.Post(sessionList + "/" + uuid.NewString() + "/revoke").WantRedirect(toReauth)
	if p := nora.HX("POST", endOthers).Want(204); p.Header.Get("HX-Redirect") != toReauth {
		t.Errorf("htmx goes to %q", p.Header.Get("HX-Redirect"))
	}
	ask := nora.Post(endOthers).WantRedirect(toReauth).Follow().Want(200)
	ask.WantOne(`form[action="/reauth"] input[name=password][autocomplete=current-password]`)
	ask.WantOne(`form[action="/reauth"] input[name=next][value="` + sessionList + `"]`)

	nora.Post("/reauth", "password", "WrongPassword", "next", sessionList).Want(401).WantOne(`form[action="/reauth"] [role=alert]`)
	nora.Post(endOthers).WantRedirect(toReauth)
	old := nora.Cookie("session")
	nora.Post("/reauth", "password", handlertest.Password, "next", sessionList, "undone", "true").WantRedirect(sessionList).Follow().WantText("Nothing was done yet")
	if nora.Cookie("session") == old {
		t.Error("the token is the same as before")
	}
	thief := app.Stranger()
	thief.SetCookie("session", old)
	thief.Get(profile).WantRedirect(toLogin)
	nora.Post(endOthers).WantRedirect(sessionList)
	app.Stranger().Post("/reauth", "password", handlertest.Password).WantRedirect("/login")
}

// Break RL-1: services/auth/prove.go: in mayProve, leave out s.Limits.Peek
func TestReauth_RL1_Limited(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	for range 10 {
		nora.Post("/reauth", "password", "WrongPassword").Want(401)
	}
	if p := nora.Post("/reauth", "password", handlertest.Password).Want(429); p.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	nora.Get(profile).Want(200)
}

// Break LG-7: handlers/auth_login.go: redirect to form.Next as it came.
// Break LG-7: handlers/settings_profile.go: in back, return next as it came.
func TestNext_LG7_TheWholeCorpus(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	check := func(next, want string) {
		b := app.Stranger()
		b.Post("/login", append(credentials("Nora Okafor"), "next", next)...).WantRedirect(want)
		nora.IP = b.IP // as the limits count, another network each time
		nora.Post("/reauth", "password", handlertest.Password, "next", next).WantRedirect(want)
		form := nora.Get("/reauth?next="+url.QueryEscape(next)).WantOne(`form[action="/reauth"] input[name=next]`).AttrOr("value", "")
		if form != "" && form != want {
			t.Errorf("the form carries %q for %q", form, next)
		}
	}
	for _, next := range handlertest.EvilNext {
		if strings.ContainsRune(next, 0) || !utf8.ValidString(next) {
			continue // no text: the form itself is refused
		}
		check(next, "/overview")
	}
	check("/transactions?q=rent", "/transactions?q=rent")
}

// Break LG-9: services/auth/login.go: in write, leave out if tell
// Break RL-2: handlers/auth_password.go: in reset, leave out g.cookies.Know(c)
func TestLogin_LG9_RL2_NewDevicesAreToldAndTheMailedLinkMakesOneKnown(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	phone := app.Stranger()
	phone.Post("/login", credentials("Nora Okafor")...).WantRedirect("/overview")
	if got := app.Mail(nora.User.Email).Subject; got != "new_sign_in" {
		t.Errorf("the person got %q", got)
	}
	nora.Get(sessionList).Want(200).WantText("New device")

	for range 12 { // a stranger shuts the account for devices that are not known
		app.Stranger().Post("/login", "email", nora.User.Email, "password", "WrongPassword").Want(401)
	}
	fresh := app.Stranger()
	fresh.Post("/login", credentials("Nora Okafor")...).Want(401)
	fresh.Post("/password/forgot", "email", nora.User.Email).WantRedirect("/password/sent")
	var link string
	for link == "" {
		if mail := app.Mail(nora.User.Email); mail.Subject == "reset" {
			link = app.Link(mail)
		}
	}
	fresh.Post(link, "password", "four quiet herons").WantRedirect("/login")
	for range 12 { // and goes on
		app.Stranger().Post("/login", "email", nora.User.Email, "password", "WrongPassword").Want(401)
	}
	app.Stranger().Post("/login", "email", nora.User.Email, "password", "four quiet herons").Want(401)
	fresh.Post("/login", "email", nora.User.Email, "password", "four quiet herons").WantRedirect("/overview")
}
