package fdx_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
)

// An identity token that this bank did not make, for this client, in answer to this attempt, just now, connects nothing:
// what was granted is given back. The subject alone says who it is, whatever address the token names beside it.
//
// Break OA-9: services/providers/fdx/identity.go: in VerifySignature, return jws.UnsafePayloadWithoutVerification() in place of jws.Verify
// Break OA-9: services/providers/fdx/identity.go: in identity, leave out CheckIssuerWithISSVerifier
// Break OA-9: services/providers/fdx/identity.go: in identity, leave out CheckAudience
// Break OA-9: services/providers/fdx/identity.go: in identity, leave out CheckAuthorizedParty
// Break OA-9: services/providers/fdx/identity.go: in identity, leave out CheckNonce
// Break OA-9: services/providers/fdx/identity.go: in identity, leave out CheckExpiration
// Break OA-9: services/providers/fdx/identity.go: in identity, leave out CheckIssuedAt
// Break OA-9: services/providers/fdx/identity.go: in identity, leave out VerifyAccessToken
// Break OA-9: services/providers/fdx/identity.go: in identity, leave out CheckSubject
func TestExchange_OA9_IdentityTokens(t *testing.T) {
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	part := base64.RawURLEncoding.EncodeToString
	claim := func(name string, value any) func(*banktest.Bank) {
		return func(b *banktest.Bank) { b.Claims = func(claims map[string]any) { claims[name] = value } }
	}
	without := func(name string) func(*banktest.Bank) {
		return func(b *banktest.Bank) { b.Claims = func(claims map[string]any) { delete(claims, name) } }
	}
	signed := func(sign func(b *banktest.Bank, claims []byte) string) func(*banktest.Bank) {
		return func(b *banktest.Bank) { b.Sign = func(claims []byte) string { return sign(b, claims) } }
	}
	good := map[string]func(*banktest.Bank){
		"as it is": func(*banktest.Bank) {},
		"two audiences": func(b *banktest.Bank) {
			b.Claims = func(c map[string]any) { c["aud"], c["azp"] = []string{"dashtam", "other"}, "dashtam" }
		},
		"a clock four minutes on": claim("iat", time.Now().Add(4*time.Minute).Unix()),
		"ended four minutes ago":  claim("exp", time.Now().Add(-4*time.Minute).Unix()),
		"no at_hash":              without("at_hash"),
		"somebody's address":      claim("email", "eve@example.org"),
	}
	bad := map[string]func(*banktest.Bank){
		"another issuer":      claim("iss", "https://evil.example"),
		"no issuer":           without("iss"),
		"another client":      claim("aud", "other"),
		"no audience":         without("aud"),
		"another party":       claim("azp", "other"),
		"two, no party":       claim("aud", []string{"dashtam", "other"}),
		"another attempt":     claim("nonce", strings.Repeat("m", 43)),
		"no nonce":            without("nonce"),
		"ended":               claim("exp", time.Now().Add(-6*time.Minute).Unix()),
		"no end":              without("exp"),
		"not yet":             claim("iat", time.Now().Add(6*time.Minute).Unix()),
		"no time":             without("iat"),
		"another token":       claim("at_hash", part(make([]byte, 16))),
		"nobody":              claim("sub", ""),
		"a number":            claim("sub", 7),
		"a stranger's key":    signed(func(_ *banktest.Bank, c []byte) string { return banktest.Signed(jose.ES256, stranger, c) }),
		"the client's secret": signed(func(_ *banktest.Bank, c []byte) string { return banktest.Signed(jose.HS256, make([]byte, 32), c) }),
		"the public key as a secret": signed(func(b *banktest.Bank, c []byte) string {
			public, err := b.Key.PublicKey.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			return banktest.Signed(jose.HS256, public, c)
		}),
		"no signature": signed(func(_ *banktest.Bank, c []byte) string {
			return part([]byte(`{"alg":"none","kid":"k"}`)) + "." + part(c) + "."
		}),
		"cut off": signed(func(b *banktest.Bank, c []byte) string {
			s := banktest.Signed(jose.ES256, b.Key, c)
			return s[:len(s)-8]
		}),
		"other claims than were signed": signed(func(b *banktest.Bank, c []byte) string {
			parts := strings.Split(banktest.Signed(jose.ES256, b.Key, c), ".")
			var claims map[string]any
			if err := json.Unmarshal(c, &claims); err != nil {
				t.Fatal(err)
			}
			claims["sub"] = "eve"
			other, _ := json.Marshal(claims)
			return parts[0] + "." + part(other) + "." + parts[2]
		}),
		"no token at all": signed(func(*banktest.Bank, []byte) string { return "a.b.c" }),
		"not three parts": signed(func(*banktest.Bank, []byte) string { return "identity" }),
	}
	for name, change := range good {
		t.Run(name, func(t *testing.T) {
			b := banktest.New(t)
			change(b)
			if g, err := exchange(t, b, b.Provider()); err != nil || g.Subject != "ada" {
				t.Errorf("Exchange: %q, %v", g.Subject, err)
			}
		})
	}
	for name, change := range bad {
		t.Run(name, func(t *testing.T) {
			b := banktest.New(t)
			change(b)
			g, err := exchange(t, b, b.Provider())
			if f := providers.FailureOf(err); f == nil || f.Class != providers.Permanent || f.Code != "identity_token" || g.Access != "" || g.Subject != "" {
				t.Errorf("Exchange: %+v, %v", g, err)
			}
			if got := b.Revoked(); !slices.Contains(got, "refresh-canary-2") || !slices.Contains(got, "access-canary-2") {
				t.Errorf("what was granted was not given back: %q", got)
			}
		})
	}
}

// Keys that cannot be had are the bank's trouble, which passes; a bank that names none has no identity tokens to be believed.
//
// Break OA-9: services/providers/fdx/identity.go: in identity, leave out the case keys.failed != nil
func TestExchange_OA9_Keys(t *testing.T) {
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := banktest.New(t)
	b.Sign = func(claims []byte) string { return banktest.Signed(jose.ES256, stranger, claims) }
	b.Metadata = map[string]any{"jwks_uri": ""}
	b.API = func(w http.ResponseWriter, _ *http.Request) { banktest.Raw(w, `{"customerId":"customer-7"}`) }
	if g, err := exchange(t, b, b.Provider()); err != nil || g.Subject != "customer-7" {
		t.Errorf("a bank without keys: %q, %v; want the customer that its API names", g.Subject, err)
	}
	b.Metadata = map[string]any{"jwks_uri": b.URL + "/nowhere"}
	if _, err := exchange(t, b, b.Provider()); providers.FailureOf(err) == nil || providers.FailureOf(err).Class == providers.Permanent {
		t.Errorf("keys that are not there: %v", err)
	}
	b.Metadata = map[string]any{"jwks_uri": "file:///etc/passwd"}
	if _, err := b.Provider().Access.AuthorizeURL(t.Context(), attempt); providers.FailureOf(err) == nil || providers.FailureOf(err).Class != providers.Config {
		t.Errorf("keys in a file: %v", err)
	}
	b.Metadata = nil
	if _, err := exchange(t, b, b.Provider()); providers.FailureOf(err) == nil || providers.FailureOf(err).Class != providers.Permanent {
		t.Errorf("a stranger's key: %v", err)
	}
}
