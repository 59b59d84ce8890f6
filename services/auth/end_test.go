package auth_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/email"
)

// opened is what a person's credentials have opened: a session they act through, another one, an API token, a link to
// choose a new password, a change of address with its link.
type opened struct {
	b           *bench
	user        auth.User
	own, other  *browser
	tokens      auth.Tokens
	who, boss   actor.Actor
	resetLinkID []byte
}

func open(t *testing.T, b *bench, u auth.User) *opened {
	t.Helper()
	o := &opened{b: b, user: u, own: newBrowser(t, b, auth.SessionConfig{}), other: newBrowser(t, b, auth.SessionConfig{}), resetLinkID: []byte("reset")}
	o.own.signIn(u, "own")
	o.other.signIn(u, "other")
	o.tokens = b.apiLogin()
	b.exec(`INSERT INTO links (token_hash, user_id, purpose, expires_at) VALUES ($1, $2, 'reset', now() + interval '1 hour'), ('email', $2, 'email', now() + interval '1 hour')`, o.resetLinkID, u.ID)
	b.exec(`INSERT INTO address_changes (user_id, id, old_email, old_key, new_email, new_key) VALUES ($1, $2, $3, $3, 'eve@example.com', 'eve@example.com')`, u.ID, uuid.New(), u.Email)
	_, v, _ := o.own.request()
	o.who = actor.Actor{Kind: actor.User, UserID: u.ID, SessionID: v.SessionID, IP: stranger.IP}
	return o
}

// alive says which of it still works.
func (o *opened) alive() map[string]bool {
	o.b.t.Helper()
	_, _, own := o.own.request()
	_, _, other := o.other.request()
	_, err := o.b.Refresh(o.b.t.Context(), stranger, o.tokens.Refresh)
	return map[string]bool{
		"own session": own, "other session": other, "access token": o.b.authenticated(o.tokens), "refresh token": err == nil,
		"reset link":   o.b.count(`SELECT count(*) FROM links WHERE token_hash = $1 AND used_at IS NULL`, o.resetLinkID) == 1,
		"confirm link": o.b.count(`SELECT count(*) FROM links WHERE token_hash = 'email' AND used_at IS NULL`) == 1,
		"new address":  o.b.count(`SELECT count(*) FROM address_changes WHERE user_id = $1 AND confirmed_at IS NULL`, o.user.ID) == 1,
	}
}

// renew is what handlers/web does with the session a person acts through.
func (o *opened) renew(ctx context.Context, u auth.User) error {
	o.own.SignIn(auth.VisitorFrom(ctx), u)
	o.own.token = "renewed"
	return o.own.CommitCtx(ctx, o.own.token, []byte("data"), o.b.now)
}

// move takes the person to another address; who opens the link that confirms it.
func (o *opened) move(ctx context.Context, who actor.Actor) error {
	if err := o.b.ChangeEmail(ctx, o.who, good.Password, "moved@example.com"); err != nil {
		return err
	}
	return o.b.ConfirmEmail(ctx, who, o.b.mailed(email.ConfirmAddress).Token)
}

