package handlers_test

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
)

// Who tried too often is told when to come back, and finds what they typed.
func TestLimits_AFormKeepsWhatWasTyped(t *testing.T) {
	b := handlertest.New(t).Stranger()
	for range 10 {
		b.Post("/signup", "name", "Nora Okafor", "email", "nora@example.com", "password", handlertest.Password).WantRedirect("/signup/sent")
	}
	p := b.Post("/signup", "name", "Nora Okafor", "email", "nora@example.com", "password", handlertest.Password).Want(429)
	p.WantOne(`input[name=email][value="nora@example.com"]`)
	p.WantText("That was too often.").WantText("minutes or later")
	if p.Header.Get("Retry-After") == "" || strings.Contains(p.Body, handlertest.Password) {
		t.Errorf("Retry-After %q, or the password came back", p.Header.Get("Retry-After"))
	}
}

// Break RL-3: handlers/middleware/identify.go: begin at the left of hops.
func TestLimits_RL3_ForwardedFor(t *testing.T) {
	attack := func(t *testing.T, app *handlertest.App, forwarded func(n int) string) int {
		t.Helper()
		refused := 0
		for n := range 22 {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL+"/login", strings.NewReader("email=a@example.com&password=x"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Forwarded-For", forwarded(n))
			p := app.Stranger().Send(r)
			if p.Status == http.StatusTooManyRequests {
				if p.Header.Get("Retry-After") == "" {
					t.Error("429 without Retry-After")
				}
				refused++
			}
		}
		return refused
	}
	spoofed := func(n int) string { return netip.AddrFrom4([4]byte{1, 2, 3, byte(n)}).String() }
	t.Run("nobody is trusted", func(t *testing.T) {
		app := handlertest.New(t, func(d *handlers.Deps) { d.Proxies = nil })
		if n := attack(t, app, spoofed); n != 2 {
			t.Errorf("%d of 22 tries were refused, want 2: the header was believed", n)
		}
	})
	t.Run("what stands left of the last hop", func(t *testing.T) {
		app := handlertest.New(t)
		if n := attack(t, app, func(n int) string { return spoofed(n) + ", 203.0.113.9" }); n != 2 {
			t.Errorf("%d of 22 tries were refused, want 2", n)
		}
		var others int
		err := app.DB.QueryRow(t.Context(), "SELECT count(*) FROM audit_events WHERE ip IS DISTINCT FROM '203.0.113.9'").Scan(&others)
		if err != nil || others != 0 {
			t.Errorf("%d audit rows bear another address, %v", others, err)
		}
	})
	t.Run("each client behind the proxy", func(t *testing.T) {
		if n := attack(t, handlertest.New(t), spoofed); n != 0 {
			t.Errorf("%d of 22 clients were refused", n)
		}
	})
}

// What a stranger can try without a password, and what costs much, ends too: each route for itself, by network address or,
// where somebody must be signed in, by person.
//
// Break RL-1: handlers/routes.go: leave limit out of one of these routes
// Break RL-1: handlers/routes.go: in limited, the address in place of who.UserID
func TestLimits_RL1_LinksHintsAndExports(t *testing.T) {
	app := handlertest.New(t)
	ada := app.SignedInAdmin("Ada Eze")
	for path, c := range map[string]struct {
		method string
		most   int
		person bool
	}{
		"/verify/:token": {"POST", 60, false}, "/password/reset/:token": {"POST", 60, false}, "/invite/:token": {"POST", 60, false},
		"/setup/:token": {"POST", 60, false}, "/settings/email/confirm/:token": {"POST", 60, false}, "/email/undo/:token": {"POST", 60, false},
		"/signup/strength": {"POST", 300, false}, "/connections/sandbox/callback": {"GET", 60, true},
		"/transactions.csv": {"GET", 60, true}, "/admin/audit.csv": {"GET", 60, true},
	} {
		b := app.Stranger()
		if c.person {
			b = ada
		}
		for range c.most {
			if p := b.Do(c.method, concrete(path), nil); p.Status == http.StatusTooManyRequests {
				t.Fatalf("%s: refused too early", path)
			}
		}
		if c.person {
			b.IP = app.Stranger().IP // from everywhere
		}
		if p := b.Do(c.method, concrete(path), nil).Want(http.StatusTooManyRequests); p.Header.Get("Retry-After") == "" {
			t.Errorf("%s: 429 without Retry-After", path)
		}
		if p := app.Stranger().Do(c.method, concrete(path), nil); p.Status == http.StatusTooManyRequests {
			t.Errorf("%s: others are refused, too", path)
		}
	}
}

// Two people who share a browser are both known there; strangers who lock their accounts lock out neither, and neither is
// mailed about a device that is not new. A browser keeps the last five.
//
// Break RL-2: services/auth/device.go: in deviceName, DevicePrefix alone
// Break RL-2: handlers/web/cookie.go: in KeepDevice, leave out the loop over others
func TestLogin_RL2_PeopleWhoShareABrowser(t *testing.T) {
	app := handlertest.New(t)
	shared := app.Stranger()
	names := []string{"Nora Okafor", "Ada Eze", "Ben Adeyemi", "Cleo Marsh", "Dora Quist", "Emil Brandt"}
	known := func(name string) bool { return shared.Cookie(app.Auth.DeviceName(handlertest.Address(name))) != "" }
	signIn := func(name string) {
		shared.Post("/login", credentials(name)...).WantRedirect("/overview")
		shared.Post("/logout")
	}
	for _, name := range names[:2] {
		app.Person(name)
		signIn(name)
	}
	for _, name := range names[:2] {
		for range 12 {
			app.Stranger().Post("/login", "email", handlertest.Address(name), "password", "WrongPassword").Want(401)
		}
		app.Stranger().Post("/login", credentials(name)...).Want(401)
		signIn(name)
	}
	var mails int
	if err := app.DB.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE args ->> 'purpose' = 'new_sign_in'`).Scan(&mails); err != nil || mails != 2 {
		t.Errorf("%d mails about new devices, %v; want one for each", mails, err)
	}
	for _, name := range names[2:] {
		app.Person(name)
		signIn(name)
	}
	for i, name := range names {
		if known(name) != (i > 0) {
			t.Errorf("%s is known here: %t", name, known(name))
		}
	}
}

// What a browser kept before accounts had names of their own is read, and moved.
func TestLogin_TheOldDeviceCookieStillCounts(t *testing.T) {
	app := handlertest.New(t)
	b := app.Stranger()
	device := app.Auth.NewDevice(app.Person("Nora Okafor"))
	b.SetCookie("device", device.Value)
	b.Post("/login", credentials("Nora Okafor")...).WantRedirect("/overview")
	if b.Cookie("device") != "" || b.Cookie(device.Name) != device.Value {
		t.Errorf("old %q, new %q", b.Cookie("device"), b.Cookie(device.Name))
	}
}

// Break RL-5: handlers/handlers.go: leave middleware.Limit out.
func TestLimits_RL5_Bodies(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	forms := map[string]string{
		"one long value": "name=" + strings.Repeat("a", 64<<10),
		"1e5 keys":       strings.Repeat("a=1&", 1e5),
	}
	send := func(path, body string, length int64) *handlertest.Page {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL+path, io.NopCloser(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return nora.Send(r)
	}
	for name, body := range forms {
		for _, r := range of(handlers.Table(app.Deps), http.MethodPost) {
			if p := send(concrete(r.Path), body, int64(len(body))); p.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: POST %s answers %d", name, r.Path, p.Status)
			}
		}
		send("/settings/profile", body, -1).Want(http.StatusRequestEntityTooLarge).WantText("too much at once") // chunked: the length is not known before
	}
	send("/settings/profile", strings.Repeat("a=1&", 16_000), 64_000).Want(422)
	nora.Get("/settings/profile").Want(200).WantOne(`input[name=name][value="Nora Okafor"]`)
}
