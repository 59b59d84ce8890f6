package auth_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/errs"
)

// Break SE-5: services/auth/sessions.go: in CommitCtx, leave out proved_at = now() where SignIn moves the record
func TestReauthenticate_SE5_FreshForAQuarterOfAnHour(t *testing.T) {
	b := newBench(t)
	o := open(t, b, b.verified())
	fresh := func() bool { _, v, _ := o.own.request(); return v.Fresh }
	if !fresh() {
		t.Error("a sign-in is no proof")
	}
	b.exec(`UPDATE sessions SET proved_at = now() - interval '15 minutes'`)
	if fresh() {
		t.Error("a proof lasts longer than a quarter of an hour")
	}
	ctx, _, _ := o.own.request()
	wantErr(t, b.Reauthenticate(ctx, o.who, "wrong", o.renew), auth.ErrPassword)
	if fresh() {
		t.Error("a wrong password is a proof")
	}
	ctx, before, _ := o.own.request()
	if err := b.Reauthenticate(ctx, o.who, good.Password, o.renew); err != nil {
		t.Fatal(err)
	}
	if _, after, _ := o.own.request(); !after.Fresh || after.SessionID != before.SessionID {
		t.Errorf("fresh %t, the record was %v and is %v", after.Fresh, before.SessionID, after.SessionID)
	}
	o.own.token = "own"
	if _, v, found := o.own.request(); found || v.User != nil {
		t.Error("the token from before still opens (LG-4)")
	}
	if b.audited("reauth", "done") != 1 || b.audited("reauth", "refused") != 1 {
		t.Error("not in the audit log")
	}
}

// Break RL-1: services/auth/prove.go: in mayProve, leave out s.Limits.Peek
func TestReauthenticate_RL1_TenTriesAndNoHashMore(t *testing.T) {
	b := newBench(t)
	o := open(t, b, b.verified())
	try := func(pass string) error {
		ctx, _, _ := o.own.request()
		return b.Reauthenticate(ctx, o.who, pass, o.renew)
	}
	for range 10 {
		wantErr(t, try("wrong"), auth.ErrPassword)
	}
	cost := b.work(func() {
		if err := try(good.Password); errs.KindOf(err) != errs.RateLimited || errs.RetryAfter(err) <= 0 {
			t.Errorf("the eleventh: %v", err)
		}
	})
	if cost.hashes != 0 {
		t.Errorf("it cost %+v", cost)
	}
	elsewhere := o.who // what happens in one session closes no other, and not the login either (RL-2)
	elsewhere.SessionID, elsewhere.IP = uuid.New(), from(7).IP
	if err := b.Reauthenticate(t.Context(), elsewhere, good.Password, noSession); err != nil {
		t.Errorf("in another session: %v", err)
	}
	if _, err := b.login(from(8), good.Password, ""); err != nil {
		t.Errorf("at the login: %v", err)
	}
	b.now = b.now.Add(16 * time.Minute)
	if err := try(good.Password); err != nil {
		t.Errorf("a quarter of an hour later: %v", err)
	}
}

func TestChangePassword(t *testing.T) {
	b := newBench(t)
	o := open(t, b, b.verified())
	change := func(current, next string) error {
		ctx, _, _ := o.own.request()
		return b.ChangePassword(ctx, o.who, current, next, o.renew)
	}
	wantErr(t, change("wrong", "four quiet herons"), auth.ErrPassword)
	for _, bad := range []string{"short", "password1", "Test User 1", good.Password, "four quiet\x00herons"} {
		wantField(t, change(good.Password, bad), "password")
	}
	if err := change(good.Password, "four quiet herons"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.login(from(1), good.Password, ""); err == nil {
		t.Error("the old password still opens")
	}
	if _, err := b.login(from(2), "four quiet herons", ""); err != nil {
		t.Errorf("the new one: %v", err)
	}
	if b.audited("password", "done") != 1 || b.mails(email.PasswordChanged) != 1 {
		t.Error("not in the audit log, or nobody was told")
	}
}

// Two changes at once: the second proved a password that is no more.
func TestChangePassword_OnceForOnePassword(t *testing.T) {
	b := newBench(t)
	o := open(t, b, b.verified())
	inner := error(nil)
	ctx, _, _ := o.own.request()
	b.inVerify = func() {
		inner = b.ChangePassword(t.Context(), o.who, good.Password, "five quiet herons", func(context.Context, auth.User) error { return nil })
	}
	wantErr(t, b.ChangePassword(ctx, o.who, good.Password, "four quiet herons", o.renew), auth.ErrChanged)
	if inner != nil {
		t.Error(inner)
	}
	if _, err := b.login(from(2), "five quiet herons", ""); err != nil {
		t.Errorf("the one that was first: %v", err)
	}
}
