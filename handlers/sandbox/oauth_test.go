package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2"

	handlers "dashtam/handlers/sandbox"
	"dashtam/services/postgres/pgtest"
)

func TestDiscoverySaysWhatTheBankDoes(t *testing.T) {
	b := open(t)
	var d struct {
		Issuer, AuthorizationEndpoint string
		Methods                       []string `json:"code_challenge_methods_supported"`
		Types                         []string `json:"response_types_supported"`
		Grants                        []string `json:"grant_types_supported"`
		Scopes                        []string `json:"scopes_supported"`
		Revocation                    string   `json:"revocation_endpoint"`
		Device                        string   `json:"device_authorization_endpoint"`
		Introspection                 string   `json:"introspection_endpoint"`
		Token                         string   `json:"token_endpoint"`
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		res := b.do(b.browser, b.request("GET", path, "", "Origin", "https://elsewhere.example"))
		if err := json.Unmarshal([]byte(res.body), &d); err != nil {
			t.Fatal(err)
		}
		if d.Issuer != b.url || d.Token != b.url+"/oauth/token" || d.Revocation != b.url+"/revoke" {
			t.Errorf("%s: %+v", path, d)
		}
		if strings.Join(d.Methods, " ") != "S256" || strings.Join(d.Types, " ") != "code" || strings.Join(d.Grants, " ") != "authorization_code refresh_token" {
			t.Errorf("%s: %+v", path, d)
		}
		if d.Device != "" || d.Introspection != "" || !strings.Contains(strings.Join(d.Scopes, " "), "offline_access") {
			t.Errorf("%s: %+v", path, d)
		}
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("other sites may read: %q", got)
		}
	}
	for _, path := range []string{"/device_authorization", "/oauth/introspect", "/end_session", "/healthz"} {
		if res := b.get(path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", path, res.StatusCode)
		}
	}
}

func TestIssuerMayBeInsecureOnLoopbackOnly(t *testing.T) {
	for issuer, ok := range map[string]bool{
		"http://127.0.0.1:8081": true, "http://localhost:8081": true, "http://[::1]:8081": true, "https://bank.example": true,
		"http://bank.example": false, "http://127.0.0.1.bank.example": false, "": false,
	} {
		if _, err := handlers.New(handlers.Deps{Issuer: issuer}); (err == nil) != ok {
			t.Errorf("%q: %v", issuer, err)
		}
	}
}

func TestAllow(t *testing.T) {
	b := open(t)
	token := b.connect(b.app(), "ada")
	if token.RefreshToken == "" || token.TokenType != "Bearer" || token.Extra("id_token") == nil {
		t.Errorf("%+v", token)
	}
	if n := token.Extra("expires_in"); n.(float64) < 890 || n.(float64) > 900 {
		t.Errorf("expires_in %v", n)
	}
	var list struct{ Accounts []struct{ AccountID string } }
	if res := b.api(token.AccessToken, "/accounts", &list); res.StatusCode != http.StatusOK || len(list.Accounts) < 8 {
		t.Errorf("%d, %d accounts", res.StatusCode, len(list.Accounts))
	}
	s := b.stats()
	if s.TokenPosts != 1 || s.ByGrant["authorization_code"] != 1 || len(s.Live) != 1 || s.Live[0].User != "ada" || s.Live[0].Client != "dashtam" {
		t.Errorf("%+v", s)
	}
}

