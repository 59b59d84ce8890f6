package api_test

import (
	"net/http"
	"strings"
	"testing"

	"dashtam/handlers/handlertest"
)

func TestAPI_SignUpToSignOut(t *testing.T) {
	b := newBundle(t)
	c := b.stranger()
	address := "test@example.com"
	form := map[string]any{"email": address, "password": handlertest.Password, "name": "Test User"}
	c.post("/auth/register", form).want(http.StatusAccepted)
	b.Stranger().Post(b.Link(b.Mail(address))).WantRedirect("/login")

	got := c.post("/auth/login", form).want(http.StatusOK)
	var grant map[string]any
	got.into(&grant)
	if grant["token_type"] != "Bearer" || grant["expires_in"] != float64(900) || len(grant) != 4 || len(got.Header.Values("Set-Cookie")) != 0 || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %v", grant, got.Header)
	}
	c.access, c.fresh = grant["access_token"].(string), grant["refresh_token"].(string)
	c.get("/me").want(http.StatusOK)
	c.post("/auth/logout", nil).want(http.StatusNoContent)
	c.get("/me").problem(http.StatusUnauthorized)
	c.post("/auth/refresh", map[string]any{"refresh_token": c.fresh}).problem(http.StatusUnauthorized)
}

// Break SU-1: auth.go: if _ = errors.Is; err != nil {
func TestAPI_SU1_RegisterAnswersAlike(t *testing.T) {
	b := newBundle(t)
	known := b.Person("Ada Lovelace")
	var answers []string
	for _, address := range []string{known.Email, "new@example.com"} {
		got := b.stranger().post("/auth/register", map[string]any{"email": address, "password": handlertest.Password, "name": "X"}).want(http.StatusAccepted)
		answers = append(answers, got.Body)
	}
	if answers[0] != answers[1] {
		t.Errorf("%q", answers)
	}
	p := b.stranger().post("/auth/register", map[string]any{"email": "no address", "password": "short", "name": ""}).problem(http.StatusUnprocessableEntity)
	if p.Fields["email"] == "" || p.Fields["name"] == "" || p.Fields["password"] != "Too short" {
		t.Errorf("%+v", p)
	}
}

// Break AZ-6: services/auth/register.go: insertUser(ctx, tx, r, hash, RoleAdmin).
func TestAPI_AZ6_MoreThanAsked(t *testing.T) {
	b := newBundle(t)
	b.stranger().post("/auth/register", map[string]any{
		"email": "eve@example.com", "password": handlertest.Password, "name": "Eve", "role": "admin", "verified_at": "2020-01-01T00:00:00Z", "id": "1",
	}).want(http.StatusAccepted)
	u, err := b.Auth.GetUserByEmail(t.Context(), "eve@example.com")
	if err != nil || u.Admin() || u.VerifiedAt != nil {
		t.Errorf("%+v, %v", u, err)
	}
}

// Break LG-1: services/auth/login.go: return errs.New(errs.Unauthenticated, reason) in the last line of refuse.
func TestAPI_LG1_OneAnswer(t *testing.T) {
	b := newBundle(t)
	b.Person("Ada Lovelace")
	disabled := b.Person("Dis Abled")
	if _, err := b.DB.Exec(t.Context(), `UPDATE users SET disabled_at = now() WHERE id = $1`, disabled.ID); err != nil {
		t.Fatal(err)
	}
	unverified := b.Person("Un Verified")
	if _, err := b.DB.Exec(t.Context(), `UPDATE users SET verified_at = NULL WHERE id = $1`, unverified.ID); err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for address, password := range map[string]string{
		handlertest.Address("Ada Lovelace"): "WrongPassword", "nobody@example.com": handlertest.Password, disabled.Email: handlertest.Password,
		unverified.Email: handlertest.Password, "not an address": "", "": "x",
	} {
		p := b.stranger().post("/auth/login", map[string]any{"email": address, "password": password}).problem(http.StatusUnauthorized)
		said[p.Title+p.Detail+p.Type] = true
	}
	if len(said) != 1 {
		t.Errorf("%v", said)
	}
}

func TestAPI_RefreshRotatesAndReuseEndsTheFamily(t *testing.T) {
	b := newBundle(t)
	c, u := b.signedIn("Ada Lovelace")
	other := b.stranger()
	other.login(u.Email)
	old := c.fresh
	var got struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	c.post("/auth/refresh", map[string]any{"refresh_token": old}).want(http.StatusOK).into(&got)
	if got.RefreshToken == old || got.RefreshToken == "" {
		t.Error("the refresh token was not rotated")
	}
	c.access = got.AccessToken
	c.get("/me").want(http.StatusOK)
	b.stranger().post("/auth/refresh", map[string]any{"refresh_token": old}).problem(http.StatusUnauthorized)
	c.get("/me").problem(http.StatusUnauthorized)
	c.post("/auth/refresh", map[string]any{"refresh_token": got.RefreshToken}).problem(http.StatusUnauthorized)
	other.get("/me").want(http.StatusOK) // another sign-in is another family
	for _, token := range []string{"", "x", strings.Repeat("x", 1000), c.access} {
		c.post("/auth/refresh", map[string]any{"refresh_token": token}).problem(http.StatusUnauthorized)
	}
}
