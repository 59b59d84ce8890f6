package auth_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/errs"
)

func TestSeed_Auth_RegisterUser(t *testing.T) {
	b := newBench(t)
	u, err := b.Register(t.Context(), stranger, auth.Registration{Email: "test@example.com", Password: "SecurePass123!", Name: "Test User"})
	if err != nil {
		t.Fatal(err)
	}
	if u.Email != "test@example.com" || u.Name != "Test User" || u.Role != auth.RoleUser || u.VerifiedAt != nil {
		t.Errorf("%+v", u)
	}
	if hash := query[string](b, `SELECT password_hash FROM users`); !strings.HasPrefix(hash, "$2a$04$") {
		t.Errorf("stored %q", hash)
	}
	if b.mails(email.Verify) != 1 || b.audited("signup", "done") != 1 {
		t.Error("a sign-up is one mail and one audit row")
	}
}

func TestSeed_Auth_GetUserByEmail(t *testing.T) {
	b := newBench(t)
	want := b.registered()
	got, err := b.GetUserByEmail(t.Context(), " TEST@Example.COM ")
	if err != nil || got.ID != want.ID {
		t.Errorf("%v, %v", got, err)
	}
	_, err = b.GetUserByEmail(t.Context(), "nobody@example.com")
	wantErr(t, err, auth.ErrNotFound)
	got, err = b.GetUser(t.Context(), want.ID)
	if err != nil || got.Email != "test@example.com" {
		t.Errorf("%v, %v", got, err)
	}
}

// Break SU-1: register.go: in insertUser, ON CONFLICT (email_key) DO UPDATE SET password_hash = excluded.password_hash
func TestRegister_SU1_KnownAddressChangesNothingAndTellsItsOwner(t *testing.T) {
	b := newBench(t)
	b.verified()
	before := query[string](b, `SELECT u::text FROM users u`)
	second := auth.Registration{Name: "Mallory", Email: "Test@example.com", Password: "another passphrase"}
	for range 6 {
		_, err := b.Register(t.Context(), stranger, second)
		wantErr(t, err, auth.ErrEmailTaken)
	}
	if after := query[string](b, `SELECT u::text FROM users u`); after != before {
		t.Errorf("the account became\n%s, was\n%s", after, before)
	}
	if n := b.mails(email.Exists); n != 4 {
		t.Errorf("%d mails to the owner within the hour, want 4: the sign-up itself was the fifth", n)
	}
	if b.audited("signup", "refused") != 6 {
		t.Error("not every try is in the audit log")
	}
}

// Two people sign up with one address, which is the owner's whoever came first, and nobody can tell. What either typed opens
// nothing, links of the first sign-up are void, also those that still wait to be mailed, and the mails lead to a password of
// the owner's own choice.
//
// Break SU-5: services/auth/register.go: in insertUser, password_hash = u.password_hash
// Break SU-5: services/auth/mail.go: in MailFacts, leave out l.bound of email.Verify
func TestRegister_SU5_OfTwoSignUpsNobodysPasswordCounts(t *testing.T) {
	eve := auth.Registration{Name: "Eve", Email: "TEST@example.com", Password: "what Eve has chosen"}
	for name, order := range map[string][]auth.Registration{"the stranger first": {eve, good}, "the owner first": {good, eve}, "in a hurry": {good, good}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if _, err := b.Register(t.Context(), from(1), order[0]); err != nil {
				t.Fatal(err)
			}
			old := b.mailed(email.Verify).Token
			refused := func(when string) {
				t.Helper()
				for _, r := range order {
					if _, err := b.login(from(50), r.Password, ""); !errors.Is(err, auth.ErrCredentials) {
						t.Errorf("%s: %q opens the account: %v", when, r.Password, err)
					}
				}
			}
			_, err := b.Register(t.Context(), from(2), order[1])
			wantErr(t, err, auth.ErrEmailTaken)
			wantErr(t, b.Verify(t.Context(), stranger, old), auth.ErrLink)
			if _, err := b.tried(email.Verify); !errors.Is(err, email.ErrNoMail) {
				t.Errorf("the mail of the first sign-up: %v", err)
			}
			refused("unverified")
			link := b.mailed(email.Claim).Token
			_, err = b.Register(t.Context(), from(3), order[0]) // again, and no newer mail goes out
			wantErr(t, err, auth.ErrEmailTaken)
			if err := b.ResendVerification(t.Context(), stranger, good.Email); err != nil || b.mails(email.Claim) != 3 {
				t.Errorf("%d mails to choose a password, %v", b.mails(email.Claim), err)
			}
			if err := b.ResetPassword(t.Context(), stranger, link, chosen); err != nil {
				t.Fatal(err)
			}
			refused("verified")
			if in, err := b.login(from(51), chosen, ""); err != nil || in.User.Name == "Eve" || in.User.VerifiedAt == nil {
				t.Errorf("the owner is %+v, %v", in.User, err)
			}
		})
	}
}