func TestDeny(t *testing.T) {
	b := open(t)
	back := b.decide(b.app(), "ada", "deny", oauth2.GenerateVerifier())
	if back.Get("error") != "access_denied" || back.Get("state") != "the-state" || back.Get("code") != "" {
		t.Errorf("%v", back)
	}
	if s := b.stats(); len(s.Live) != 0 || s.TokenPosts != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWithoutOfflineAccessThereIsNoRefreshToken(t *testing.T) {
	b := open(t)
	app := b.app()
	app.Scopes = []string{"openid", "fdx:accountdetailed:read"}
	if token := b.connect(app, "ada"); token.RefreshToken != "" {
		t.Error("a refresh token was given")
	}
}

// Break PKCE: handlers/sandbox/storage.go: remove the first case of CreateAuthRequest.
func TestPKCEIsRequired(t *testing.T) {
	b := open(t)
	for name, options := range map[string][]oauth2.AuthCodeOption{
		"none":  nil,
		"plain": {oauth2.SetAuthURLParam("code_challenge", "x"), oauth2.SetAuthURLParam("code_challenge_method", "plain")},
	} {
		res := b.get(b.app().AuthCodeURL("s", options...))
		to, err := res.Location()
		if err != nil || to.Query().Get("error") != "invalid_request" || to.Query().Get("state") != "s" {
			t.Errorf("%s: %d %v", name, res.StatusCode, to)
		}
	}
}

func TestWrongVerifierIsRefusedAndLeavesTheCode(t *testing.T) {
	b := open(t)
	verifier := oauth2.GenerateVerifier()
	code := b.decide(b.app(), "ada", "allow", verifier).Get("code")
	if _, err := b.app().Exchange(t.Context(), code, oauth2.VerifierOption(oauth2.GenerateVerifier())); failed(t, err).ErrorCode != "invalid_grant" {
		t.Error(err)
	}
	if _, err := b.app().Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
		t.Errorf("the right verifier came too late: %v", err)
	}
}

// Break code replay: services/sandbox/requests.go: remove the case of a GrantID from RequestByCode.
func TestCodeReplayIsRefusedAndEndsTheGrant(t *testing.T) {
	b := open(t)
	verifier := oauth2.GenerateVerifier()
	code := b.decide(b.app(), "ada", "allow", verifier).Get("code")
	token, err := b.app().Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.app().Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if e := failed(t, err); e.ErrorCode != "invalid_grant" || e.Response.StatusCode != http.StatusBadRequest {
		t.Errorf("%v", e)
	}
	if res := b.api(token.AccessToken, "/accounts", nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the first exchange's token still answers %d", res.StatusCode)
	}
}

