package handlers_test

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dashtam/handlers/handlertest"
)

// alike asserts that two answers tell nothing apart.
func alike(t *testing.T, what string, a, b *handlertest.Page) {
	t.Helper()
	for _, p := range []*handlertest.Page{a, b} {
		for _, name := range []string{"Date", "X-Request-Id", "Content-Security-Policy"} {
			p.Header.Del(name)
		}
	}
	if a.Status != b.Status || a.Same() != b.Same() || !sameHeader(a.Header, b.Header) {
		t.Errorf("%s can be told apart:\n%d %v\n%d %v\n%s\n%s", what, a.Status, a.Header, b.Status, b.Header, a.Same(), b.Same())
	}
}

func TestReset_FromForgotToSignedIn(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	b := app.Stranger()
	b.Get("/login").Want(200).WantOne(`a[href="/password/forgot"]`)
	b.Post("/password/forgot", "email", "no address").Want(422).WantOne("#email-error")
	b.Post("/password/forgot", "email", strings.ToUpper(nora.User.Email)).WantRedirect("/password/sent").Follow().Want(200).WantOne(`a[href="/dev/outbox"]`)
	link := app.Link(app.Mail(nora.User.Email))
	p := b.Post(link, "password", "short").Want(422)
	p.WantOne("#password-error")
	if _, has := p.WantOne("input[name=password][autocomplete=new-password]").Attr("value"); has {
		t.Error("the password came back")
	}
	phone := app.Stranger()
	phone.Post("/login", "email", nora.User.Email, "password", handlertest.Password).WantRedirect("/overview")
	nora.Post(link, "password", "five quiet herons wade at dusk").WantRedirect("/login").Follow().Want(200).WantOne("[role=status]")
	nora.Get(profile).WantRedirect(toLogin)
	phone.Get(profile).WantRedirect(toLogin)
	b.Get("/overview").WantRedirect("/login?next=%2Foverview") // nobody is signed in by a reset
	b.Post(link, "password", "five quiet herons wade at dusk").Want(404).WantOne(`a[href="/password/forgot"]`)
	b.Post("/login", "email", nora.User.Email, "password", handlertest.Password).Want(401)
	b.Post("/login", "email", nora.User.Email, "password", "five quiet herons wade at dusk").WantRedirect("/overview")
	if got := app.MailAbout(nora.User.Email, "password_changed"); app.Link(got) != "/password/forgot" {
		t.Errorf("the owner reads %q", got.Text)
	}
}

// Break RS-1: handlers/auth_password.go: answer 404 when the address has no account
func TestReset_RS1_EveryAddressAnswersAlike(t *testing.T) {
	app := handlertest.New(t)
	known := app.Person("Nora Okafor")
	answer := func(address string) (*handlertest.Page, *handlertest.Page) {
		p := app.Stranger().Post("/password/forgot", "email", address)
		return p, p.WantRedirect("/password/sent").Follow()
	}
	knownPost, knownSent := answer(known.Email)
	otherPost, otherSent := answer("nobody@example.com")
	alike(t, "the answer", knownPost, otherPost)
	alike(t, "the page", knownSent, otherSent)
	b := app.Stranger()
	for range 5 {
		b.Post("/password/forgot", "email", "nobody@example.com").WantRedirect("/password/sent")
	}
	if p := b.Post("/password/forgot", "email", "nobody@example.com").Want(429); p.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
}

// Break RS-7: services/auth/links.go: in spend, err = nil in place of err = ErrLink
func TestReset_RS7_FiftyPostsOnTwoNodesOneSuccess(t *testing.T) {
	app := handlertest.New(t)
	nora := app.Person("Nora Okafor")
	nodes := []*handlertest.App{app, app.Node()}
	app.Stranger().Post("/password/forgot", "email", nora.Email).WantRedirect("/password/sent")
	link := app.Link(app.Mail(nora.Email))
	var worked atomic.Int32
	var all sync.WaitGroup
	for i := range 50 {
		b := nodes[i%2].Stranger()
		all.Go(func() {
			for {
				switch p := b.Post(link, "password", "five quiet herons wade at dusk"); p.Status {
				case http.StatusSeeOther:
					worked.Add(1)
				case http.StatusServiceUnavailable: // more at once than connections: try again, as the page says
					continue
				case http.StatusNotFound:
				default:
					t.Errorf("status %d: %s", p.Status, p.Said())
				}
				return
			}
		})
	}
	all.Wait()
	if worked.Load() != 1 {
		t.Errorf("%d of 50 worked", worked.Load())
	}
}

