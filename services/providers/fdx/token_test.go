package fdx_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
	"dashtam/services/providers/fdx"
	"dashtam/services/tokens"
)

var attempt = providers.Attempt{State: strings.Repeat("s", 43), Verifier: strings.Repeat("v", 43), Nonce: strings.Repeat("n", 43)}

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

// How a client proves itself is read in the metadata, never found out by trying.
//
// Break OA-10: services/providers/fdx/access.go: in method, give basic always
func TestToken_OA10_HowTheClientProvesItself(t *testing.T) {
	const inHeader, inForm, public = "header", "form", "none"
	for _, c := range []struct {
		methods []string
		secret  bool
		want    string
	}{
		{nil, true, inHeader}, {[]string{"client_secret_basic", "client_secret_post"}, true, inHeader}, {[]string{"client_secret_post", "none"}, true, inForm},
		{nil, false, public}, {[]string{"none"}, false, public}, {[]string{"client_secret_post"}, false, public},
	} {
		b := banktest.New(t)
		if c.methods != nil {
			b.Metadata = map[string]any{"token_endpoint_auth_methods_supported": c.methods}
		}
		var proofs []string
		b.Token = func(w http.ResponseWriter, r *http.Request) {
			id, secret, header := r.BasicAuth()
			switch {
			case header && id == "dashtam" && secret == url.QueryEscape("p+ %ß") && r.PostFormValue("client_secret") == "":
				proofs = append(proofs, inHeader)
			case !header && r.PostFormValue("client_id") == "dashtam" && r.PostFormValue("client_secret") == "p+ %ß":
				proofs = append(proofs, inForm)
			case !header && r.PostFormValue("client_id") == "dashtam" && !r.PostForm.Has("client_secret"):
				proofs = append(proofs, public)
			}
			b.Answer(w, r)
		}
		config := fdx.Config{Profile: b.Provider().Profile, RedirectURI: banktest.Redirect, Client: providers.NewClient(true), Private: true}
		if c.secret {
			config.Secret = func(context.Context) (encryption.Secret, error) { return "p+ %ß", nil }
		}
		p := fdx.New(config)
		g, err := exchange(t, b, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Access.Refresh(t.Context(), g.Refresh); err != nil {
			t.Error(err)
		}
		if want := []string{c.want, c.want}; !slices.Equal(proofs, want) || b.Posts()[0].Get("code_verifier") != attempt.Verifier {
			t.Errorf("%v, with a secret %v: %v, want %v", c.methods, c.secret, proofs, want)
		}
		b.Token = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
		if _, err := p.Access.Refresh(t.Context(), g.Refresh); err == nil || len(b.Posts()) != 3 {
			t.Errorf("%v after %d token requests, want 3", err, len(b.Posts()))
		}
	}
}

// A secret that cannot be had is no answer that was lost, and no fault of the person's.
//
// Break OA-11: services/providers/fdx/access.go: in secret, the Cause err in place of a new error
func TestToken_OA11_NoSecretNoRequest(t *testing.T) {
	for cause, want := range map[error]providers.Class{tokens.ErrTampered: providers.Config, tokens.ErrNone: providers.Config, errors.New("away"): providers.Transient} {
		b := banktest.New(t)
		p := fdx.New(fdx.Config{
			Profile: b.Provider().Profile, RedirectURI: banktest.Redirect, Client: providers.NewClient(true), Private: true,
			Secret: func(context.Context) (encryption.Secret, error) { return "", cause },
		})
		_, err := p.Access.Refresh(t.Context(), "r")
		if f := providers.FailureOf(err); f == nil || f.Class != want || f.Lost || errors.Is(err, tokens.ErrTampered) || errors.Is(err, tokens.ErrNone) || len(b.Posts()) != 0 {
			t.Errorf("%v: %v after %d requests", cause, err, len(b.Posts()))
		}
	}
}

// Break OA-10: services/providers/client.go: leave the Timeout out
func TestClient_OA10_Bounded(t *testing.T) {
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

// Break OA-17: access.go: in Revoke, give back the access token first
// Break OA-17: access.go: in Revoke, return nil where there is no m.Revocation
func TestRevoke_OA17_RefreshTokenFirst(t *testing.T) {
	b := banktest.New(t)
	p := b.Provider()
	if err := p.Access.Revoke(t.Context(), tokens.Tokens{Access: "a", Refresh: encryption.Secret("r")}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(b.Revoked()); got != "[r a]" {
		t.Errorf("revoked %s", got)
	}
	deaf := banktest.New(t)
	deaf.Metadata = map[string]any{"revocation_endpoint": ""}
	if err := deaf.Provider().Access.Revoke(t.Context(), tokens.Tokens{Access: "a"}); !errors.Is(err, providers.ErrNoRevocation) {
		t.Errorf("a bank that cannot be told: %v", err)
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

// A bank whose TLS has gone wrong is asked for nothing: no certificate is overlooked, no older protocol spoken, and what was
// not sent is not lost, however often it is tried.
//
// Break F17: services/providers/client.go: TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10} in NewClient
// Break OA-13: services/providers/fdx/answer.go: in RoundTrip, unreachable(err, true)
func TestRefresh_OA13_F17_BrokenTLS(t *testing.T) {
	asked := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	servers := map[string]func(s *httptest.Server){
		"a certificate nobody vouches for": func(s *httptest.Server) { s.StartTLS() },
		"an old protocol": func(s *httptest.Server) {
			s.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
			s.StartTLS()
		},
		"no TLS at all": func(s *httptest.Server) {
			s.Start()
			s.URL = strings.Replace(s.URL, "http:", "https:", 1)
		},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewUnstartedServer(asked)
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			start(s)
			defer s.Close()
			b := banktest.New(t)
			b.Metadata = map[string]any{"token_endpoint": s.URL + "/token"}
			_, err := b.Provider().Access.Refresh(t.Context(), "refresh-canary")
			if f := providers.FailureOf(err); f == nil || f.Class != providers.Transient || errors.Is(err, tokens.ErrAnswerLost) {
				t.Errorf("%v, want a failure that passes and has lost nothing", err)
			}
		})
	}
}
