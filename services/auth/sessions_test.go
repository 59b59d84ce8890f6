package auth_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/auth"
)

// browser is one cookie's way through the store: each request loads it anew.
type browser struct {
	*testing.T
	*auth.Sessions
	token string // as scs hands it over: hashed
}

// request loads the session; the Visitor says whose it is.
func (c *browser) request() (context.Context, *auth.Visitor, bool) {
	c.Helper()
	v := &auth.Visitor{IP: stranger.IP, UserAgent: "test"}
	ctx := auth.WithVisitor(c.Context(), v)
	_, found, err := c.FindCtx(ctx, c.token)
	if err != nil {
		c.Fatal(err)
	}
	return ctx, v, found
}

// signIn does what handlers/web does at a login: the token is renewed and the session saved.
func (c *browser) signIn(u auth.User, token string) {
	c.Helper()
	ctx, v, _ := c.request()
	c.SignIn(v, u)
	if c.token != "" {
		if err := c.DeleteCtx(ctx, c.token); err != nil {
			c.Fatal(err)
		}
	}
	if err := c.CommitCtx(ctx, token, []byte("data of "+u.Email), time.Time{}); err != nil {
		c.Fatal(err)
	}
	c.token = token
}

func newBrowser(t *testing.T, b *bench, c auth.SessionConfig) *browser {
	return &browser{t, auth.NewSessions(b.db, c), ""}
}

func TestSessions_OneQueryBringsSessionUserAndRole(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	c := newBrowser(t, b, auth.SessionConfig{})
	if _, v, found := c.request(); found || v.User != nil || v.SessionID != uuid.Nil {
		t.Error("a browser without a cookie is somebody")
	}
	c.signIn(u, "t1")
	_, v, found := c.request()
	if !found || v.User == nil || v.User.ID != u.ID || v.User.Email != u.Email || v.SessionID == uuid.Nil {
		t.Errorf("found %t, %+v", found, v.User)
	}
	b.exec(`UPDATE users SET role = 'admin'`)
	if _, v, _ = c.request(); !v.User.Admin() {
		t.Error("the role is not today's (AZ-4)")
	}
	b.exec(`UPDATE users SET disabled_at = now()`)
	if _, v, found = c.request(); found || v.User != nil {
		t.Error("a disabled person is still signed in")
	}
}

// Break OA-1: sessions.go: in CommitCtx, leave out the case v.User.ID == v.signIn.ID
func TestSessions_OA1_SigningInAgainKeepsIdAndAge(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	c := newBrowser(t, b, auth.SessionConfig{})
	c.signIn(u, "t1")
	b.exec(`UPDATE sessions SET created_at = created_at - interval '29 days', last_seen_at = now() - interval '1 hour'`)
	_, before, _ := c.request()
	old := c.token
	c.signIn(u, "t2")
	_, after, found := c.request()
	if !found || after.SessionID != before.SessionID {
		t.Errorf("the record became %v, was %v", after.SessionID, before.SessionID)
	}
	c.token = old
	if _, v, found := c.request(); found || v.User != nil {
		t.Error("the old token still opens (LG-4)")
	}
	if n := b.count(`SELECT count(*) FROM sessions WHERE expires_at < now() + interval '25 hours'`); n != 1 {
		t.Error("a new token made the session younger (SE-4)")
	}
}

// Break LG-5: sessions.go: in insert, leave out the part WITH old
func TestSessions_LG5_SomebodyElsesSessionEndsAtSignIn(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	mallory, err := b.Register(t.Context(), stranger, auth.Registration{Name: "m", Email: "m@example.com", Password: good.Password})
	if err != nil {
		t.Fatal(err)
	}
	b.exec(`UPDATE users SET verified_at = now()`)
	c := newBrowser(t, b, auth.SessionConfig{})
	c.signIn(mallory, "planted")
	_, before, _ := c.request()
	c.signIn(u, "fresh")
	_, after, _ := c.request()
	if after.SessionID == before.SessionID || after.User.ID != u.ID {
		t.Error("the victim goes on in the attacker's session record")
	}
	c.token = "planted"
	if _, v, found := c.request(); found || v.User != nil {
		t.Error("the planted token still opens something")
	}
}

// Break SE-4: sessions.go: in FindCtx, leave out s.created_at > ...
func TestSessions_SE4_IdleAndLifetime(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	for _, c := range []struct {
		name, role, change string
		lives              bool
	}{
		{"idle under a day", "user", "last_seen_at = now() - interval '23 hours 59 minutes'", true},
		{"idle over a day", "user", "last_seen_at = now() - interval '24 hours 1 minute'", false},
		{"29 days old", "user", "created_at = now() - interval '29 days'", true},
		{"30 days old", "user", "created_at = now() - interval '30 days 1 minute'", false},
		{"expired", "user", "expires_at = now()", false},
		{"administrator idle for 29 minutes", "admin", "last_seen_at = now() - interval '29 minutes'", true},
		{"administrator idle for 31 minutes", "admin", "last_seen_at = now() - interval '31 minutes'", false},
		{"administrator 11 hours old", "admin", "created_at = now() - interval '11 hours'", true},
		{"administrator 13 hours old", "admin", "created_at = now() - interval '13 hours'", false},
	} {
		b.exec(`DELETE FROM sessions`)
		b.exec(`UPDATE users SET role = $1`, c.role)
		browser := newBrowser(t, b, auth.SessionConfig{})
		browser.signIn(u, "t")
		b.exec(`UPDATE sessions SET ` + c.change)
		if _, _, found := browser.request(); found != c.lives {
			t.Errorf("%s: lives %t", c.name, found)
		}
	}
}