// Break RS-3: services/email/worker.go: take the link's host from anywhere but BaseURL
func TestLinks_RS3_TheHostIsTheConfiguredOne(t *testing.T) {
	app := handlertest.New(t)
	nora := app.Person("Nora Okafor")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL+"/password/forgot", strings.NewReader("email="+nora.Email))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("Forwarded", "host=evil.example")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	app.Stranger().Send(r).Want(303)
	if m := app.Mail(nora.Email); strings.Contains(m.Text+m.HTML, "evil") || !strings.HasPrefix(app.Link(m), "/password/reset/") {
		t.Errorf("the mail says %s", m.Text)
	}
}

// idle waits until all jobs are done. They are worked from the first look for a mail on.
func idle(t *testing.T, app *handlertest.App) {
	t.Helper()
	for open := 1; open > 0; {
		if err := app.DB.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')`).Scan(&open); err != nil {
			t.Fatal(err)
		}
	}
}

// people is the part of state that links could change. The jobs are done by then.
func people(t *testing.T, app *handlertest.App) map[string]string {
	t.Helper()
	idle(t, app)
	all := state(t, app)
	maps.DeleteFunc(all, func(name, _ string) bool { return strings.HasPrefix(name, "public.river_") })
	return all
}

// A program that opens every link in a mail, twice, uses none of them up (F32), and none of the addresses goes on.
// Break RS-4: handlers/auth_password.go: in showReset, call g.auth.ResetPassword
// Break RS-4: handlers/routes.go: leave Referrer-Policy out
func TestLinks_RS4_F32_ReadingUsesNothingUp(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	scan := func(m string) string {
		t.Helper()
		link := app.Link(app.MailAbout(m, ""))
		before := people(t, app)
		for range 2 {
			p := app.Stranger().Get(link).Want(200)
			p.WantOne(`form[method=post][action="` + link + `"] button`)
			if p.Header.Get("Referrer-Policy") != "no-referrer" || p.Header.Get("Cache-Control") != "no-store" || p.Header.Get("X-Robots-Tag") != "noindex" {
				t.Errorf("%s: %v", link, p.Header)
			}
			app.Stranger().Do(http.MethodHead, link, nil).Want(200)
		}
		sameState(t, "opening "+link, before, people(t, app))
		return link
	}
	b := app.Stranger()
	b.Post("/signup", "name", "New", "email", "new@example.com", "password", handlertest.Password)
	b.Post(scan("new@example.com")).WantRedirect("/login")
	nora.Post("/settings/email", "email", "moved@example.com", "password", handlertest.Password).WantRedirect("/settings/email")
	b.Post(scan("moved@example.com")).WantRedirect("/login")
	b.Post(scan(nora.User.Email)).WantRedirect("/password/sent") // undoes it
	app.MailAbout(nora.User.Email, "reset")
	b.Post(scan(nora.User.Email), "password", "five quiet herons wade at dusk").WantRedirect("/login")
}

