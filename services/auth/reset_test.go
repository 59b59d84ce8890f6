package auth_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/errs"
)

const chosen = "an entirely new passphrase"

// forgot asks for a new password and gives the link that was mailed.
func (b *bench) forgot() string {
	b.t.Helper()
	b.now = b.now.Add(time.Minute) // one mail a minute
	if err := b.RequestReset(b.t.Context(), from(int(b.now.Unix()%60000)), good.Email); err != nil {
		b.t.Fatal(err)
	}
	return b.mailed(email.Reset).Token
}

// Break RS-2: links.go: in liveLink, leave out AND l.used_at IS NULL
// Break RS-2: links.go: in liveLink, leave out the line AND (l.password_changed_at IS NULL OR ...)
// Break RS-2: links.go: in liveLink, leave out AND l.purpose = @purpose
// Break RS-2: links.go: in mintLink, DELETE FROM links WHERE false AND purpose = @purpose
func TestReset_RS2_ALinkIsBoundToEverything(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	reset := func(link string) error { return b.ResetPassword(t.Context(), stranger, link, chosen) }

	older := b.forgot()
	link := b.forgot()
	if n := b.count(`SELECT count(*) FROM links l WHERE l::text LIKE '%' || $1 || '%'`, link); n != 0 || len(link) < 22 {
		t.Errorf("%d rows hold the link %q itself", n, link)
	}
	if lasts := query[time.Duration](b, `SELECT expires_at - created_at FROM links WHERE purpose = 'reset' AND used_at IS NULL`); lasts != 45*time.Minute {
		t.Errorf("a link lasts %v", lasts)
	}
	for _, wrong := range []string{"", "x", older, link[:42] + "-"} {
		if wrong != link {
			cost := b.work(func() { wantErr(t, reset(wrong), auth.ErrLink) })
			if cost.hashes != 0 {
				t.Errorf("%q costs a hash", wrong)
			}
		}
	}
	if err := b.ChangeEmail(t.Context(), in(u), good.Password, "other@example.com"); err != nil {
		t.Fatal(err)
	}
	wantErr(t, reset(b.mailed(email.ConfirmAddress).Token), auth.ErrLink) // made for something else
	wantErr(t, b.ConfirmEmail(t.Context(), stranger, link), auth.ErrLink)

	wantField(t, b.ResetPassword(t.Context(), stranger, link, "short"), "password")
	wantField(t, b.ResetPassword(t.Context(), stranger, link, "Test User"), "password") // PW-3: the person's own name
	if err := reset(link); err != nil {
		t.Fatalf("bad input spent the link: %v", err)
	}
	b.exec(`UPDATE links SET password_changed_at = u.password_changed_at FROM users u`) // so that only its use stands in the way
	wantErr(t, reset(link), auth.ErrLink)

	link = b.forgot()
	b.exec(`UPDATE users SET password_changed_at = now()`)
	wantErr(t, reset(link), auth.ErrLink)
	link = b.forgot()
	b.exec(`UPDATE users SET email_key = 'moved@example.com'`)
	wantErr(t, reset(link), auth.ErrLink)
	b.exec(`UPDATE users SET email_key = $1`, auth.EmailKey(good.Email))
	b.exec(`UPDATE users SET disabled_at = now()`)
	wantErr(t, reset(link), auth.ErrLink)
	b.exec(`UPDATE users SET disabled_at = NULL`)
	b.exec(`UPDATE links SET expires_at = now()`)
	wantErr(t, reset(link), auth.ErrLink)
	if b.audited("password.reset", "done") != 1 {
		t.Error("one reset, one audit row")
	}
}

// Break RS-7: links.go: in spend, err = nil in place of err = ErrLink
func TestReset_RS7_FiftyAtOnceOneSuccess(t *testing.T) {
	b := newBench(t)
	b.verified()
	link := b.forgot()
	var mu sync.Mutex
	worked := 0
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			err := patient(func() error { return b.ResetPassword(t.Context(), stranger, link, chosen) })
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				worked++
			} else if !errors.Is(err, auth.ErrLink) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if worked != 1 || b.mails(email.PasswordChanged) != 1 {
		t.Errorf("%d of 50 worked, %d mails tell of it", worked, b.mails(email.PasswordChanged))
	}
}