// Break exchange: services/sandbox/grants.go: remove "AND grant_id IS NULL" from Exchange.
func TestParallelExchangesOfOneCodeSucceedOnce(t *testing.T) {
	b := open(t)
	for range 5 {
		verifier := oauth2.GenerateVerifier()
		code := b.decide(b.app(), "ada", "allow", verifier).Get("code")
		var wg sync.WaitGroup
		var errs [2]error
		for i := range errs {
			wg.Go(func() { _, errs[i] = b.app().Exchange(t.Context(), code, oauth2.VerifierOption(verifier)) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%v and %v", errs[0], errs[1])
		}
	}
}

// Break redirect addresses: handlers/sandbox/adapters.go: write ":*" for the port.
func TestRedirectURIs(t *testing.T) {
	b := open(t)
	for uri, ok := range map[string]bool{
		"http://127.0.0.1:1/": true, "http://localhost/a/b?c=d": true, "http://[::1]:65535/cb": true, "https://127.0.0.1:8443/cb": true,
		"http://elsewhere.example/cb": false, "http://localhost:8080@elsewhere.example/cb": false, "https://localhost:8080@elsewhere.example/cb": false,
		"https://elsewhere.example/127.0.0.1": false, "http://127.0.0.1.elsewhere.example/": false, "//localhost/": false, "javascript://localhost/": false,
		"https://localhost.elsewhere.example/": false, "https://elsewhere.example#http://localhost/": false,
	} {
		app := b.app()
		app.RedirectURL = uri
		res := b.get(app.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
		if asked := res.find(t, "input[name=username]").Length() == 1; asked != ok {
			t.Errorf("%s: %d, sign-in offered: %v", uri, res.StatusCode, asked)
		}
		if !ok && (res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || res.find(t, "h1").Text() == "") {
			t.Errorf("%s: %d, to %q", uri, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

// Break rotation: services/sandbox/grants.go: let Rotate "SET used_at = NULL".
func TestRefreshRotatesAndReuseEndsTheFamily(t *testing.T) {
	b := open(t)
	first := b.connect(b.app(), "ada")
	status, second := b.refresh(first.RefreshToken)
	if status != http.StatusOK || second["refresh_token"] == first.RefreshToken || second["access_token"] == first.AccessToken {
		t.Fatalf("%d %v", status, second)
	}
	access := second["access_token"].(string)
	if res := b.api(access, "/accounts", nil); res.StatusCode != http.StatusOK {
		t.Errorf("the new token answers %d", res.StatusCode)
	}
	if status, out := b.refresh(first.RefreshToken); status != http.StatusBadRequest || out["error"] != "invalid_grant" {
		t.Errorf("the old token: %d %v", status, out)
	}
	if status, _ := b.refresh(second["refresh_token"].(string)); status != http.StatusBadRequest {
		t.Errorf("after reuse the family still refreshes: %d", status)
	}
	if res := b.api(access, "/accounts", nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("after reuse the family still reads: %d", res.StatusCode)
	}
	if s := b.stats(); len(s.Live) != 0 || s.TokenPosts != 4 || s.ByGrant["refresh_token"] != 3 {
		t.Errorf("%+v", s)
	}
}

func TestParallelRefreshesSucceedOnce(t *testing.T) {
	b := open(t)
	token := b.connect(b.app(), "ada")
	var wg sync.WaitGroup
	var statuses [3]int
	for i := range statuses {
		wg.Go(func() { statuses[i], _ = b.refresh(token.RefreshToken) })
	}
	wg.Wait()
	won := 0
	for _, s := range statuses {
		if s == http.StatusOK {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%v", statuses)
	}
}

func TestRevocation(t *testing.T) {
	b := open(t)
	revoke := func(form url.Values) int {
		return b.do(http.DefaultClient, b.request("POST", "/revoke", form.Encode())).StatusCode
	}
	token, other := b.connect(b.app(), "ada"), b.connect(b.app(), "noor")
	if got := revoke(url.Values{"client_id": {"dashtam"}, "token": {token.AccessToken}}); got != http.StatusOK {
		t.Errorf("access token: %d", got)
	}
	if res := b.api(token.AccessToken, "/accounts", nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a revoked access token answers %d", res.StatusCode)
	}
	status, next := b.refresh(token.RefreshToken)
	if status != http.StatusOK {
		t.Fatalf("revoking an access token ended the grant: %d", status)
	}
	if got := revoke(url.Values{"client_id": {"dashtam"}, "token": {next["refresh_token"].(string)}, "token_type_hint": {"refresh_token"}}); got != http.StatusOK {
		t.Errorf("refresh token: %d", got)
	}
	if status, _ := b.refresh(next["refresh_token"].(string)); status != http.StatusBadRequest {
		t.Errorf("a revoked grant refreshes: %d", status)
	}
	if res := b.api(next["access_token"].(string), "/accounts", nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a revoked grant reads: %d", res.StatusCode)
	}
	if got := revoke(url.Values{"client_id": {"dashtam"}, "token": {"never-given"}}); got != http.StatusOK {
		t.Errorf("an unknown token: %d (RFC 7009 section 2.2 says 200)", got)
	}
	if live := b.stats().Live; len(live) != 1 || live[0].User != "noor" {
		t.Errorf("%+v", live)
	}
	id, secret := b.register(`{"redirect_uris":["https://other.example/cb"]}`)
	if got := revoke(url.Values{"client_id": {id}, "client_secret": {secret}, "token": {other.RefreshToken}}); got != http.StatusUnauthorized {
		t.Errorf("somebody else's token: %d", got)
	}
	if status, _ := b.refresh(other.RefreshToken); status != http.StatusOK {
		t.Errorf("somebody else's revocation worked: %d", status)
	}
}

func (b *theBank) register(body string) (id, secret string) {
	b.t.Helper()
	res := b.do(http.DefaultClient, b.request("POST", "/clients", body, "Content-Type", "application/json"))
	var c struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal([]byte(res.body), &c); err != nil || res.StatusCode != http.StatusCreated {
		b.t.Fatalf("%d %s", res.StatusCode, res.body)
	}
	return c.ID, c.Secret
}

func TestRegisteredClient(t *testing.T) {
	b := open(t)
	id, secret := b.register(`{"client_name":"Another <app>","redirect_uris":["https://other.example/cb"]}`)
	app := b.app()
	app.ClientID, app.ClientSecret, app.RedirectURL = id, secret, "https://other.example/cb"
	app.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	token := b.connect(app, "ada")
	if res := b.api(token.AccessToken, "/accounts", nil); res.StatusCode != http.StatusOK {
		t.Errorf("%d", res.StatusCode)
	}
	app.ClientSecret = "wrong"
	if _, err := app.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token(); failed(t, err).Response.StatusCode != http.StatusUnauthorized {
		t.Error(err)
	}
	for name, body := range map[string]string{
		"no address": `{}`, "relative": `{"redirect_uris":["/cb"]}`, "script": `{"redirect_uris":["javascript:alert(1)"]}`, "no JSON": `redirect_uris=x`,
		"header": `{"redirect_uris":["https://x;script-src/cb"]}`, "fragment": `{"redirect_uris":["https://x/#y"]}`,
		"method": `{"redirect_uris":["https://x/"],"token_endpoint_auth_method":"tls"}`,
	} {
		res := b.do(http.DefaultClient, b.request("POST", "/clients", body, "Content-Type", "application/json"))
		if res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, res.StatusCode, res.body)
		}
	}
}

// A grant, the signing keys and the faults outlive the process.
func TestRestart(t *testing.T) {
	b := open(t)
	token := b.connect(b.app(), "ada")
	keys := b.get("/keys").body
	b.post("/faults", url.Values{"fault": {"status"}, "value": {"503"}, "user": {"noor"}})
	faults := b.get("/faults").body

	again := openOn(t, b.pool)
	if got := again.get("/keys").body; got != keys || !strings.Contains(got, `"RS256"`) {
		t.Errorf("keys were %s and are %s", keys, got)
	}
	if got := again.get("/faults").body; got != faults || !strings.Contains(got, "503") {
		t.Errorf("faults were %s and are %s", faults, got)
	}
	if res := again.api(token.AccessToken, "/accounts", nil); res.StatusCode != http.StatusOK {
		t.Errorf("the access token answers %d", res.StatusCode)
	}
	if status, _ := again.refresh(token.RefreshToken); status != http.StatusOK {
		t.Errorf("the refresh token answers %d", status)
	}
}

// While the database is away nothing is called invalid that may be good.
// Break RL-7: handlers/sandbox/pages.go: leave out the case errs.Unavailable
func TestDatabaseAway_RL7(t *testing.T) {
	b := openOn(t, pgtest.Broken(t))
	if status, out := b.refresh("any"); status != http.StatusServiceUnavailable || out["error"] != "server_error" {
		t.Errorf("token endpoint: %d %v", status, out)
	}
	for _, path := range []string{b.app().AuthCodeURL("s", oauth2.S256ChallengeOption("x")), "/login?id=6b1a5ee4-6f5c-4f0e-9a55-0d2f2a3a7f11", "/stats", "/faults"} {
		if res := b.get(path); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if res := b.api(strings.Repeat("A", 103), "/accounts", nil); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(res.body, `"501"`) {
		t.Errorf("api: %d %s", res.StatusCode, res.body)
	}
}
