package fdx_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
	"dashtam/services/providers/fdx"
	"dashtam/services/tokens"
)

var attempt = providers.Attempt{State: strings.Repeat("s", 43), Verifier: strings.Repeat("v", 43)}

// exchange goes through the authorization with the bank and returns what Exchange gives.
func exchange(t *testing.T, b *banktest.Bank, p providers.Provider) (providers.Grant, error) {
	t.Helper()
	address, err := p.Access.AuthorizeURL(t.Context(), attempt)
	if err != nil {
		t.Fatal(err)
	}
	back := b.Consent(t, address)
	return p.Access.Exchange(t.Context(), attempt, providers.Answer{Code: back.Get("code"), Issuer: back.Get("iss")})
}

// Break OA-2: services/providers/fdx/access.go: in Exchange, leave out VerifierOption
// Break OA-5: services/providers/fdx/access.go: in oauth, leave out RedirectURL
func TestExchange_OA2_OA5_Success(t *testing.T) {
	b := banktest.New(t)
	g, err := exchange(t, b, b.Provider())
	if err != nil {
		t.Fatal(err)
	}
	if g.Access == "" || g.Refresh == "" || g.ExpiresIn != time.Hour || g.Subject != "ada" || len(g.Scopes) != 4 {
		t.Errorf("grant %+v of %s", g, g.Subject)
	}
	post := b.Posts()[0]
	if post.Get("code_verifier") != attempt.Verifier || post.Get("redirect_uri") != banktest.Redirect || post.Get("client_id") != "dashtam" {
		t.Errorf("token request without verifier, redirect URI or client: %v", post)
	}
}

// Break OA-2: services/providers/fdx/access.go: in AuthorizeURL, leave out S256ChallengeOption
func TestAuthorize_OA2_VerifierNotInURL(t *testing.T) {
	b := banktest.New(t)
	b.Metadata = map[string]any{"code_challenge_methods_supported": []string{}}
	address, err := b.Provider().Access.AuthorizeURL(t.Context(), attempt)
	if err != nil {
		t.Fatal(err)
	}
	if u, _ := url.Parse(address); u.Query().Get("code_challenge_method") != "S256" || strings.Contains(address, attempt.Verifier) {
		t.Errorf("no S256 challenge, or the verifier itself, in %s", address)
	}
}

// Break OA-3: services/providers/fdx/access.go: in Exchange, drop the look at answer.Issuer
func TestExchange_OA3_MixUp(t *testing.T) {
	for name, c := range map[string]struct {
		announced bool
		issuer    string
		ok        bool
	}{
		"announced, right": {true, "", true}, "announced, wrong": {true, "https://evil.example", false}, "announced, missing": {true, "none", false},
		"not announced, missing": {false, "none", true}, "not announced, wrong": {false, "https://evil.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := banktest.New(t)
			b.Metadata = map[string]any{"authorization_response_iss_parameter_supported": c.announced}
			issuer := map[string]string{"": b.URL, "none": ""}[c.issuer]
			if issuer == "" && c.issuer != "none" {
				issuer = c.issuer
			}
			p := b.Provider()
			address, err := p.Access.AuthorizeURL(t.Context(), attempt)
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Access.Exchange(t.Context(), attempt, providers.Answer{Code: b.Consent(t, address).Get("code"), Issuer: issuer})
			if (err == nil) != c.ok {
				t.Errorf("Exchange: %v", err)
			}
			if !c.ok && len(b.Posts()) != 0 {
				t.Error("the code was sent")
			}
		})
	}
}

// Break OA-4: services/providers/fdx/metadata.go: in check, drop the comparison of issuers
func TestMetadata_OA4_Refused(t *testing.T) {
	for name, bad := range map[string]map[string]any{
		"another issuer":             {"issuer": "https://evil.example"},
		"issuer with a slash":        {"issuer": "SLASH"},
		"no token endpoint":          {"token_endpoint": ""},
		"a token endpoint on a file": {"token_endpoint": "file:///etc/passwd"},
	} {
		t.Run(name, func(t *testing.T) {
			b := banktest.New(t)
			if bad["issuer"] == "SLASH" {
				bad["issuer"] = b.URL + "/"
			}
			b.Metadata = bad
			_, err := b.Provider().Access.AuthorizeURL(t.Context(), attempt)
			if f := providers.FailureOf(err); f == nil || f.Class != providers.Config {
				t.Errorf("AuthorizeURL: %v, want a Failure of class config", err)
			}
		})
	}
}

