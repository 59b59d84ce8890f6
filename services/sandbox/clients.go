package sandbox

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/errs"
)

// Ways a client proves itself at the token endpoint, in RFC 7591's words.
const (
	AuthNone  = "none"
	AuthBasic = "client_secret_basic"
	AuthPost  = "client_secret_post"
)

// Client is an app that may ask the bank's customers for permission.
type Client struct {
	ID, Name     string
	AuthMethod   string
	RedirectURIs []string
	AnyLoopback  bool // may come back to any loopback address
}

// Client finds a client; ErrNoClient when there is none.
func (s *Service) Client(ctx context.Context, id string) (Client, error) {
	if !storable(id) {
		return Client{}, ErrNoClient
	}
	rows, err := s.db.Query(ctx, `SELECT id, name, auth_method, redirect_uris, any_loopback FROM sandbox.clients WHERE id = @id`,
		pgx.NamedArgs{"id": id})
	if err != nil {
		return Client{}, fmt.Errorf("sandbox: finding a client: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Client])
	if errors.Is(err, pgx.ErrNoRows) {
		return Client{}, ErrNoClient
	}
	if err != nil {
		return Client{}, fmt.Errorf("sandbox: finding a client: %w", err)
	}
	return c, nil
}

// CheckSecret is nil when secret is the client's (a public client's is empty), ErrNoClient when it is not or there is no
// such client.
func (s *Service) CheckSecret(ctx context.Context, id, secret string) error {
	if !storable(id) {
		return ErrNoClient
	}
	var want []byte
	err := s.db.QueryRow(ctx, `SELECT secret_hash FROM sandbox.clients WHERE id = @id`, pgx.NamedArgs{"id": id}).Scan(&want)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNoClient
	case err != nil:
		return fmt.Errorf("sandbox: checking a client: %w", err)
	case want == nil && secret == "":
		return nil
	case want == nil || subtle.ConstantTimeCompare(want, hash(secret)) != 1:
		return ErrNoClient
	}
	return nil
}

// Registration is what somebody says about a new client, in RFC 7591's words.
type Registration struct {
	Name         string   `json:"client_name"`
	RedirectURIs []string `json:"redirect_uris"`
	AuthMethod   string   `json:"token_endpoint_auth_method"` // empty: AuthBasic
}

// Register takes a new client in and gives it an id, and a secret unless it is public. What cannot be used is an Invalid
// error by field.
func (s *Service) Register(ctx context.Context, r Registration) (c Client, secret string, err error) {
	if r.AuthMethod == "" {
		r.AuthMethod = AuthBasic
	}
	if r.Name == "" {
		r.Name = "An app without a name"
	}
	if err := errs.Fields(r.problems()); err != nil {
		return Client{}, "", err
	}
	c = Client{ID: uuid.NewString(), Name: r.Name, AuthMethod: r.AuthMethod, RedirectURIs: r.RedirectURIs}
	var kept []byte
	if c.AuthMethod != AuthNone {
		secret = newSecret()
		kept = hash(secret)
	}
	_, err = s.db.Exec(ctx, `
		INSERT INTO sandbox.clients (id, name, auth_method, secret_hash, redirect_uris)
		VALUES (@id, @name, @method, @secret, @uris)`,
		pgx.NamedArgs{"id": c.ID, "name": c.Name, "method": c.AuthMethod, "secret": kept, "uris": c.RedirectURIs})
	if err != nil {
		return Client{}, "", fmt.Errorf("sandbox: registering a client: %w", err)
	}
	return c, secret, nil
}

func (r Registration) problems() map[string]string {
	found := map[string]string{}
	if !slices.Contains([]string{AuthNone, AuthBasic, AuthPost}, r.AuthMethod) {
		found["token_endpoint_auth_method"] = "The bank knows none, client_secret_basic and client_secret_post."
	}
	if !storable(r.Name) || utf8.RuneCountInString(r.Name) > 100 {
		found["client_name"] = "A name has at most 100 characters."
	}
	if len(r.RedirectURIs) == 0 || len(r.RedirectURIs) > 20 {
		found["redirect_uris"] = "An app names between one and twenty addresses to come back to."
	}
	for _, uri := range r.RedirectURIs {
		if !usable(uri) {
			found["redirect_uris"] = "An address to come back to is a whole http or https URL without a fragment."
		}
	}
	return found
}

// usable reports whether an address is whole and has no fragment (RFC 6749 section 3.1.2). Its host ends up in a
// Content-Security-Policy, so it must not end a directive there.
func usable(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && storable(uri) && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		!strings.Contains(uri, "#") && !strings.ContainsAny(u.Host, ";,'*")
}

// Native reports whether the client lives on its user's own machine: every address it comes back to is a loopback one,
// and then the port is its own business (RFC 8252 section 7.3).
func (c Client) Native() bool {
	return c.AnyLoopback || !slices.ContainsFunc(c.RedirectURIs, func(uri string) bool {
		u, err := url.Parse(uri)
		return err != nil || (u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback())
	})
}
