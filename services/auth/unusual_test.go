package auth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/email"
)

// Break LG-9: services/auth/unusual.go: in unusual, leave out the case of fromNewDevice
// Break LG-9: services/auth/login.go: in write, leave out if tell
func TestLogin_LG9_WhatIsUnusualIsTold(t *testing.T) {
	b := newBench(t)
	home := b.NewDevice(b.verified()).Value // as of a browser that opened the mailed link
	n := 0
	in := func(device string) {
		t.Helper()
		n++
		if _, err := b.login(from(n), good.Password, device); err != nil {
			t.Fatal(err)
		}
	}
	wrong := func(times int, device string) {
		t.Helper()
		for range times {
			n++
			_, err := b.login(from(n), "wrong", device)
			wantErr(t, err, auth.ErrCredentials)
		}
	}
	for _, c := range []struct {
		name string
		want int
		act  func()
	}{
		{"a known device", 0, func() { in(home) }},
		{"a new one", 1, func() { in("") }},
		{"somebody else's", 1, func() { in(b.NewDevice(auth.User{Email: "other@example.com"}).Value) }},
		{"after two wrong passwords", 0, func() { wrong(2, home); in(home) }},
		{"after three", 1, func() { wrong(3, home); in(home) }},
		{"and once more", 0, func() { in(home) }},
		{"after 89 days", 0, func() { b.exec(`UPDATE users SET last_login_at = now() - interval '89 days'`); in(home) }},
		{"after 91 days", 1, func() { b.exec(`UPDATE users SET last_login_at = now() - interval '91 days'`); in(home) }},
		{"a program", 1, func() { b.apiLogin() }},
		{"more than anybody reads", 10 - 5, func() {
			for range 12 {
				in("")
			}
		}},
		{"an hour later", 1, func() { b.now = b.now.Add(time.Hour); in("") }},
	} {
		before := b.mails(email.NewSignIn)
		if c.act(); b.mails(email.NewSignIn)-before != c.want {
			t.Errorf("%s: %d mails, want %d", c.name, b.mails(email.NewSignIn)-before, c.want)
		}
	}
}

// The mail and the list of sessions say what was unusual, the mail also when, with what and from where.
//
// Break LG-9: services/auth/login.go: in write, leave out v.unusual = a.unusual()
func TestLogin_LG9_TheMailAndTheListSayWhy(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	b.exec(`UPDATE users SET timezone = 'Europe/Zurich'`)
	c := newBrowser(t, b, auth.SessionConfig{})
	v := &auth.Visitor{IP: stranger.IP, UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
	_, err := b.Login(auth.WithVisitor(t.Context(), v), stranger, auth.Credentials{Email: good.Email, Password: good.Password}, func(ctx context.Context, u auth.User) error {
		c.SignIn(v, u)
		return c.CommitCtx(ctx, "t", []byte("data"), time.Time{})
	})
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := c.List(t.Context(), actor.Actor{UserID: u.ID, SessionID: v.SessionID})
	if err != nil || len(list) != 1 || list[0].Unusual != "device" {
		t.Errorf("%+v, %v", list, err)
	}
	facts, err := b.MailFacts(t.Context(), actor.ForJob(u.ID, "req_test"), email.NewSignIn, v.SessionID, time.Now())
	if said := fmt.Sprint(facts.Details); err != nil || facts.Email != u.Email || !strings.Contains(said, "Firefox on Linux") || !strings.Contains(said, stranger.IP.String()) || !strings.Contains(said, " CE") || !strings.Contains(said, "new to your account") {
		t.Errorf("%+v, %v", facts, err)
	}
	family := b.apiLogin()
	who, _, err := b.Authenticate(t.Context(), family.Access)
	if err != nil {
		t.Fatal(err)
	}
	facts, err = b.MailFacts(t.Context(), actor.ForJob(u.ID, "req_test"), email.NewSignIn, who.SessionID, time.Now())
	if said := fmt.Sprint(facts.Details); err != nil || !strings.Contains(said, stranger.IP.String()) || !strings.Contains(said, "An unknown program") {
		t.Errorf("%+v, %v", facts, err)
	}
}