// Break RS-6: reset.go: leave out s.mail(ctx, tx, who, email.PasswordChanged, a.ID)
// Break SE-6: reset.go: leave out s.EndSessions
func TestReset_RS6_SE6_TheOwnerIsToldAndEverythingEnds(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	c := newBrowser(t, b, auth.SessionConfig{})
	c.signIn(u, "t1")
	tokens, err := b.CreateRefreshToken(t.Context(), in(u), u)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.ResetPassword(t.Context(), stranger, b.forgot(), chosen); err != nil {
		t.Fatal(err)
	}
	if _, _, found := c.request(); found {
		t.Error("a session outlives the reset")
	}
	b.exec(`UPDATE users SET password_changed_at = password_changed_at - interval '1 day'`) // by which alone they would be dead
	_, err = b.Refresh(t.Context(), stranger, tokens.Refresh)
	wantErr(t, err, auth.ErrRefresh)
	if facts := b.mailed(email.PasswordChanged); facts.Email != good.Email || facts.Token != "" {
		t.Errorf("%+v", facts)
	}
	_, err = b.login(from(1), good.Password, "")
	wantErr(t, err, auth.ErrCredentials)
	if _, err = b.login(from(2), chosen, ""); err != nil {
		t.Error(err)
	}
}

// Break RS-1: reset.go: return early when a is nil
// Break RS-1: mail.go: in linkDue, return due, err before linkMails is asked
func TestReset_RS1_SameWorkAndOneMailAMinute(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	b.exec(`UPDATE users SET disabled_at = now() WHERE id = $1`, b.person("disabled@example.com").ID)
	var costs []load
	for i, address := range []string{good.Email, good.Email, "nobody@example.com", "disabled@example.com"} {
		costs = append(costs, b.work(func() {
			if err := b.RequestReset(t.Context(), from(i), address); err != nil {
				t.Error(err)
			}
		}))
		if costs[i] != costs[0] || costs[i].hashes != 0 {
			t.Errorf("%s: %+v, want %+v", address, costs[i], costs[0])
		}
	}
	sent := func() int {
		return b.count(`SELECT count(*) FROM river_job WHERE args ->> 'purpose' = 'reset' AND args ->> 'user_id' = $1`, u.ID.String())
	}
	if sent() != 1 {
		t.Errorf("%d mails within a minute", sent())
	}
	for i := range 9 {
		b.now = b.now.Add(time.Minute)
		_ = b.RequestReset(t.Context(), from(9+i), good.Email)
		if sent() != min(2+i, 5) { // the last link stays good, whoever goes on asking
			t.Errorf("%d mails after %d minutes", sent(), i+1)
		}
	}
	b.now = b.now.Add(time.Hour)
	_ = b.RequestReset(t.Context(), from(19), good.Email)
	if sent() != 6 {
		t.Errorf("%d mails after another hour", sent())
	}
	var err error
	for range 6 {
		err = b.RequestReset(t.Context(), from(20), "nobody@example.com")
	}
	if errs.KindOf(err) != errs.RateLimited {
		t.Errorf("the sixth from one address within an hour: %v", err)
	}
	wantField(t, b.RequestReset(t.Context(), from(21), "no address"), "email")
}

// Whoever forgot their password and failed too often gets in by the mailed link.
// Break RL-2: verify.go: in unlock, "other:"+key
func TestReset_RL2_TheMailedLinkOpensALockedAccount(t *testing.T) {
	b := newBench(t)
	b.verified()
	for i := range 11 {
		_, err := b.login(from(i), "wrong", "")
		wantErr(t, err, auth.ErrCredentials)
	}
	if err := b.ResetPassword(t.Context(), stranger, b.forgot(), chosen); err != nil {
		t.Fatal(err)
	}
	if _, err := b.login(from(99), chosen, ""); err != nil {
		t.Errorf("the owner came by the link and is locked out: %v", err)
	}
}