// What ends when, event by event; what is not named ends.
//
// Break SE-6: services/auth/end.go: in EndSessions, leave out the part mailed AS (...)
// Break SE-6: services/auth/end.go: in EndSessions, leave out the part asked AS (...)
func TestEndSessions_SE6_WhatEndsWhen(t *testing.T) {
	for _, event := range []struct {
		name string
		act  func(o *opened, ctx context.Context) error
		live []string
	}{
		{"nothing", func(*opened, context.Context) error { return nil }, []string{"own session", "other session", "access token", "refresh token", "reset link", "confirm link", "new address"}},
		{"password changed", func(o *opened, ctx context.Context) error {
			return o.b.ChangePassword(ctx, o.who, good.Password, "four quiet herons", o.renew)
		}, []string{"own session"}},
		{"other sessions ended", func(o *opened, ctx context.Context) error { return o.b.EndOtherSessions(ctx, o.who) }, []string{"own session"}},
		{"password reset", func(o *opened, ctx context.Context) error {
			return o.b.ResetPassword(ctx, stranger, o.b.forgot(), "four quiet herons")
		}, nil},
		{"address changed, elsewhere", func(o *opened, ctx context.Context) error { return o.move(ctx, stranger) }, nil},
		{"address changed, here", func(o *opened, ctx context.Context) error { return o.move(ctx, o.who) }, []string{"own session"}},
		{"change of address undone", func(o *opened, ctx context.Context) error {
			if err := o.move(ctx, o.who); err != nil {
				return err
			}
			return o.b.UndoEmail(ctx, stranger, o.b.mailed(email.AddressChanged).Token)
		}, nil},
		{"made an administrator", func(o *opened, ctx context.Context) error {
			_, err := o.b.SetRole(ctx, o.boss, o.user.ID, auth.RoleAdmin)
			return err
		}, nil},
		{"no administrator any more", func(o *opened, ctx context.Context) error {
			o.b.exec(`UPDATE users SET role = 'admin'`)
			_, err := o.b.RevokeAdmin(ctx, actor.ForSystem("test"), o.user.Email)
			return err
		}, nil},
		{"disabled, and enabled again", func(o *opened, ctx context.Context) error {
			if _, err := o.b.Disable(ctx, o.boss, o.user.ID); err != nil {
				return err
			}
			_, err := o.b.Enable(ctx, o.boss, o.user.ID)
			return err
		}, nil},
		{"signed out by an administrator", func(o *opened, ctx context.Context) error {
			_, err := o.b.SignOut(ctx, o.boss, o.user.ID)
			return err
		}, nil},
		{"deleted", func(o *opened, ctx context.Context) error {
			_, err := o.b.DeleteUser(ctx, o.boss, o.user.ID, o.user.Email, func(context.Context) error { return nil })
			return err
		}, nil},
	} {
		t.Run(event.name, func(t *testing.T) {
			b := newBench(t)
			u := b.verified()
			boss, err := b.Register(t.Context(), from(1), auth.Registration{Name: "b", Email: "boss@example.com", Password: good.Password})
			if err != nil {
				t.Fatal(err)
			}
			b.exec(`UPDATE users SET role = 'admin', verified_at = now() WHERE id = $1`, boss.ID)
			o := open(t, b, u)
			o.boss = actor.Actor{Kind: actor.Admin, UserID: boss.ID}
			ctx, _, _ := o.own.request()
			if err := event.act(o, ctx); err != nil {
				t.Fatal(err)
			}
			want := map[string]bool{}
			for _, name := range event.live {
				want[name] = true
			}
			for name, is := range o.alive() {
				if is != want[name] {
					t.Errorf("%s: alive %t, want %t", name, is, want[name])
				}
			}
		})
	}
}

// A login on its way when the password changes must not outlive it.
//
// Break SE-6: services/auth/login.go: in write, leave out AND password_changed_at = @epoch
func TestLogin_SE6_ThePasswordChangesMeanwhile(t *testing.T) {
	b := newBench(t)
	b.verified()
	b.inVerify = func() { b.exec(`UPDATE users SET password_changed_at = now()`) }
	_, err := b.login(stranger, good.Password, "")
	wantErr(t, err, auth.ErrCredentials)
	if _, err := b.login(stranger, good.Password, ""); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Break SE-5: services/auth/end.go: in EndSession, leave out AND user_id = @user
func TestEndSession_SE5_OnlyOnesOwn(t *testing.T) {
	b := newBench(t)
	o := open(t, b, b.verified())
	_, v, _ := o.other.request()
	mallory := actor.Actor{Kind: actor.User, UserID: uuid.New(), SessionID: uuid.New()}
	for _, refused := range []error{b.EndSession(t.Context(), mallory, v.SessionID), b.EndSession(t.Context(), o.who, uuid.New())} {
		wantErr(t, refused, auth.ErrNoSession)
	}
	if !o.alive()["other session"] {
		t.Fatal("somebody else ended the session")
	}
	if err := b.EndSession(t.Context(), o.who, v.SessionID); err != nil {
		t.Fatal(err)
	}
	if alive := o.alive(); alive["other session"] || !alive["own session"] {
		t.Errorf("%v", alive)
	}
	wantErr(t, b.EndSession(t.Context(), o.who, v.SessionID), auth.ErrNoSession)
	if b.audited("session.end", "done") != 1 {
		t.Error("not in the audit log")
	}
}

// Break SE-5: services/auth/list.go: leave out s.revoked_at IS NULL AND
func TestList_SE5_WhatLivesAndWhoseItIs(t *testing.T) {
	b := newBench(t)
	o := open(t, b, b.verified())
	idle, ended := newBrowser(t, b, auth.SessionConfig{}), newBrowser(t, b, auth.SessionConfig{})
	idle.signIn(o.user, "idle")
	ended.signIn(o.user, "ended")
	b.exec(`UPDATE sessions SET last_seen_at = now() - interval '25 hours' WHERE token_hash = 'idle'`)
	b.exec(`UPDATE sessions SET revoked_at = now() WHERE token_hash = 'ended'`)
	list, programs, err := o.own.List(t.Context(), o.who)
	if err != nil || len(list) != 2 || list[0].ID != o.who.SessionID || list[0].UserAgent != "test" || list[0].IP == nil || *list[0].IP != stranger.IP || programs != 1 {
		t.Errorf("%+v, %d programs, %v", list, programs, err)
	}
	if list, _, err := o.own.List(t.Context(), actor.Actor{UserID: uuid.New()}); err != nil || len(list) != 0 {
		t.Errorf("somebody else sees %+v, %v", list, err)
	}
}
