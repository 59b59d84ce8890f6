package sandbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres"
)

// Grant is what a customer allowed a client.
type Grant struct {
	ID          uuid.UUID
	ClientID    string
	Username    string
	Scopes      []string
	SignedInAt  time.Time
	AccountSalt string // makes this permission's account ids other ones; usually empty
}

const grantColumns = `g.id, g.client_id, g.username, g.scopes, g.signed_in_at, g.account_salt`

// live is what holds of a grant that opens something.
const live = ` g.ended_at IS NULL AND g.expires_at > now() AND NOT EXISTS (
	SELECT FROM sandbox.faults f WHERE f.name = 'relogin_after_s' AND f.username IN ('', lower(btrim(g.username)))
		AND g.signed_in_at + f.value::int * interval '1 second' < now()) `

// Issued are the secrets of one answer of the token endpoint.
type Issued struct {
	Access  string
	Refresh string // empty without offline access
	Expires time.Time
}

// Exchange uses up the code of a request. Of two exchanges at once, one gets tokens and the other ErrInvalidGrant.
func (s *Service) Exchange(ctx context.Context, request uuid.UUID, offline bool) (out Issued, err error) {
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		lasts := accessLasts
		if offline {
			lasts = GrantLasts
		}
		g, err := grant(ctx, tx, `
			WITH used AS (
				UPDATE sandbox.requests SET grant_id = @grant
				WHERE id = @id AND decision = 'allow' AND grant_id IS NULL AND code_hash IS NOT NULL AND expires_at > now()
				RETURNING client_id, username, scopes, signed_in_at
			)
			INSERT INTO sandbox.grants AS g (id, client_id, username, scopes, signed_in_at, expires_at)
			SELECT @grant, client_id, username, scopes, signed_in_at, now() + @lasts::interval FROM used
			RETURNING `+grantColumns,
			pgx.NamedArgs{"id": request, "grant": uuid.New(), "lasts": lasts})
		if err != nil {
			return err
		}
		if err := newAccountIDs(ctx, tx, g); err != nil {
			return err
		}
		out, err = issue(ctx, tx, g.ID, g.Scopes, offline)
		return err
	})
	if err != nil {
		return Issued{}, fmt.Errorf("sandbox: exchanging a code: %w", err)
	}
	return out, nil
}

// GrantByRefresh finds the live grant of an unused refresh token. Anything else is ErrInvalidGrant, and a used token ends
// its grant.
func (s *Service) GrantByRefresh(ctx context.Context, token string) (Grant, error) {
	g, err := grant(ctx, s.db, `
		SELECT `+grantColumns+` FROM sandbox.refresh_tokens t JOIN sandbox.grants g ON g.id = t.grant_id
		WHERE t.token_hash = @token AND (t.used_at IS NULL OR `+inGrace+`) AND `+live,
		pgx.NamedArgs{"token": hash(token)})
	if errors.Is(err, ErrInvalidGrant) {
		return Grant{}, s.punish(ctx, token)
	}
	if err != nil {
		return Grant{}, fmt.Errorf("sandbox: finding a refresh token: %w", err)
	}
	return g, nil
}

// inGrace holds of a used refresh token t that may be shown once more: the bank was told to be patient, and none that came
// after it was used.
const inGrace = `(EXISTS (SELECT FROM sandbox.faults f WHERE f.name = 'rotation' AND f.value = 'grace' AND f.username IN ('', lower(btrim(g.username))))
	AND NOT EXISTS (SELECT FROM sandbox.refresh_tokens n WHERE n.grant_id = t.grant_id AND n.used_at > t.used_at))`

// Rotate uses a refresh token up and gives a new one, and an access token for scopes; a Rotation that was asked for
// changes that. Of two at once one wins; the other's token was then used twice, which ends the grant.
func (s *Service) Rotate(ctx context.Context, token string, scopes []string) (out Issued, err error) {
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		g, err := grant(ctx, tx, `
			UPDATE sandbox.refresh_tokens t SET used_at = now() FROM sandbox.grants g
			WHERE t.token_hash = @token AND (t.used_at IS NULL OR `+inGrace+`) AND g.id = t.grant_id AND `+live+`
			RETURNING `+grantColumns, pgx.NamedArgs{"token": hash(token)})
		if err != nil {
			return err
		}
		asked, err := take(ctx, tx, g.Username, FaultRotation)
		if err != nil {
			return err
		}
		rotation := RotateStrict
		for _, f := range asked {
			rotation = Rotation(f.Value)
		}
		keeps := rotation == RotateNone || rotation == RotateReusable
		if keeps {
			if _, err := tx.Exec(ctx, `UPDATE sandbox.refresh_tokens SET used_at = NULL WHERE token_hash = @token`, pgx.NamedArgs{"token": hash(token)}); err != nil {
				return err
			}
		}
		if out, err = issue(ctx, tx, g.ID, scopes, !keeps); rotation == RotateReusable {
			out.Refresh = token
		}
		return err
	})
	if errors.Is(err, ErrInvalidGrant) {
		return Issued{}, s.punish(ctx, token)
	}
	if err != nil {
		return Issued{}, fmt.Errorf("sandbox: rotating a refresh token: %w", err)
	}
	return out, nil
}