// Two walls stand here: AuthStyle is set, and the judge sends one request only. Both must fall before a second goes out.
//
// Break OA-10: services/providers/fdx/answer.go: in RoundTrip, send the request once more after an answer that is not 200
func TestToken_OA10_OneRequestWhateverHappens(t *testing.T) {
	canary := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("a redirect was followed: %s", r.Method) }))
	defer canary.Close()
	for name, script := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"401": func(w http.ResponseWriter, _ *http.Request) {
			banktest.JSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		},
		"307": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, canary.URL, http.StatusTemporaryRedirect)
		},
		"308": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, canary.URL, http.StatusPermanentRedirect)
		},
		"connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"garbage":    func(w http.ResponseWriter, _ *http.Request) { banktest.Raw(w, "{") },
	} {
		t.Run(name, func(t *testing.T) {
			b := banktest.New(t)
			p := b.Provider()
			b.Token = script
			if _, err := p.Access.Refresh(t.Context(), "refresh-canary"); err == nil {
				t.Error("no error")
			}
			if n := len(b.Posts()); n != 1 {
				t.Errorf("%d token requests, want 1", n)
			}
		})
	}
}

// Break OA-11: services/providers/fdx/answer.go: in oauthFailure, class invalid_client Permanent
func TestToken_OA11_Classes(t *testing.T) {
	status := func(code int, body string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	const html = "Content-Type"
	for name, c := range map[string]struct {
		script http.HandlerFunc
		class  providers.Class
		lost   bool
		after  time.Duration
	}{
		"invalid_grant":          {status(400, `{"error":"invalid_grant"}`), providers.Permanent, false, 0},
		"invalid_grant with 200": {status(200, `{"error":"invalid_grant"}`), providers.Permanent, false, 0},
		"invalid_client":         {status(401, `{"error":"invalid_client"}`), providers.Config, false, 0},
		"unauthorized_client":    {status(400, `{"error":"unauthorized_client"}`), providers.Config, false, 0},
		"unknown error":          {status(400, `{"error":"<script>"}`), providers.Transient, false, 0},
		"400 without a body":     {status(400, ``), providers.Transient, false, 0},
		"403 page":               {status(403, `<h1>Access Denied</h1>`, html, "text/html"), providers.Transient, false, 0},
		"429 seconds":            {status(429, `{}`, "Retry-After", "60"), providers.RateLimited, false, time.Minute},
		"429 huge":               {status(429, `{}`, "Retry-After", "1000000000"), providers.RateLimited, false, 24 * time.Hour},
		"429 junk":               {status(429, `{}`, "Retry-After", "soon"), providers.RateLimited, false, 0},
		"429 negative":           {status(429, `{}`, "Retry-After", "-5"), providers.RateLimited, false, 0},
		"500":                    {status(500, `{"error":"invalid_grant"}`), providers.Transient, false, 0},
		"502 page":               {status(502, `<html>`, html, "text/html"), providers.Transient, false, 0},
		"redirect":               {status(302, ``, "Location", "https://evil.example"), providers.Transient, false, 0},
		"200 page":               {status(200, `<html>`, html, "text/html"), providers.Transient, true, 0},
		"200 cut":                {status(200, `{"access_token":"a","token_ty`), providers.Transient, true, 0},
		"200 empty":              {status(200, ``), providers.Transient, true, 0},
		"200 list":               {status(200, `[]`), providers.Transient, true, 0},
		"no access token":        {status(200, `{"token_type":"Bearer"}`), providers.Transient, true, 0},
		"no token type":          {status(200, `{"access_token":"a"}`), providers.Transient, true, 0},
		"another token type":     {status(200, `{"access_token":"a","token_type":"mac"}`), providers.Transient, true, 0},
		"a number for a token":   {status(200, `{"access_token":7,"token_type":"Bearer"}`), providers.Transient, true, 0},
		"a field twice":          {status(200, `{"access_token":"a","access_token":"b","token_type":"Bearer"}`), providers.Transient, true, 0},
		"two objects":            {status(200, `{"access_token":"a","token_type":"Bearer"}{}`), providers.Transient, true, 0},
		"over the cap":           {status(200, `{"access_token":"`+strings.Repeat("a", 1<<20)+`","token_type":"Bearer"}`), providers.Transient, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := banktest.New(t)
			b.Token = c.script
			_, err := b.Provider().Access.Refresh(t.Context(), "refresh-canary")
			f := providers.FailureOf(err)
			if f == nil || f.Class != c.class || f.Lost != c.lost || f.RetryAfter != c.after || errors.Is(err, tokens.ErrAnswerLost) != c.lost {
				t.Errorf("%+v, want class %s, lost %v, after %s", f, c.class, c.lost, c.after)
			}
		})
	}
}

// Break OA-10: services/providers/fdx/answer.go: in lifetime, leave out n <= 0
func TestToken_OA10_ExpiresIn(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`3600`: time.Hour, `"3600"`: time.Hour, `-1`: 0, `0`: 0, `1e18`: 0, `1000000000000000000`: 0, `99999999999999999999999`: 0, `null`: 0, `"soon"`: 0, `3600.5`: 0, `{}`: 0,
	} {
		b := banktest.New(t)
		b.Token = func(w http.ResponseWriter, _ *http.Request) {
			banktest.Raw(w, fmt.Sprintf(`{"access_token":"a","token_type":"bearer","expires_in":%s}`, text))
		}
		got, err := b.Provider().Access.Refresh(t.Context(), "r")
		if err != nil || got.ExpiresIn != want {
			t.Errorf("expires_in %s: %s, %v; want %s", text, got.ExpiresIn, err, want)
		}
	}
}

