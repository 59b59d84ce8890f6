package auth_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/errs"
)

// made makes a verified person without going through sign-up.
func (b *bench) made(name string, role auth.Role) (auth.User, actor.Actor) {
	b.t.Helper()
	hash, err := b.config.Passwords.HashPassword(good.Password)
	if err != nil {
		b.t.Fatal(err)
	}
	address := name + "@example.com"
	b.exec(`INSERT INTO users (id, email, email_key, name, password_hash, role, verified_at) VALUES ($1, $2, $3, $4, $5, $6, now())`,
		uuid.Must(uuid.NewV7()), address, auth.EmailKey(address), name, hash, string(role))
	u, err := b.GetUserByEmail(b.t.Context(), address)
	if err != nil {
		b.t.Fatal(err)
	}
	kind := actor.User
	if role == auth.RoleAdmin {
		kind = actor.Admin
	}
	return u, actor.Actor{Kind: kind, UserID: u.ID, RequestID: "req_" + name}
}

// staffActs are what an administrator can do to one person.
func staffActs(b *bench) map[string]func(ctx context.Context, who actor.Actor, u auth.User) error {
	return map[string]func(ctx context.Context, who actor.Actor, u auth.User) error{
		"promote": func(ctx context.Context, who actor.Actor, u auth.User) error {
			_, err := b.SetRole(ctx, who, u.ID, auth.RoleAdmin)
			return err
		},
		"demote": func(ctx context.Context, who actor.Actor, u auth.User) error {
			_, err := b.SetRole(ctx, who, u.ID, auth.RoleUser)
			return err
		},
		"disable": func(ctx context.Context, who actor.Actor, u auth.User) error {
			_, err := b.Disable(ctx, who, u.ID)
			return err
		},
		"enable": func(ctx context.Context, who actor.Actor, u auth.User) error {
			_, err := b.Enable(ctx, who, u.ID)
			return err
		},
		"sign out": func(ctx context.Context, who actor.Actor, u auth.User) error {
			_, err := b.SignOut(ctx, who, u.ID)
			return err
		},
		"reset": func(ctx context.Context, who actor.Actor, u auth.User) error {
			_, err := b.StartReset(ctx, who, u.ID)
			return err
		},
		"delete": func(ctx context.Context, who actor.Actor, u auth.User) error {
			_, err := b.DeleteUser(ctx, who, u.ID, u.Email, func(context.Context) error { return nil })
			return err
		},
	}
}

// Nobody but an administrator, as the database says at that moment, does any of it: not a person, not one who was made
// an ordinary person or disabled since their request began, not a job.
// Break AZ-4: services/auth/people.go: in asAdmin, leave out slices.Contains
func TestPeople_AZ4_OnlyWhoAdministersNow(t *testing.T) {
	b := newBench(t)
	b.made("boss", auth.RoleAdmin)
	nora, norasActor := b.made("nora", auth.RoleUser)
	demoted, demotedActor := b.made("demoted", auth.RoleAdmin)
	disabled, disabledActor := b.made("disabled", auth.RoleAdmin)
	b.exec(`UPDATE users SET role = 'user' WHERE id = $1`, demoted.ID)
	b.exec(`UPDATE users SET disabled_at = now() WHERE id = $1`, disabled.ID)
	before := b.count(`SELECT count(*) FROM audit_events`)
	for name, act := range staffActs(b) {
		for _, who := range []actor.Actor{{}, norasActor, demotedActor, disabledActor, actor.ForJob(nora.ID, "job")} {
			if err := act(t.Context(), who, nora); !errors.Is(err, auth.ErrNotAdmin) {
				t.Errorf("%s by %+v: %v", name, who, err)
			}
		}
	}
	for _, who := range []actor.Actor{{}, norasActor, demotedActor, disabledActor} {
		wantErr(t, b.Invite(t.Context(), who, "somebody@example.com"), auth.ErrNotAdmin)
		wantErr(t, b.RevokeInvitation(t.Context(), who, uuid.New()), auth.ErrNotAdmin)
	}
	if after := b.count(`SELECT count(*) FROM audit_events`); after != before || b.count(`SELECT count(*) FROM users WHERE id = $1 AND role = 'user' AND disabled_at IS NULL`, nora.ID) != 1 {
		t.Error("something happened all the same")
	}
}

