package fdx

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"dashtam/services/encryption"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// oauth is x/oauth2's view of the bank, without the client secret. AuthStyle is always set: left open, x/oauth2 would send
// a failed token request a second time, in the other style.
func (a *Adapter) oauth(m *metadata) *oauth2.Config {
	return &oauth2.Config{
		ClientID: a.c.Profile.ClientID, RedirectURL: a.c.RedirectURI, Scopes: a.scopes(m),
		Endpoint: oauth2.Endpoint{AuthURL: m.Authorization, TokenURL: m.Token, AuthStyle: a.authStyle(m)},
	}
}

// proven is oauth for a token request: with the client secret, opened for this one.
func (a *Adapter) proven(ctx context.Context, m *metadata) (*oauth2.Config, error) {
	secret, err := a.secret(ctx)
	c := a.oauth(m)
	c.ClientSecret = secret.Reveal()
	return c, err
}

// secret opens the client secret; empty for a public client. Nothing was sent to the bank when that fails.
func (a *Adapter) secret(ctx context.Context) (encryption.Secret, error) {
	if a.c.Secret == nil {
		return "", nil
	}
	secret, err := a.c.Secret(ctx)
	switch {
	case errors.Is(err, tokens.ErrTampered), errors.Is(err, tokens.ErrNone):
		// Not wrapped: it is not the person's access that does not open.
		return "", &providers.Failure{Class: providers.Config, Code: "client_secret", Cause: errors.New("the client secret does not open")}
	case err != nil:
		return "", &providers.Failure{Class: providers.Transient, Code: "client_secret", Cause: err}
	}
	return secret, nil
}

// The ways a client proves itself (RFC 7591 2).
const (
	basic = "client_secret_basic"
	post  = "client_secret_post"
	none  = "none"
)

// method is how the client proves itself, by the bank's metadata alone: RFC 8414 has client_secret_basic where it does
// not say. It is never found out by trying, because a try that fails may use up a refresh token.
func (a *Adapter) method(m *metadata) string {
	switch {
	case a.c.Secret == nil:
		return none
	case slices.Contains(m.AuthMethods, post) && !slices.Contains(m.AuthMethods, basic):
		return post
	}
	return basic
}

func (a *Adapter) authStyle(m *metadata) oauth2.AuthStyle {
	if a.method(m) == basic {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

// AuthorizeURL is where the person's browser goes. Consent is asked for each time where offline access is wanted, as
// OpenID Connect Core 11 has it.
func (a *Adapter) AuthorizeURL(ctx context.Context, t providers.Attempt) (string, error) {
	m, err := a.metadata(ctx)
	if err != nil {
		return "", err
	}
	c := a.oauth(m)
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(t.Verifier)}
	if slices.Contains(c.Scopes, "openid") {
		options = append(options, oauth2.SetAuthURLParam("nonce", t.Nonce))
	}
	if slices.Contains(c.Scopes, "offline_access") {
		options = append(options, oauth2.SetAuthURLParam("prompt", "consent"))
	}
	return c.AuthCodeURL(t.State, options...), nil
}

// Exchange turns the bank's answer into tokens and learns whose bank login it is.
func (a *Adapter) Exchange(ctx context.Context, t providers.Attempt, answer providers.Answer) (providers.Grant, error) {
	m, err := a.metadata(ctx)
	if err != nil {
		return providers.Grant{}, err
	}
	// RFC 9207: the answer is this bank's own, or the code goes nowhere. One that names another bank is refused even
	// where the metadata announces no name.
	if answer.Issuer != m.Issuer && (m.SendsIssuer || answer.Issuer != "") {
		return providers.Grant{}, &providers.Failure{Class: providers.Permanent, Code: "mix_up"}
	}
	c, err := a.proven(ctx, m)
	if err != nil {
		return providers.Grant{}, err
	}
	j := &judge{adapter: a}
	if _, err := c.Exchange(j.under(ctx), answer.Code, oauth2.VerifierOption(t.Verifier)); err != nil {
		return providers.Grant{}, failureOf(err)
	}
	grant := providers.Grant{Tokens: j.answer.Tokens, Scopes: strings.Fields(j.answer.scope)}
	if j.answer.scope == "" {
		grant.Scopes = c.Scopes // RFC 6749 5.1: as asked for
	}
	if grant.Subject, err = a.subject(ctx, m, t, j.answer); err != nil {
		_ = a.Revoke(ctx, grant.Tokens) // nobody is going to use them; that the bank learns of it would be good
		return providers.Grant{}, err
	}
	return grant, nil
}

// Refresh asks for new tokens, once.
func (a *Adapter) Refresh(ctx context.Context, refresh encryption.Secret) (tokens.Tokens, error) {
	m, err := a.metadata(ctx)
	if err != nil {
		return tokens.Tokens{}, err
	}
	c, err := a.proven(ctx, m)
	if err != nil {
		return tokens.Tokens{}, err
	}
	j := &judge{adapter: a}
	// A token source used once and thrown away is x/oauth2's only door to this grant; nothing refreshes behind the lease.
	if _, err := c.TokenSource(j.under(ctx), &oauth2.Token{RefreshToken: refresh.Reveal()}).Token(); err != nil {
		return tokens.Tokens{}, failureOf(err)
	}
	return j.answer.Tokens, nil
}

// under makes x/oauth2 use the judge, within the client's own bounds.
func (j *judge) under(ctx context.Context) context.Context {
	client := *j.adapter.c.Client
	client.Transport = j
	return context.WithValue(ctx, oauth2.HTTPClient, &client)
}

// failureOf keeps only the Failure of an error of x/oauth2, whose own words may quote the bank.
func failureOf(err error) error {
	if f := providers.FailureOf(err); f != nil {
		return f
	}
	return &providers.Failure{Class: providers.Transient, Code: "broken_answer", Lost: true}
}

// Revoke tells the bank that the refresh token, and then the access token, are not needed any more (RFC 7009).
func (a *Adapter) Revoke(ctx context.Context, t tokens.Tokens) error {
	m, err := a.metadata(ctx)
	if err != nil {
		return err
	}
	if m.Revocation == "" {
		return providers.ErrNoRevocation
	}
	var failed error
	if t.Refresh != "" {
		failed = a.revoke(ctx, m, t.Refresh, "refresh_token")
	}
	if t.Access != "" {
		failed = errors.Join(failed, a.revoke(ctx, m, t.Access, "access_token"))
	}
	return failed
}

func (a *Adapter) revoke(ctx context.Context, m *metadata, token encryption.Secret, hint string) error {
	secret, err := a.secret(ctx)
	if err != nil {
		return err
	}
	form := url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}}
	how := a.method(m)
	if how != basic {
		form.Set("client_id", a.c.Profile.ClientID)
	}
	if how == post {
		form.Set("client_secret", secret.Reveal())
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Revocation, strings.NewReader(form.Encode()))
	if err != nil {
		return misconfigured(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if how == basic {
		r.SetBasicAuth(url.QueryEscape(a.c.Profile.ClientID), url.QueryEscape(secret.Reveal()))
	}
	answer, err := a.c.Client.Do(r)
	if err != nil {
		return unreachable(err, false)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return a.refusal(answer)
	}
	return nil
}