// prepared is an account that somebody made with an address of another, and all they could have hung on it.
func (b *bench) prepared() (old auth.User, refresh string, c *browser) {
	b.t.Helper()
	old = b.registered()
	t, _ := b.t.(*testing.T)
	c = newBrowser(t, b, auth.SessionConfig{})
	c.signIn(old, "t1")
	tokens, err := b.CreateRefreshToken(b.t.Context(), in(old), old)
	if err != nil {
		b.t.Fatal(err)
	}
	change, connection := uuid.New(), uuid.New()
	b.exec(`INSERT INTO address_changes (user_id, id, old_email, old_key, new_email, new_key) VALUES ($1, $2, $3, $3, 'eve@example.com', 'eve@example.com')`, old.ID, change, good.Email)
	b.exec(`INSERT INTO connections (user_id, id, provider, name, status) VALUES ($1, $2, 'sandbox', 'Bank', 'healthy')`, old.ID, connection)
	b.exec(`INSERT INTO connect_attempts (user_id, id, state_hash, session_id, provider, expires_at) VALUES ($1, $2, 'x', $2, 'sandbox', now() + interval '1 day')`, old.ID, uuid.New())
	b.exec(`INSERT INTO data_keys (user_id, connection_id, wrapped, key_id) VALUES ($1, $2, 'x', 'k')`, old.ID, connection)
	b.exec(`INSERT INTO connection_tokens (user_id, connection_id, provider, generation, access_token) VALUES ($1, $2, 'sandbox', 1, 'x')`, old.ID, connection)
	return old, tokens.Refresh, c
}

// Break SU-5: verify.go: in Verify, tx.Exec(ctx, "UPDATE users SET verified_at = now() WHERE id = $1", a.ID) in place of s.settle
// Break SU-5: register.go: leave out the case of email.Claim
func TestVerify_SU5_WhatWasPreparedIsGone(t *testing.T) {
	for way, open := range map[string]func(b *bench, old auth.User) error{
		"the link of the sign-up": func(b *bench, old auth.User) error { return b.Verify(b.t.Context(), stranger, b.link(old.ID)) },
		"a new password": func(b *bench, _ auth.User) error {
			return b.ResetPassword(b.t.Context(), stranger, b.forgot(), chosen)
		},
		"signing up once more": func(b *bench, _ auth.User) error {
			_, err := b.Register(b.t.Context(), from(7), auth.Registration{Name: "Owner", Email: good.Email, Password: chosen})
			wantErr(b.t, err, auth.ErrEmailTaken)
			return b.ResetPassword(b.t.Context(), stranger, b.mailed(email.Claim).Token, chosen)
		},
	} {
		t.Run(way, func(t *testing.T) {
			b := newBench(t)
			old, refresh, c := b.prepared()
			b.mailed(email.Verify) // a link of the unverified time
			if err := open(b, old); err != nil {
				t.Fatal(err)
			}
			u, err := b.GetUserByEmail(t.Context(), good.Email)
			if err != nil || u.VerifiedAt == nil || u.Role != auth.RoleUser {
				t.Fatalf("%+v, %v", u, err)
			}
			if _, _, found := c.request(); found {
				t.Error("a session of the unverified time lives")
			}
			_, err = b.Refresh(t.Context(), stranger, refresh)
			wantErr(t, err, auth.ErrRefresh)
			for _, table := range b.tablesOfPeople() {
				for _, id := range []uuid.UUID{old.ID, u.ID} {
					if n := b.count(`SELECT count(*) FROM `+table+` WHERE user_id = $1`, id); n != 0 && table != "audit_events" {
						t.Errorf("%d rows of %s came along", n, table)
					}
				}
			}
			if n := b.count(`SELECT count(*) FROM users`); n != 1 || b.mails(email.Welcome) != 1 {
				t.Errorf("%d accounts, %d mails of welcome", n, b.mails(email.Welcome))
			}
		})
	}
}

// An unverified account opens nothing, whatever it holds.
// Break SU-5: sessions.go: in FindCtx, leave out AND u.verified_at IS NOT NULL
// Break SU-5: refresh.go: in lockRefreshToken, leave out AND u.verified_at IS NOT NULL
func TestUnverified_SU5_OpensNothing(t *testing.T) {
	b := newBench(t)
	old, refresh, c := b.prepared()
	if _, _, found := c.request(); found {
		t.Error("an unverified person is signed in")
	}
	_, err := b.Refresh(t.Context(), stranger, refresh)
	wantErr(t, err, auth.ErrRefresh)
	_, err = b.login(from(1), good.Password, "")
	wantErr(t, err, auth.ErrCredentials)
	_, err = b.GrantAdmin(t.Context(), host, old.Email)
	if errs.KindOf(err) != errs.Conflict {
		t.Errorf("made an administrator: %v", err)
	}
}

// tablesOfPeople are all tables with a user_id.
func (b *bench) tablesOfPeople() []string {
	b.t.Helper()
	return query[[]string](b, `SELECT array_agg(table_name::text) FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'user_id'`)
}