// Break SU-2: register.go: return ErrEmailTaken before s.Hashes.Hash when findAccount finds the address
func TestRegister_SU2_KnownAndNewAddressCostTheSame(t *testing.T) {
	b := newBench(t)
	b.verified()
	known := b.work(func() { _, _ = b.Register(t.Context(), from(1), good) })
	fresh := b.work(func() {
		_, _ = b.Register(t.Context(), from(2), auth.Registration{Name: "New", Email: "new@example.com", Password: good.Password})
	})
	if known != fresh || known.hashes != 1 {
		t.Errorf("known address %+v, new address %+v", known, fresh)
	}
}

// Break SU-3: register.go: in insertUser, "key": r.Email
func TestRegister_SU3_OneAddressIsOneAccount(t *testing.T) {
	b := newBench(t)
	var made, taken int
	var mu sync.Mutex
	var all sync.WaitGroup
	spellings := []string{"mike@example.com", "MIKE@EXAMPLE.COM", "mıke@example.com", "MİKE@example.com", "ｍike@example.com"}
	for i := range 50 {
		all.Go(func() {
			err := patient(func() error {
				_, err := b.Register(t.Context(), from(i), auth.Registration{Name: "Mike", Email: spellings[i%len(spellings)], Password: good.Password})
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
			case errs.KindOf(err) == errs.Conflict:
				taken++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := b.count(`SELECT count(*) FROM users`); n != 1 || made != 1 || taken != 49 {
		t.Errorf("%d accounts; %d sign-ups worked, %d were taken", n, made, taken)
	}
}

func TestRegister_BadInputIsASentencePerField(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		change auth.Registration
		field  string
	}{
		{auth.Registration{Name: " ", Email: good.Email, Password: good.Password}, "name"},
		{auth.Registration{Name: strings.Repeat("n", 101), Email: good.Email, Password: good.Password}, "name"},
		{auth.Registration{Name: "a\r\nBcc: x", Email: good.Email, Password: good.Password}, "name"},
		{auth.Registration{Name: "a", Email: "", Password: good.Password}, "email"},
		{auth.Registration{Name: "a", Email: "no at sign", Password: good.Password}, "email"},
		{auth.Registration{Name: "a", Email: "a@localhost", Password: good.Password}, "email"},
		{auth.Registration{Name: "a", Email: "a@b..com", Password: good.Password}, "email"},
		{auth.Registration{Name: "a", Email: "a@b@c.com", Password: good.Password}, "email"},
		{auth.Registration{Name: "a", Email: "a@example.com\r\nBcc: b@example.com", Password: good.Password}, "email"},
		{auth.Registration{Name: "a", Email: "zero\u200bwidth@example.com", Password: good.Password}, "email"},
		{auth.Registration{Name: "a", Email: strings.Repeat("x", 250) + "@example.com", Password: good.Password}, "email"},
		{auth.Registration{Name: "a", Email: good.Email, Password: "short"}, "password"},
	} {
		_, err := b.Register(t.Context(), stranger, c.change)
		wantField(t, err, c.field)
	}
	if n := b.count(`SELECT count(*) FROM users`); n != 0 {
		t.Errorf("%d accounts were made of bad input", n)
	}
	if _, err := b.Register(t.Context(), stranger, good); err != nil {
		t.Errorf("mistakes were counted against the limit: %v", err)
	}
}

// Break RL-1: register.go: leave out the call of s.Limits.Allow(ctx, limits.SignUp, ...)
func TestRegister_RL1_TenAnHour(t *testing.T) {
	b := newBench(t)
	for i := range 11 {
		_, err := b.Register(t.Context(), stranger, auth.Registration{Name: "a", Email: string(rune('a'+i)) + "@example.com", Password: good.Password})
		if limited := errs.KindOf(err) == errs.RateLimited; limited != (i == 10) {
			t.Errorf("sign-up %d: %v", i+1, err)
		}
	}
}

func TestRegister_ClosedTakesNobody(t *testing.T) {
	b := newBench(t, func(c *auth.Config) { c.Signup = auth.SignupClosed })
	_, err := b.Register(t.Context(), stranger, good)
	wantErr(t, err, auth.ErrSignupClosed)
}