// Break AZ-5: services/auth/people.go: in Disable, leave out the case of a.own()
func TestPeople_AZ5_OwnAccountAndTheLastOne(t *testing.T) {
	b := newBench(t)
	boss, bossActor := b.made("boss", auth.RoleAdmin)
	acts := staffActs(b)
	for _, name := range []string{"demote", "disable", "delete"} {
		wantErr(t, acts[name](t.Context(), bossActor, boss), auth.ErrLastAdmin)
		wantErr(t, acts[name](t.Context(), host, boss), auth.ErrLastAdmin)
	}
	b.made("other", auth.RoleAdmin)
	for _, name := range []string{"demote", "disable", "delete"} {
		err := acts[name](t.Context(), bossActor, boss)
		wantErr(t, err, auth.ErrOwnAccount)
		if errs.KindOf(err) != errs.Conflict || errs.Message(err) == "" {
			t.Errorf("%s is refused without a word: %v", name, err)
		}
	}
	if n := b.count(`SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL`); n != 2 {
		t.Errorf("%d administrators", n)
	}
}

// Both have begun when the first one goes on: the second waits for it, and finds that they administer no more.
// Break AZ-5: services/auth/admin.go: in lockAdmins, leave out pg_advisory_xact_lock
func TestPeople_AZ5_TheyQueue(t *testing.T) {
	for _, act := range []string{"demote", "disable", "delete"} {
		b := newBench(t)
		one, oneActor := b.made("one", auth.RoleAdmin)
		two, twoActor := b.made("two", auth.RoleAdmin)
		refused := 0
		for _, err := range b.meanwhile(one.ID, `SELECT FROM users WHERE $1::uuid IS NOT NULL FOR UPDATE`, nil,
			func() error { return staffActs(b)[act](t.Context(), oneActor, two) },
			func() error { return staffActs(b)[act](t.Context(), twoActor, one) }) {
			if errors.Is(err, auth.ErrNotAdmin) {
				refused++
			} else if err != nil {
				t.Errorf("%s: %v", act, err)
			}
		}
		if n := b.count(`SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL`); n != 1 || refused != 1 {
			t.Errorf("%s: %d administrators are left, %d were refused", act, n, refused)
		}
	}
}

// Two administrators who unmake each other at the same time: one of them stays, with a third one watching or without, and
// neither is told that the database is away.
// Break AZ-5: services/auth/admin.go: in lockAdmins, leave out the advisory lock
func TestPeople_AZ5_TwoAtOnce(t *testing.T) {
	for _, act := range []string{"demote", "disable", "delete"} {
		for _, third := range []bool{false, true} {
			b := newBench(t)
			if third {
				b.made("third", auth.RoleAdmin)
			}
			for round := range 5 {
				one, oneActor := b.made(fmt.Sprint("one", round), auth.RoleAdmin)
				two, twoActor := b.made(fmt.Sprint("two", round), auth.RoleAdmin)
				var all sync.WaitGroup
				for _, c := range []struct {
					who  actor.Actor
					whom auth.User
				}{{oneActor, two}, {twoActor, one}} {
					all.Go(func() {
						if err := staffActs(b)[act](t.Context(), c.who, c.whom); err != nil && !errors.Is(err, auth.ErrNotAdmin) && !errors.Is(err, auth.ErrNotFound) {
							t.Error(err)
						}
					})
				}
				all.Wait()
				if n := b.count(`SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL AND id IN ($1, $2)`, one.ID, two.ID); n != 1 {
					t.Fatalf("%s with a third %t: %d of the two are left", act, third, n)
				}
				b.exec(`UPDATE users SET role = 'user' WHERE id IN ($1, $2)`, one.ID, two.ID)
			}
		}
	}
}

// Whatever an administrator does to an account ends everything that was opened with it: sessions, API tokens, refresh
// tokens, links to choose a password. Enabling ends nothing, because there is nothing.
// Break SE-6: services/auth/people.go: in shutOut, return nil in place of ending the sessions
func TestPeople_SE6_ActsEndWhatWasOpen(t *testing.T) {
	for _, name := range []string{"promote", "demote", "disable", "sign out", "delete"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			_, boss := b.made("boss", auth.RoleAdmin)
			b.made("other", auth.RoleAdmin)
			u := b.verified()
			if name == "demote" {
				b.exec(`UPDATE users SET role = 'admin' WHERE id = $1`, u.ID)
				u.Role = auth.RoleAdmin
			}
			c := newBrowser(t, b, auth.SessionConfig{})
			c.signIn(u, "t")
			tokens := b.apiLogin()
			b.exec(`INSERT INTO links (token_hash, user_id, purpose, email_key, expires_at) VALUES ('\x01', $1, 'reset', $2, now() + interval '1 hour')`, u.ID, auth.EmailKey(u.Email))
			if _, _, found := c.request(); !found || !b.authenticated(tokens) {
				t.Fatal("nothing is open")
			}
			if err := staffActs(b)[name](t.Context(), boss, u); err != nil {
				t.Fatal(err)
			}
			if _, _, found := c.request(); found {
				t.Error("the session lives")
			}
			if b.authenticated(tokens) {
				t.Error("the access token works")
			}
			if _, err := b.Refresh(t.Context(), stranger, tokens.Refresh); !errors.Is(err, auth.ErrRefresh) {
				t.Errorf("the refresh token works: %v", err)
			}
			if n := b.count(`SELECT count(*) FROM links WHERE user_id = $1 AND purpose = 'reset' AND used_at IS NULL`, u.ID); n != 0 {
				t.Error("the link to choose a password works")
			}
		})
	}
}

