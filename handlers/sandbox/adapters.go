package sandbox

import (
	"slices"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"dashtam/services/sandbox"
	"dashtam/services/sandbox/books"
)

// client shows a sandbox.Client to the library.
type client struct{ of sandbox.Client }

func (c client) GetID() string                        { return c.of.ID }
func (c client) RedirectURIs() []string               { return c.of.RedirectURIs }
func (c client) PostLogoutRedirectURIs() []string     { return nil }
func (c client) PostLogoutRedirectURIGlobs() []string { return nil }
func (c client) AuthMethod() oidc.AuthMethod          { return oidc.AuthMethod(c.of.AuthMethod) }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}
func (c client) LoginURL(id string) string           { return "/login?id=" + id }
func (c client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration      { return 15 * time.Minute }
func (c client) DevMode() bool                       { return false }
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
func (c client) IsScopeAllowed(scope string) bool     { return slices.Contains(fdxScopes, scope) }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c client) ClockSkew() time.Duration             { return 0 }

// ApplicationType decides how addresses to come back to are compared: native clients choose their port as they like.
func (c client) ApplicationType() op.ApplicationType {
	if c.of.Native() {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

// RedirectURIGlobs are patterns for addresses beside RedirectURIs. A port is spelled out as digits: a star would also
// match "8080@elsewhere.example".
func (c client) RedirectURIGlobs() []string {
	if !c.of.AnyLoopback {
		return nil
	}
	const port = `{,:[0-9],:[0-9][0-9],:[0-9][0-9][0-9],:[0-9][0-9][0-9][0-9],:[0-9][0-9][0-9][0-9][0-9]}`
	return []string{`{http,https}://{localhost,127.0.0.1,\[::1\]}` + port + `/**`}
}

// authRequest shows a sandbox.Request to the library.
type authRequest struct{ sandbox.Request }

func (r authRequest) GetID() string                      { return r.ID.String() }
func (r authRequest) GetACR() string                     { return "" }
func (r authRequest) GetAMR() []string                   { return nil }
func (r authRequest) GetAudience() []string              { return []string{r.ClientID} }
func (r authRequest) GetClientID() string                { return r.ClientID }
func (r authRequest) GetNonce() string                   { return r.Nonce }
func (r authRequest) GetRedirectURI() string             { return r.RedirectURI }
func (r authRequest) GetScopes() []string                { return r.Scopes }
func (r authRequest) GetState() string                   { return r.State }
func (r authRequest) GetSubject() string                 { return books.CustomerOf(r.Username).ID }
func (r authRequest) Done() bool                         { return r.Decision == "allow" }
func (r authRequest) GetResponseType() oidc.ResponseType { return oidc.ResponseTypeCode }
func (r authRequest) GetResponseMode() oidc.ResponseMode {
	return oidc.ResponseMode(r.ResponseMode)
}
func (r authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.Challenge, Method: oidc.CodeChallengeMethodS256}
}
func (r authRequest) GetAuthTime() time.Time {
	if r.SignedInAt == nil {
		return time.Time{}
	}
	return *r.SignedInAt
}

// refreshRequest shows a sandbox.Grant to the library.
type refreshRequest struct{ sandbox.Grant }

func (r *refreshRequest) GetAMR() []string            { return nil }
func (r *refreshRequest) GetAudience() []string       { return []string{r.ClientID} }
func (r *refreshRequest) GetAuthTime() time.Time      { return r.SignedInAt }
func (r *refreshRequest) GetClientID() string         { return r.ClientID }
func (r *refreshRequest) GetScopes() []string         { return r.Scopes }
func (r *refreshRequest) GetSubject() string          { return books.CustomerOf(r.Username).ID }
func (r *refreshRequest) SetCurrentScopes(s []string) { r.Scopes = s }

type signingKey struct{ of sandbox.Key }

func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                    { return k.of.Private }
func (k signingKey) ID() string                                  { return k.of.ID }

type publicKey struct{ of sandbox.Key }

func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.of.Private.PublicKey }
func (k publicKey) ID() string                         { return k.of.ID }