// Break AU-3: services/providers/fdx/answer.go: in oauthFailure, use code instead of "unexplained_refusal"
func TestFailures_AU3_NoBodiesNoTokens(t *testing.T) {
	for name, script := range map[string]http.HandlerFunc{
		"echoing 400": func(w http.ResponseWriter, r *http.Request) {
			banktest.JSON(w, 400, map[string]string{"error": "canary", "error_description": r.PostFormValue("refresh_token")})
		},
		"garbage 200": func(w http.ResponseWriter, r *http.Request) {
			banktest.Raw(w, `{"access_token": canary `+r.PostFormValue("refresh_token"))
		},
		"html 200": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>canary")) },
		"form 200": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write([]byte("canary=%zz"))
		},
		"canary field": func(w http.ResponseWriter, _ *http.Request) { banktest.Raw(w, `{"access_token":{"canary":1}}`) },
		"broken off":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			b := banktest.New(t)
			b.Token = script
			_, err := b.Provider().Access.Refresh(t.Context(), "refresh-canary")
			if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, providers.FailureOf(err)), "canary") {
				t.Errorf("error: %+v", err)
			}
		})
	}
}

// Break OA-10: services/providers/client.go: leave the Timeout out
func TestToken_OA10_HangingBank(t *testing.T) {
	b := banktest.New(t)
	b.Token = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	p := b.Provider()
	if _, err := p.Access.AuthorizeURL(t.Context(), attempt); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Access.Refresh(ctx, "r"); !errors.Is(err, tokens.ErrAnswerLost) {
		t.Errorf("%v, want a lost answer", err)
	}
	if c := providers.NewClient(false); c.Timeout != 20*time.Second {
		t.Errorf("the client waits %s", c.Timeout)
	}
}

// A refresh that never got as far as the token endpoint has spent nothing, and must not count as an answer that was lost.
//
// Break OA-13: services/providers/fdx/metadata.go: in get, say that the request spends
func TestRefresh_OA13_MetadataAway(t *testing.T) {
	b := banktest.New(t)
	b.Broken = true
	_, err := b.Provider().Access.Refresh(t.Context(), "refresh-canary")
	if f := providers.FailureOf(err); f == nil || f.Class != providers.Transient || errors.Is(err, tokens.ErrAnswerLost) || len(b.Posts()) != 0 {
		t.Errorf("%v after %d token requests", err, len(b.Posts()))
	}
}

// Break OA-4: services/providers/fdx/metadata.go: in metadata, return the error although there is an old copy
func TestMetadata_OA4_OldCopyKept(t *testing.T) {
	b := banktest.New(t)
	now := time.Now()
	p := fdx.New(fdx.Config{
		Profile: b.Provider().Profile, RedirectURI: banktest.Redirect, Client: providers.NewClient(true), Private: true,
		Now: func() time.Time { return now },
	})
	if _, err := exchange(t, b, p); err != nil {
		t.Fatal(err)
	}
	now, b.Broken = now.Add(2*time.Hour), true
	if _, err := p.Access.AuthorizeURL(t.Context(), attempt); err != nil {
		t.Errorf("with old metadata at hand: %v", err)
	}
}

func TestRevoke_OA17_RefreshTokenFirst(t *testing.T) {
	b := banktest.New(t)
	p := b.Provider()
	if err := p.Access.Revoke(t.Context(), tokens.Tokens{Access: "a", Refresh: encryption.Secret("r")}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(b.Revoked()); got != "[r a]" {
		t.Errorf("revoked %s", got)
	}
}

// A token endpoint that is gone has moved: the metadata is asked for again, not believed for the rest of its hour.
//
// Break OA-4: services/providers/fdx/metadata.go: leave the call out of moved
func TestMetadata_OA4_AMovedEndpointIsLookedUp(t *testing.T) {
	b := banktest.New(t)
	p := b.Provider()
	address, err := p.Access.AuthorizeURL(t.Context(), attempt)
	if err != nil {
		t.Fatal(err)
	}
	code := b.Consent(t, address).Get("code")
	b.Do(func(b *banktest.Bank) { b.Token = http.NotFound })
	if _, err := p.Access.Exchange(t.Context(), attempt, providers.Answer{Code: code, Issuer: b.URL}); err == nil {
		t.Fatal("there was no token endpoint")
	}
	b.Do(func(b *banktest.Bank) { b.Metadata = map[string]any{"authorization_endpoint": b.URL + "/elsewhere"} })
	if address, err = p.Access.AuthorizeURL(t.Context(), attempt); err != nil || !strings.HasPrefix(address, b.URL+"/elsewhere?") {
		t.Errorf("%s, %v", address, err)
	}
}