// A reset by an administrator is a mail to the person and nothing else: the password stays, and no answer holds a link.
// Break EV-3: services/auth/people.go: in StartReset, also UPDATE users SET password_hash = ”
func TestPeople_EV3_ResetOnlyMails(t *testing.T) {
	b := newBench(t)
	_, boss := b.made("boss", auth.RoleAdmin)
	u := b.verified()
	before := query[string](b, `SELECT password_hash FROM users WHERE id = $1`, u.ID)
	if _, err := b.StartReset(t.Context(), boss, u.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.StartReset(t.Context(), boss, u.ID); errs.KindOf(err) != errs.Conflict {
		t.Errorf("two within a minute, of which the first is void: %v", err)
	}
	b.now = b.now.Add(time.Minute)
	if _, err := b.StartReset(t.Context(), host, u.ID); err != nil {
		t.Fatal(err)
	}
	if after := query[string](b, `SELECT password_hash FROM users WHERE id = $1`, u.ID); after != before {
		t.Error("the password is another one")
	}
	if n := b.mails(email.Reset); n != 2 || b.audited("user.reset", "done") != 2 {
		t.Errorf("%d mails", n)
	}
	if _, err := b.login(from(9), good.Password, ""); err != nil {
		t.Errorf("the password does not work any more: %v", err)
	}
	b.exec(`UPDATE users SET disabled_at = now() WHERE id = $1`, u.ID)
	if _, err := b.StartReset(t.Context(), boss, u.ID); errs.KindOf(err) != errs.Conflict {
		t.Errorf("for a disabled account: %v", err)
	}
}

func TestPeople_DisableEnableDelete(t *testing.T) {
	b := newBench(t)
	_, boss := b.made("boss", auth.RoleAdmin)
	u := b.verified()
	for range 2 { // twice is no error, and one line in the log
		if _, err := b.Disable(t.Context(), boss, u.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.login(from(1), good.Password, ""); !errors.Is(err, auth.ErrCredentials) {
		t.Errorf("a disabled person signs in: %v", err)
	}
	if _, err := b.SetRole(t.Context(), boss, u.ID, auth.RoleAdmin); errs.KindOf(err) != errs.Conflict {
		t.Errorf("a disabled administrator: %v", err)
	}
	if _, err := b.Enable(t.Context(), boss, u.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.login(from(2), good.Password, ""); err != nil {
		t.Errorf("after it was enabled: %v", err)
	}
	left := false
	leave := func(context.Context) error {
		left = b.count(`SELECT count(*) FROM users WHERE id = $1 AND disabled_at IS NOT NULL`, u.ID) == 1
		return nil
	}
	_, err := b.DeleteUser(t.Context(), boss, u.ID, "other@example.com", leave)
	wantField(t, err, "email")
	if left || b.count(`SELECT count(*) FROM users WHERE id = $1 AND disabled_at IS NULL`, u.ID) != 1 {
		t.Error("a wrong address changed something")
	}
	if _, err := b.DeleteUser(t.Context(), boss, u.ID, " TEST@example.com", leave); err != nil || !left {
		t.Fatalf("%v; shut out before leaving: %t", err, left)
	}
	_, err = b.DeleteUser(t.Context(), boss, u.ID, u.Email, leave)
	wantErr(t, err, auth.ErrNotFound)
	if b.count(`SELECT count(*) FROM users WHERE id = $1`, u.ID) != 0 || b.audited("user.deleted", "done") != 1 || b.audited("user.disabled", "done") != 2 || b.audited("user.enabled", "done") != 1 {
		t.Error("the account is there, or the log is wrong")
	}
}
