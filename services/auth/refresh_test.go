package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/jwt"
)

// apiLogin signs in as the API does: tokens in place of a session.
func (b *bench) apiLogin() auth.Tokens {
	b.t.Helper()
	var tokens auth.Tokens
	_, err := b.Login(b.t.Context(), stranger, auth.Credentials{Email: good.Email, Password: good.Password}, func(ctx context.Context, u auth.User) (err error) {
		tokens, err = b.CreateRefreshToken(ctx, stranger, u)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return tokens
}

func (b *bench) authenticated(t auth.Tokens) bool {
	b.t.Helper()
	_, _, err := b.Authenticate(b.t.Context(), t.Access)
	if err != nil && !errors.Is(err, jwt.ErrToken) {
		b.t.Fatal(err)
	}
	return err == nil
}

func TestSeed_Auth_CreateRefreshToken(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	tokens := b.apiLogin()
	who, got, err := b.Authenticate(t.Context(), tokens.Access)
	if err != nil || who.Kind != actor.User || who.UserID != u.ID || got.Email != u.Email {
		t.Errorf("%+v, %+v, %v", who, got, err)
	}
	if n := b.count(`SELECT count(*) FROM refresh_tokens r WHERE r::text LIKE '%' || $1 || '%'`, tokens.Refresh); n != 0 {
		t.Error("the token itself is stored")
	}
	next, err := b.Refresh(t.Context(), stranger, tokens.Refresh)
	if err != nil || next.Refresh == tokens.Refresh || !b.authenticated(next) {
		t.Errorf("refreshing: %v", err)
	}
	if again, _, _ := b.Authenticate(t.Context(), next.Access); again.SessionID != who.SessionID {
		t.Error("the family changed")
	}
}

// Break AP-2: refresh.go: in Refresh, return ErrRefresh in place of endFamily, so that the transaction is rolled back
func TestRefresh_ReuseEndsTheFamily(t *testing.T) {
	b := newBench(t)
	b.verified()
	other := b.apiLogin()
	first := b.apiLogin()
	second, err := b.Refresh(t.Context(), stranger, first.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Refresh(t.Context(), stranger, first.Refresh)
	wantErr(t, err, auth.ErrRefresh)
	_, err = b.Refresh(t.Context(), stranger, second.Refresh)
	wantErr(t, err, auth.ErrRefresh)
	if b.authenticated(second) || b.authenticated(first) {
		t.Error("an access token of the family still works")
	}
	if !b.authenticated(other) {
		t.Error("another login of the same person ended, too")
	}
	if b.audited("refresh.reused", "refused") != 1 {
		t.Error("the reuse is not in the audit log")
	}
}

func TestRefresh_InParallelOneWorks(t *testing.T) {
	b := newBench(t)
	b.verified()
	tokens := b.apiLogin()
	var mu sync.Mutex
	var worked int
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			err := patient(func() error {
				_, err := b.Refresh(t.Context(), stranger, tokens.Refresh)
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				worked++
			} else if !errors.Is(err, auth.ErrRefresh) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if worked != 1 {
		t.Errorf("%d of 20 worked", worked)
	}
}

func TestRefresh_TokensThatAreNoneOrOver(t *testing.T) {
	b := newBench(t)
	b.verified()
	for _, token := range []string{"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		_, err := b.Refresh(t.Context(), stranger, token)
		wantErr(t, err, auth.ErrRefresh)
	}
	for name, change := range map[string]string{
		"expired":          `UPDATE refresh_tokens SET expires_at = now()`,
		"disabled":         `UPDATE users SET disabled_at = now()`,
		"password changed": `UPDATE users SET password_changed_at = now() + interval '1 second'`,
	} {
		tokens := b.apiLogin()
		b.exec(change)
		_, err := b.Refresh(t.Context(), stranger, tokens.Refresh)
		wantErr(t, err, auth.ErrRefresh)
		if name != "expired" && b.authenticated(tokens) {
			t.Errorf("%s: the access token still works", name)
		}
		b.exec(`UPDATE users SET disabled_at = NULL, password_changed_at = created_at`)
	}
}

// A family's thirty days count from the login, not from the last refresh.
func TestRefresh_RotationMakesNothingYounger(t *testing.T) {
	b := newBench(t)
	b.verified()
	tokens := b.apiLogin()
	b.exec(`UPDATE refresh_tokens SET expires_at = now() + interval '1 minute'`)
	if _, err := b.Refresh(t.Context(), stranger, tokens.Refresh); err != nil {
		t.Fatal(err)
	}
	if n := b.count(`SELECT count(*) FROM refresh_tokens WHERE expires_at > now() + interval '2 minutes'`); n != 0 {
		t.Error("the new token lives longer than the family")
	}
}

func TestEndFamily_SignsTheClientOutAtOnce(t *testing.T) {
	b := newBench(t)
	b.verified()
	tokens := b.apiLogin()
	who, _, err := b.Authenticate(t.Context(), tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.EndFamily(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	if b.authenticated(tokens) {
		t.Error("the access token still works")
	}
	_, err = b.Refresh(t.Context(), stranger, tokens.Refresh)
	wantErr(t, err, auth.ErrRefresh)
}

func TestAuthenticate_AccessTokensEnd(t *testing.T) {
	b := newBench(t)
	b.verified()
	tokens := b.apiLogin()
	if !tokens.ExpiresAt.Before(b.now.Add(jwt.Lifetime + time.Second)) {
		t.Errorf("expires %v", tokens.ExpiresAt)
	}
	b.now = b.now.Add(jwt.Lifetime + time.Minute)
	if b.authenticated(tokens) {
		t.Error("an old access token works")
	}
}