func TestSettingsEmail(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	phone := app.Stranger()
	phone.Post("/login", credentials("Nora Okafor")...).WantRedirect("/overview")
	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get("/settings/email").WantRedirect("/login?next=%2Fsettings%2Femail")
		app.Stranger().Post("/settings/email").WantRedirect("/login")
	})
	t.Run("invalid", func(*testing.T) {
		p := nora.Post("/settings/email", "email", "no address", "password", handlertest.Password).Want(422)
		p.WantOne("#email-error")
		p.WantOne(`input[name=email][value="no address"]`)
		nora.Post("/settings/email", "email", "new@example.com", "password", "wrong").Want(401).WantOne("#password-error")
		nora.Post("/settings/email", "email", nora.User.Email, "password", handlertest.Password).Want(422).WantOne("#email-error")
	})
	t.Run("htmx", func(t *testing.T) {
		if p := nora.HX("GET", "/settings/email").Want(200); p.Find("html nav.rail-nav").Length() != 0 {
			t.Error("a fragment came with its page")
		}
	})
	t.Run("success", func(*testing.T) {
		nora.Post("/settings/email", "email", "new@example.com", "password", handlertest.Password).WantRedirect("/settings/email").
			Follow().Want(200).WantText("new@example.com waits to be confirmed.")
		link := app.Link(app.MailAbout("new@example.com", "confirm_address"))
		nora.Post(link).WantRedirect("/login")
		nora.Get("/settings/profile").Want(200).WantOne(`input[value="new@example.com"]`) // where it was confirmed one stays signed in
		phone.Get(profile).WantRedirect(toLogin)
		nora.Post(link).Want(404)
		app.MailAbout(nora.User.Email, "address_changed") // to the old one
	})
	t.Run("other_user", func(*testing.T) {
		app.SignedIn("Ada Eze").Get("/settings/email").Want(200).WantText("ada.eze@example.com")
	})
}

var clock = regexp.MustCompile(`\d\d:\d\d`)

// Break EV-2: handlers/settings_email.go: answer 422 for an address that has an account
func TestSettingsEmail_EV2_TakenAndFreeAnswerAlike(t *testing.T) {
	app := handlertest.New(t)
	app.Person("Taken Person")
	answers := map[string][2]*handlertest.Page{}
	for _, address := range []string{"taken.person@example.com", "nobodys.own@example.com"} {
		b := app.SignedIn("Asker " + strings.ToUpper(address[:1]))
		post := b.Post("/settings/email", "email", address, "password", handlertest.Password)
		page := post.WantRedirect("/settings/email").Follow().Want(200)
		for _, p := range []*handlertest.Page{post, page} {
			p.Body = clock.ReplaceAllString(strings.NewReplacer(address, "X", b.User.Email, "Y", b.User.Name, "Z", "AT", "AN").Replace(p.Body), "")
			p.Header.Del("Content-Length")
			p.Header.Del("Set-Cookie")
		}
		answers[address[:1]] = [2]*handlertest.Page{post, page}
	}
	alike(t, "the answer", answers["t"][0], answers["n"][0])
	alike(t, "the page", answers["t"][1], answers["n"][1])
	if m := app.MailAbout("taken.person@example.com", "address_taken"); app.Link(m) != "/login" {
		t.Errorf("the owner of the address reads %q", m.Text)
	}
}

func TestWellKnown(t *testing.T) {
	app := handlertest.New(t).Served("https://money.example.org")
	p := app.Stranger().Get("/.well-known/change-password").Want(http.StatusFound)
	if p.Header.Get("Location") != "/settings/security" {
		t.Errorf("a password is changed at %q", p.Header.Get("Location"))
	}
	p = app.Stranger().Get("/.well-known/security.txt").Want(200)
	if p.Header.Get("Content-Type") != "text/plain; charset=UTF-8" {
		t.Errorf("Content-Type %q", p.Header.Get("Content-Type"))
	}
	said := map[string]string{}
	for line := range strings.Lines(p.Body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		said[name] = value
	}
	expires, err := time.Parse(time.RFC3339, said["Expires"])
	if said["Contact"] != "mailto:security@money.example.org" || said["Canonical"] != "https://money.example.org/.well-known/security.txt" ||
		err != nil || time.Until(expires) < 90*24*time.Hour || time.Until(expires) > 365*24*time.Hour {
		t.Errorf("%s", p.Body)
	}
}

func TestNoIndexOnPrivatePages(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	for path, private := range map[string]bool{"/overview": true, "/settings/email": true, "/password/forgot": true, "/nothing": true, "/login": false, "/signup": false, "/": false} {
		for _, b := range []*handlertest.Browser{nora, app.Stranger()} {
			if p := b.Get(path); p.Status != 303 && (p.Header.Get("X-Robots-Tag") == "noindex") != private {
				t.Errorf("%s: X-Robots-Tag %q", path, p.Header.Get("X-Robots-Tag"))
			}
		}
	}
}
