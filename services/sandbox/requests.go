package sandbox

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/errs"
)

// Ask is what a client asks for when it sends a customer to the bank.
type Ask struct {
	ClientID     string
	RedirectURI  string
	State, Nonce string
	ResponseMode string
	Challenge    string // PKCE, always S256
	Scopes       []string
}

// Request is an Ask on its way: first nobody's, then a signed-in customer's, then decided.
type Request struct {
	Ask
	ID         uuid.UUID
	Username   string
	SignedInAt *time.Time
	Decision   string // "", "allow", "deny"

	SessionHash []byte // of the browser that signed in
	GrantID     *uuid.UUID
	Live        bool // neither the visit nor, later, the code has expired
}

const requestColumns = `id, client_id, redirect_uri, state, nonce, response_mode, challenge, scopes, username, signed_in_at,
	decision, session_hash, grant_id, expires_at > now() AS live`

// Begin keeps an Ask while its customer signs in and decides. An Ask that cannot be kept is an Invalid error.
func (s *Service) Begin(ctx context.Context, a Ask) (Request, error) {
	if !storable(append(a.Scopes, a.ClientID, a.RedirectURI, a.State, a.Nonce, a.ResponseMode, a.Challenge)...) {
		return Request{}, errs.New(errs.Invalid, "The request holds bytes that are not characters.")
	}
	return s.request(ctx, "beginning a request", `
		WITH old AS (DELETE FROM sandbox.requests WHERE expires_at < now() - interval '1 day')
		INSERT INTO sandbox.requests (id, client_id, redirect_uri, state, nonce, response_mode, challenge, scopes, expires_at)
		VALUES (@id, @client, @uri, @state, @nonce, @mode, @challenge, @scopes, now() + @lasts::interval)
		RETURNING `+requestColumns, pgx.NamedArgs{
		"id": uuid.New(), "client": a.ClientID, "uri": a.RedirectURI, "state": a.State, "nonce": a.Nonce, "mode": a.ResponseMode,
		"challenge": a.Challenge, "scopes": a.Scopes, "lasts": visitLasts,
	})
}

// Request finds a request that has not ended in a code; ErrOver otherwise.
func (s *Service) Request(ctx context.Context, id string) (Request, error) {
	key, err := uuid.Parse(id)
	if err != nil {
		return Request{}, ErrOver
	}
	return s.request(ctx, "finding a request", `
		SELECT `+requestColumns+` FROM sandbox.requests WHERE id = @id AND code_hash IS NULL AND expires_at > now()`,
		pgx.NamedArgs{"id": key})
}

// SignIn makes an undecided request username's, in the browser that holds session, a text of the caller's that only this
// browser knows. A name nobody could have is an Invalid error on "username"; a request that is decided or gone is ErrOver.
func (s *Service) SignIn(ctx context.Context, id uuid.UUID, session, username string) error {
	username = strings.TrimSpace(username)
	switch {
	case username == "":
		return errs.Field("username", "Type a user name. Any will do.")
	case !storable(username) || utf8.RuneCountInString(username) > 100:
		return errs.Field("username", "A user name has at most 100 characters.")
	}
	_, err := s.request(ctx, "signing in", `
		UPDATE sandbox.requests SET username = @username, session_hash = @session, signed_in_at = now()
		WHERE id = @id AND decision = '' AND expires_at > now() RETURNING `+requestColumns,
		pgx.NamedArgs{"id": id, "username": username, "session": hash(session)})
	return err
}

// Of reports whether the request was signed in to in the browser that holds session.
func (r Request) Of(session string) bool {
	return r.SessionHash != nil && subtle.ConstantTimeCompare(r.SessionHash, hash(session)) == 1
}

// Decide writes down the customer's answer, once, from the browser that signed in; ErrOver otherwise.
func (s *Service) Decide(ctx context.Context, id uuid.UUID, session string, allow bool) (Request, error) {
	decision := "deny"
	if allow {
		decision = "allow"
		if err := s.narrow(ctx, id); err != nil {
			return Request{}, err
		}
	}
	return s.request(ctx, "deciding", `
		UPDATE sandbox.requests SET decision = @decision
		WHERE id = @id AND session_hash = @session AND decision = '' AND expires_at > now() RETURNING `+requestColumns,
		pgx.NamedArgs{"id": id, "decision": decision, "session": hash(session)})
}

// narrow takes the transactions out of what a request asks for, where the bank was told to.
func (s *Service) narrow(ctx context.Context, id uuid.UUID) error {
	var username string
	err := s.db.QueryRow(ctx, `SELECT username FROM sandbox.requests WHERE id = @id`, pgx.NamedArgs{"id": id}).Scan(&username)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrOver
	}
	if err != nil {
		return fmt.Errorf("sandbox: deciding: %w", err)
	}
	asked, err := take(ctx, s.db, username, FaultNarrow)
	if err != nil || len(asked) == 0 {
		return err
	}
	if _, err := s.db.Exec(ctx, `
		UPDATE sandbox.requests SET scopes = array_remove(scopes, 'fdx:transactions:read') WHERE id = @id AND decision = ''`,
		pgx.NamedArgs{"id": id}); err != nil {
		return fmt.Errorf("sandbox: deciding: %w", err)
	}
	return nil
}

// SaveCode lets an allowed request end in a code, once; ErrOver otherwise.
func (s *Service) SaveCode(ctx context.Context, id, code string) error {
	key, err := uuid.Parse(id)
	if err != nil {
		return ErrOver
	}
	_, err = s.request(ctx, "keeping a code", `
		UPDATE sandbox.requests SET code_hash = @code, expires_at = now() + @lasts::interval
		WHERE id = @id AND decision = 'allow' AND code_hash IS NULL AND expires_at > now() RETURNING `+requestColumns,
		pgx.NamedArgs{"id": key, "code": hash(code), "lasts": codeLasts})
	return err
}

// RequestByCode finds the request that ended in code. Exchange, not this, uses the code up. A code that was never given
// or has expired is ErrInvalidGrant; so is a used one, and showing it ends what it was exchanged for.
func (s *Service) RequestByCode(ctx context.Context, code string) (Request, error) {
	r, err := s.request(ctx, "finding a code", `SELECT `+requestColumns+` FROM sandbox.requests WHERE code_hash = @code`,
		pgx.NamedArgs{"code": hash(code)})
	switch {
	case errors.Is(err, ErrOver):
		return Request{}, ErrInvalidGrant
	case err != nil:
		return Request{}, err
	case r.GrantID != nil:
		if err := end(ctx, s.db, *r.GrantID); err != nil {
			return Request{}, err
		}
		return Request{}, ErrInvalidGrant
	case !r.Live:
		return Request{}, ErrInvalidGrant
	}
	return r, nil
}

// request runs a statement that gives at most one request; none is ErrOver.
func (s *Service) request(ctx context.Context, what, sql string, args pgx.NamedArgs) (Request, error) {
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return Request{}, fmt.Errorf("sandbox: %s: %w", what, err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Request])
	if errors.Is(err, pgx.ErrNoRows) {
		return Request{}, ErrOver
	}
	if err != nil {
		return Request{}, fmt.Errorf("sandbox: %s: %w", what, err)
	}
	return r, nil
}