// newAccountIDs gives a new grant a salt where that was asked for.
func newAccountIDs(ctx context.Context, tx pgx.Tx, g Grant) error {
	asked, err := take(ctx, tx, g.Username, FaultNewIDs)
	if err != nil || len(asked) == 0 {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE sandbox.grants SET account_salt = @salt WHERE id = @id`, pgx.NamedArgs{"id": g.ID, "salt": newSecret()[:8]})
	return err
}

// punish ends the grant of a refresh token that was shown although it had been used, and says ErrInvalidGrant.
func (s *Service) punish(ctx context.Context, token string) error {
	_, err := s.db.Exec(ctx, `
		UPDATE sandbox.grants g SET ended_at = now() FROM sandbox.refresh_tokens t
		WHERE t.token_hash = @token AND t.used_at IS NOT NULL AND g.id = t.grant_id AND g.ended_at IS NULL`,
		pgx.NamedArgs{"token": hash(token)})
	if err != nil {
		return fmt.Errorf("sandbox: ending a grant: %w", err)
	}
	return ErrInvalidGrant
}

// GrantByAccess finds the live grant of an access token, with the token's own scopes; ErrInvalidGrant otherwise.
func (s *Service) GrantByAccess(ctx context.Context, token string) (Grant, error) {
	g, err := grant(ctx, s.db, `
		SELECT g.id, g.client_id, g.username, t.scopes, g.signed_in_at, g.account_salt
		FROM sandbox.access_tokens t JOIN sandbox.grants g ON g.id = t.grant_id
		WHERE t.token_hash = @token AND t.expires_at > now() AND `+live,
		pgx.NamedArgs{"token": hash(token)})
	if err != nil {
		return Grant{}, fmt.Errorf("sandbox: finding an access token: %w", err)
	}
	return g, nil
}

// Revoke ends what a token stands for (RFC 7009): a refresh token its whole grant, an access token only itself. A token
// nobody knows is no error; one of another client is ErrWrongClient.
func (s *Service) Revoke(ctx context.Context, client, token string) error {
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		g, err := grant(ctx, tx, `
			SELECT `+grantColumns+` FROM sandbox.grants g
			WHERE g.id IN (SELECT grant_id FROM sandbox.refresh_tokens WHERE token_hash = @token
				UNION ALL SELECT grant_id FROM sandbox.access_tokens WHERE token_hash = @token)`,
			pgx.NamedArgs{"token": hash(token)})
		switch {
		case errors.Is(err, ErrInvalidGrant):
			return nil
		case err != nil:
			return err
		case g.ClientID != client:
			return ErrWrongClient
		}
		tag, err := tx.Exec(ctx, `DELETE FROM sandbox.access_tokens WHERE token_hash = @token`, pgx.NamedArgs{"token": hash(token)})
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		return end(ctx, tx, g.ID)
	})
	if err != nil {
		return fmt.Errorf("sandbox: revoking: %w", err)
	}
	return nil
}

// issue gives new tokens of a grant.
func issue(ctx context.Context, tx pgx.Tx, id uuid.UUID, scopes []string, offline bool) (Issued, error) {
	out := Issued{Access: newSecret()}
	err := tx.QueryRow(ctx, `
		WITH old AS (DELETE FROM sandbox.access_tokens WHERE expires_at < now() - interval '1 hour')
		INSERT INTO sandbox.access_tokens (token_hash, grant_id, scopes, expires_at)
		VALUES (@token, @grant, @scopes, now() + @lasts::interval) RETURNING expires_at`,
		pgx.NamedArgs{"token": hash(out.Access), "grant": id, "scopes": scopes, "lasts": accessLasts}).Scan(&out.Expires)
	if err != nil || !offline {
		return out, err
	}
	out.Refresh = newSecret()
	_, err = tx.Exec(ctx, `INSERT INTO sandbox.refresh_tokens (token_hash, grant_id) VALUES (@token, @grant)`,
		pgx.NamedArgs{"token": hash(out.Refresh), "grant": id})
	return out, err
}

func end(ctx context.Context, db postgres.DB, id uuid.UUID) error {
	if _, err := db.Exec(ctx, `UPDATE sandbox.grants SET ended_at = now() WHERE id = @id AND ended_at IS NULL`, pgx.NamedArgs{"id": id}); err != nil {
		return fmt.Errorf("sandbox: ending a grant: %w", err)
	}
	return nil
}

// grant runs a statement that gives at most one grant; none is ErrInvalidGrant.
func grant(ctx context.Context, db postgres.DB, sql string, args pgx.NamedArgs) (Grant, error) {
	rows, err := db.Query(ctx, sql, args)
	if err != nil {
		return Grant{}, err
	}
	g, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Grant])
	if errors.Is(err, pgx.ErrNoRows) {
		return Grant{}, ErrInvalidGrant
	}
	return g, err
}
