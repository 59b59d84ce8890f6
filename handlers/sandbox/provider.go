package sandbox

import (
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Scopes of FDX v6 that this bank knows.
const (
	scopeBasic        = "fdx:accountbasic:read"    // which accounts there are
	scopeDetailed     = "fdx:accountdetailed:read" // and what they hold
	scopeTransactions = "fdx:transactions:read"
	scopeInvestments  = "fdx:investments:read" // holdings
	scopeCustomer     = "fdx:customercontact:read"
)

var fdxScopes = []string{scopeBasic, scopeDetailed, scopeTransactions, scopeInvestments, scopeCustomer}

func newProvider(issuer string, s op.Storage) (*op.Provider, error) {
	return op.NewProvider(&op.Config{
		CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true,
		SupportedScopes: append([]string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopeOfflineAccess}, fdxScopes...),
		SupportedClaims: []string{"sub", "aud", "exp", "iat", "iss", "auth_time", "nonce", "name", "given_name", "family_name", "email"},
	}, s, op.StaticIssuer(issuer),
		op.WithAllowInsecure(), // New has checked that the issuer is a loopback address then
		op.WithCORSOptions(nil),
		op.WithCrypto(opaque{}),
	)
}

// opaque turns what the library wants to hide in a code or an access token into base64url, behind 256 bits of chance.
// There is nothing to hide: codes are looked up whole, and access tokens by the secret that is their id.
type opaque struct{}

func (opaque) Encrypt(s string) (string, error) {
	return newToken(32) + base64.RawURLEncoding.EncodeToString([]byte(s)), nil
}

func (opaque) Decrypt(s string) (string, error) {
	chance := base64.RawURLEncoding.EncodedLen(32)
	if len(s) < chance {
		return "", errors.New("too short")
	}
	b, err := base64.RawURLEncoding.DecodeString(s[chance:])
	return string(b), err
}

// discovery says what the bank really does; the library's own answer lists more than is reachable here.
func (b *bank) discovery(w http.ResponseWriter, r *http.Request) {
	ctx := op.ContextWithIssuer(r.Context(), b.Issuer)
	c := op.CreateDiscoveryConfig(ctx, b.provider, b.provider.Storage())
	c.ResponseTypesSupported = []string{string(oidc.ResponseTypeCode)}
	c.GrantTypesSupported = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	c.IntrospectionEndpoint, c.EndSessionEndpoint, c.DeviceAuthorizationEndpoint = "", "", ""
	c.IntrospectionEndpointAuthMethodsSupported, c.IntrospectionEndpointAuthSigningAlgValuesSupported = nil, nil
	c.RevocationEndpointAuthSigningAlgValuesSupported = nil
	writeJSON(w, http.StatusOK, c)
}
