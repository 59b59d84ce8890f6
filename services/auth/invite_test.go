package auth_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/errs"
)

// invited has an administrator invite an address, and gives the link's token as the mail's worker makes it.
func (b *bench) invited(boss actor.Actor, address string) (token string, id uuid.UUID) {
	b.t.Helper()
	if err := b.Invite(b.t.Context(), boss, address); err != nil {
		b.t.Fatal(err)
	}
	id = query[uuid.UUID](b, `SELECT (args->>'about')::uuid FROM river_job WHERE args->>'purpose' = 'invitation' ORDER BY id DESC LIMIT 1`)
	facts, err := b.MailFacts(b.t.Context(), actor.ForJob(uuid.Nil, "req_test"), email.Invitation, id, time.Now())
	if err != nil || facts.Email != address {
		b.t.Fatalf("mail facts: %+v, %v", facts, err)
	}
	return facts.Token, id
}

func TestInvite_OneAccountForTheAddressItWentTo(t *testing.T) {
	b := newBench(t, func(c *auth.Config) { c.Signup = auth.SignupInvite })
	_, boss := b.made("boss", auth.RoleAdmin)
	_, err := b.Register(t.Context(), stranger, good)
	wantErr(t, err, auth.ErrSignupInvited)
	token, _ := b.invited(boss, "Nora@Example.com")
	if n := b.count(`SELECT count(*) FROM invitations i, river_job j WHERE i.token_hash IS NOT NULL AND j.args::text LIKE '%nora%'`); n != 0 {
		t.Error("the job holds the address")
	}
	for range 2 { // looking uses nothing up
		if address, err := b.CheckInvitation(t.Context(), token); err != nil || address != "Nora@Example.com" {
			t.Fatalf("%q, %v", address, err)
		}
	}
	_, err = b.AcceptInvitation(t.Context(), stranger, token, "", "short")
	wantField(t, err, "name")
	wantField(t, err, "password")
	u, err := b.AcceptInvitation(t.Context(), stranger, token, "Nora", good.Password)
	if err != nil || u.Admin() || u.Email != "Nora@Example.com" {
		t.Fatalf("%+v, %v", u, err)
	}
	if u, err = b.GetUser(t.Context(), u.ID); err != nil || u.VerifiedAt == nil {
		t.Errorf("not verified: %+v, %v", u, err)
	}
	for _, wrong := range []string{token, "", "x", token[:42] + "_"} {
		cost := b.work(func() {
			_, err := b.AcceptInvitation(t.Context(), stranger, wrong, "Eve", good.Password)
			wantErr(t, err, auth.ErrInvitation)
		})
		if cost.hashes != 0 {
			t.Error("a link that does not work costs a hash")
		}
	}
	wantField(t, b.Invite(t.Context(), boss, "nora@example.com"), "email")
	wantField(t, b.Invite(t.Context(), boss, "no address"), "email")
	if b.audited("invitation.created", "done") != 1 || b.audited("invitation.link", "done") != 1 || b.audited("invitation.used", "done") != 1 {
		t.Error("the log is wrong")
	}
}