// Break SE-4: sessions.go: in Touch, leave out || v.polling
func TestSessions_SE4_PollingKeepsNothingAlive(t *testing.T) {
	b := newBench(t)
	c := newBrowser(t, b, auth.SessionConfig{})
	c.signIn(b.verified(), "t")
	seen := func() int { return b.count(`SELECT extract(epoch FROM now() - last_seen_at)::int FROM sessions`) }
	touch := func(polling bool) {
		t.Helper()
		ctx, v, _ := c.request()
		if polling {
			v.Polling()
		}
		if err := c.Touch(ctx); err != nil {
			t.Fatal(err)
		}
	}
	b.exec(`UPDATE sessions SET last_seen_at = now() - interval '50 seconds'`)
	if touch(false); seen() < 50 {
		t.Error("a visit was written twice within a minute")
	}
	b.exec(`UPDATE sessions SET last_seen_at = now() - interval '1 hour'`)
	if touch(true); seen() < 3600 {
		t.Error("polling kept the session alive")
	}
	if touch(false); seen() > 60 {
		t.Error("a visit was not written")
	}
}

// Break SE-8: sessions.go: in CommitCtx, SET data = @data, revoked_at = NULL WHERE token_hash = @token
func TestSessions_SE8_ARequestInFlightRevivesNothing(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	c := newBrowser(t, b, auth.SessionConfig{})
	for round := range 20 {
		c.token = ""
		c.signIn(u, fmt.Sprintf("t%d", round))
		late := make([]context.Context, 20)
		for i := range late {
			late[i], _, _ = c.request()
		}
		_, v, _ := c.request()
		var all sync.WaitGroup
		for i, ctx := range late {
			all.Go(func() { _ = c.CommitCtx(ctx, c.token, fmt.Appendf(nil, "late %d", i), time.Time{}) })
			if i == len(late)/2 {
				all.Go(func() {
					who := actor.Actor{Kind: actor.User, UserID: u.ID, SessionID: v.SessionID}
					if err := patient(func() error { return b.Logout(t.Context(), who) }); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		if _, v, found := c.request(); found || v.User != nil {
			t.Fatalf("round %d: the session lives after the logout", round)
		}
		wantErr(t, c.CommitCtx(late[0], c.token, []byte("later still"), time.Time{}), auth.ErrSessionGone)
	}
	if b.audited("logout", "done") != 20 {
		t.Error("not every logout is in the audit log")
	}
}

// Break SE-8: sessions.go: in CommitCtx, UPDATE ... WHERE token_hash = @old
func TestSessions_SE8_ARenewalInFlightRevivesNothing(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	c := newBrowser(t, b, auth.SessionConfig{})
	c.signIn(u, "t1")
	ctx, v, _ := c.request()
	b.exec(`UPDATE sessions SET revoked_at = now()`)
	c.SignIn(v, u)
	wantErr(t, c.CommitCtx(ctx, "t2", []byte("x"), time.Time{}), auth.ErrSessionGone)
	c.token = "t2"
	if _, _, found := c.request(); found {
		t.Error("a revoked session lives on under a new token")
	}
}

// Break SE-3: logout.go: leave out the UPDATE
func TestLogout_SE3_OnlyTheOwnSessionEnds(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	laptop, phone := newBrowser(t, b, auth.SessionConfig{}), newBrowser(t, b, auth.SessionConfig{})
	laptop.signIn(u, "laptop")
	phone.signIn(u, "phone")
	_, v, _ := laptop.request()
	mallory := actor.Actor{Kind: actor.User, UserID: uuid.New(), SessionID: v.SessionID}
	if err := b.Logout(t.Context(), mallory); err != nil {
		t.Fatal(err)
	}
	if _, _, found := laptop.request(); !found {
		t.Error("somebody else ended the session")
	}
	if err := b.Logout(t.Context(), actor.Actor{Kind: actor.User, UserID: u.ID, SessionID: v.SessionID}); err != nil {
		t.Fatal(err)
	}
	if _, _, found := laptop.request(); found {
		t.Error("the session lives after the logout")
	}
	if _, _, found := phone.request(); !found {
		t.Error("the other session ended, too")
	}
}

func TestSessions_OldOnesAreClearedAway(t *testing.T) {
	b := newBench(t)
	c := newBrowser(t, b, auth.SessionConfig{})
	for i := range 4 {
		c.token = ""
		ctx, _, _ := c.request()
		if err := c.CommitCtx(ctx, fmt.Sprint("anonymous", i), []byte{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	b.exec(`UPDATE sessions SET expires_at = now() - interval '2 hours'`)
	c.signIn(b.verified(), "t")
	if n := b.count(`SELECT count(*) FROM sessions`); n != 1 {
		t.Errorf("%d sessions left", n)
	}
}
