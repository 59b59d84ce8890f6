package sandbox

import (
	"context"
	"errors"
	"slices"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"dashtam/services/errs"
	"dashtam/services/sandbox"
	"dashtam/services/sandbox/books"
)

// storage lets the library work on services/sandbox.
type storage struct {
	bank *sandbox.Service
}

var _ op.Storage = (*storage)(nil)

// answer puts an error into OAuth's words. What is not for the client stays in the parent, which only the log shows.
func answer(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sandbox.ErrInvalidGrant):
		return oidc.ErrInvalidGrant().WithDescription("%s", errs.Message(sandbox.ErrInvalidGrant))
	case errs.KindOf(err) == errs.Invalid:
		return oidc.ErrInvalidRequest().WithDescription("%s", errs.Message(err))
	case errors.Is(err, sandbox.ErrNoClient):
		return oidc.ErrInvalidClient()
	}
	return oidc.ErrServerError().WithParent(err)
}

func (s *storage) CreateAuthRequest(ctx context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	switch {
	case r.CodeChallenge == "" || r.CodeChallengeMethod != oidc.CodeChallengeMethodS256:
		return nil, oidc.ErrInvalidRequest().WithDescription("code_challenge with code_challenge_method S256 is required")
	case slices.Contains(r.Prompt, oidc.PromptNone):
		return nil, oidc.ErrInteractionRequired() // the bank asks every time
	}
	begun, err := s.bank.Begin(ctx, sandbox.Ask{
		ClientID: r.ClientID, RedirectURI: r.RedirectURI, State: r.State, Nonce: r.Nonce, ResponseMode: string(r.ResponseMode),
		Challenge: r.CodeChallenge, Scopes: r.Scopes,
	})
	if err != nil {
		return nil, answer(err)
	}
	return authRequest{begun}, nil
}

func (s *storage) AuthRequestByID(ctx context.Context, id string) (op.AuthRequest, error) {
	r, err := s.bank.Request(ctx, id)
	return authRequest{r}, answer(err)
}

func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	r, err := s.bank.RequestByCode(ctx, code)
	return authRequest{r}, answer(err)
}

func (s *storage) SaveAuthCode(ctx context.Context, id, code string) error {
	return answer(s.bank.SaveCode(ctx, id, code))
}

// DeleteAuthRequest leaves the request: Exchange has used its code up, and remembers that it did.
func (s *storage) DeleteAuthRequest(context.Context, string) error { return nil }

func (s *storage) CreateAccessToken(ctx context.Context, r op.TokenRequest) (string, time.Time, error) {
	out, err := s.exchange(ctx, r, false)
	return out.Access, out.Expires, answer(err)
}

func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, r op.TokenRequest, current string) (string, string, time.Time, error) {
	if current != "" {
		out, err := s.bank.Rotate(ctx, current, r.GetScopes())
		return out.Access, out.Refresh, out.Expires, answer(err)
	}
	out, err := s.exchange(ctx, r, true)
	return out.Access, out.Refresh, out.Expires, answer(err)
}

// exchange is where the library's look-up and deletion of a code, two calls, become one: the code is used up in the
// transaction that makes the tokens.
func (s *storage) exchange(ctx context.Context, r op.TokenRequest, offline bool) (sandbox.Issued, error) {
	a, ok := r.(authRequest)
	if !ok {
		return sandbox.Issued{}, errors.New("tokens asked for without a code")
	}
	return s.bank.Exchange(ctx, a.ID, offline)
}

func (s *storage) TokenRequestByRefreshToken(ctx context.Context, token string) (op.RefreshTokenRequest, error) {
	g, err := s.bank.GrantByRefresh(ctx, token)
	if err != nil {
		return nil, answer(err)
	}
	return &refreshRequest{Grant: g}, nil
}

// GetRefreshTokenInfo passes every token on: RevokeToken knows what it is.
func (s *storage) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

func (s *storage) RevokeToken(ctx context.Context, token, _, client string) *oidc.Error {
	switch err := s.bank.Revoke(ctx, client, token); {
	case err == nil:
		return nil
	case errors.Is(err, sandbox.ErrWrongClient):
		return oidc.ErrInvalidClient().WithDescription("%s", errs.Message(sandbox.ErrWrongClient))
	default:
		return oidc.ErrServerError().WithParent(err)
	}
}

func (s *storage) TerminateSession(context.Context, string, string) error { return nil }

func (s *storage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.bank.Client(ctx, id)
	if err != nil {
		return nil, answer(err)
	}
	return client{c}, nil
}

func (s *storage) AuthorizeClientIDSecret(ctx context.Context, id, secret string) error {
	return answer(s.bank.CheckSecret(ctx, id, secret))
}

// SetUserinfoFromScopes says what stands in an identity token: who signed in, and no more.
func (s *storage) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, subject, _ string, _ []string) error {
	info.Subject = subject
	return nil
}

func (s *storage) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, _ string) error {
	g, err := s.bank.GrantByAccess(ctx, token)
	if err != nil {
		return answer(err)
	}
	c := books.CustomerOf(g.Username)
	if c.ID != subject {
		return oidc.ErrInvalidGrant()
	}
	info.Subject = c.ID
	if slices.Contains(g.Scopes, oidc.ScopeProfile) {
		info.GivenName, info.FamilyName, info.Name = c.First, c.Last, c.First+" "+c.Last
	}
	if slices.Contains(g.Scopes, oidc.ScopeEmail) {
		info.Email, info.EmailVerified = c.Email, true
	}
	return nil
}

func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errors.New("introspection is not offered")
}

func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errors.New("clients have no keys here")
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errors.New("the JWT profile is not offered")
}

func (s *storage) Health(context.Context) error { return nil }

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *storage) SigningKey(ctx context.Context) (op.SigningKey, error) {
	keys, err := s.bank.Keys(ctx)
	if err != nil {
		return nil, answer(err)
	}
	return signingKey{keys[0]}, nil
}

func (s *storage) KeySet(ctx context.Context) ([]op.Key, error) {
	keys, err := s.bank.Keys(ctx)
	if err != nil {
		return nil, answer(err)
	}
	public := make([]op.Key, len(keys))
	for i, k := range keys {
		public[i] = publicKey{k}
	}
	return public, nil
}