func TestInvite_ReplacedTakenBackExpiredClosed(t *testing.T) {
	b := newBench(t)
	_, boss := b.made("boss", auth.RoleAdmin)
	first, _ := b.invited(boss, "nora@example.com")
	second, id := b.invited(boss, "nora@example.com")
	_, err := b.CheckInvitation(t.Context(), first)
	wantErr(t, err, auth.ErrInvitation)
	if list, err := b.Invitations(t.Context(), boss); err != nil || len(list) != 1 || list[0].ID != id || !list[0].Sent || list[0].Expired(b.now) {
		t.Errorf("%+v, %v", list, err)
	}
	if n := b.count(`SELECT count(*) FROM invitations WHERE expires_at <= now() + interval '7 days'`); n != 1 {
		t.Errorf("%d invitations that live a week", n)
	}
	b.exec(`UPDATE invitations SET expires_at = now()`)
	_, err = b.AcceptInvitation(t.Context(), stranger, second, "Nora", good.Password)
	wantErr(t, err, auth.ErrInvitation)
	third, id := b.invited(boss, "nora@example.com")
	if err := b.RevokeInvitation(t.Context(), boss, id); err != nil {
		t.Fatal(err)
	}
	wantErr(t, b.RevokeInvitation(t.Context(), boss, id), auth.ErrNoInvitation)
	_, err = b.AcceptInvitation(t.Context(), stranger, third, "Nora", good.Password)
	wantErr(t, err, auth.ErrInvitation)
	_, err = b.MailFacts(t.Context(), actor.ForJob(uuid.Nil, ""), email.Invitation, id, time.Now())
	wantErr(t, err, email.ErrNoMail)

	fourth, _ := b.invited(boss, "nora@example.com")
	closed := b.config
	closed.Signup = auth.SignupClosed
	_, err = auth.New(closed).AcceptInvitation(t.Context(), stranger, fourth, "Nora", good.Password)
	wantErr(t, err, auth.ErrSignupClosed)
	wantErr(t, auth.New(closed).Invite(t.Context(), boss, "ada@example.com"), auth.ErrSignupClosed)
	if n := b.count(`SELECT count(*) FROM users`); n != 1 {
		t.Errorf("%d accounts", n)
	}
	_, err = b.Invitations(t.Context(), stranger)
	wantErr(t, err, auth.ErrNotAdmin)
}

// Break RS-7: services/auth/invite.go: in AcceptInvitation, leave out the case of RowsAffected() == 0
func TestInvite_RS7_FiftyAtOnceOneAccount(t *testing.T) {
	b := newBench(t)
	_, boss := b.made("boss", auth.RoleAdmin)
	token, _ := b.invited(boss, "nora@example.com")
	var all sync.WaitGroup
	var worked atomic.Int32
	for range 50 {
		all.Go(func() {
			err := patient(func() error {
				_, err := b.AcceptInvitation(t.Context(), stranger, token, "Nora", good.Password)
				return err
			})
			if err == nil {
				worked.Add(1)
			} else if !errors.Is(err, auth.ErrInvitation) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := b.count(`SELECT count(*) FROM users WHERE email_key = 'nora@example.com'`); worked.Load() != 1 || n != 1 || b.audited("invitation.used", "done") != 1 {
		t.Errorf("%d worked, %d accounts", worked.Load(), n)
	}
}

// What a stranger signed up with the address before is gone when the owner comes; a verified account stays as it is.
// Break SU-5: services/auth/invite.go: in AcceptInvitation, leave out makeWay
func TestInvite_SU5_AnAccountThatWaitsForVerification(t *testing.T) {
	b := newBench(t)
	_, boss := b.made("boss", auth.RoleAdmin)
	hijacked := b.registered()
	token, _ := b.invited(boss, good.Email)
	u, err := b.AcceptInvitation(t.Context(), stranger, token, "Nora", "another quiet heron wades")
	if err != nil || u.ID == hijacked.ID || u.Name != "Nora" {
		t.Fatalf("%+v, %v", u, err)
	}
	if _, err := b.login(from(1), good.Password, ""); !errors.Is(err, auth.ErrCredentials) {
		t.Errorf("the stranger's password: %v", err)
	}
	if n := b.count(`SELECT count(*) FROM users WHERE email_key = $1`, auth.EmailKey(good.Email)); n != 1 || b.audited("signup.void", "done") != 1 {
		t.Errorf("%d accounts, %d lines tell of the one that is gone", n, b.audited("signup.void", "done"))
	}
	if n := b.count(`SELECT count(*) FROM invitations`); n != 0 {
		t.Error("a used invitation keeps the address")
	}

	late, _ := b.invited(boss, "ada@example.com")
	b.made("ada", auth.RoleUser)
	_, err = b.AcceptInvitation(t.Context(), stranger, late, "Eve", good.Password)
	if !errors.Is(err, auth.ErrInvited) || errs.KindOf(err) != errs.Conflict {
		t.Errorf("over a verified account: %v", err)
	}
}
