package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/jwt"
	"dashtam/services/profile"
)

// Tokens are what an API client gets at login and at every refresh.
type Tokens struct {
	Access    string
	ExpiresAt time.Time // of Access
	Refresh   string    // works once, within thirty days of the login
}

// CreateRefreshToken starts a family of tokens for a person who has just proved who they are. It is the seed's
// create_refresh_token, and what the API hands to Login as start. The family takes the place of a browser's session.
func (s *Service) CreateRefreshToken(ctx context.Context, who actor.Actor, user User) (Tokens, error) {
	family := uuid.New()
	refresh, hash := newSecret()
	_, err := through(ctx, s.DB).Exec(ctx, `
		WITH gone AS (DELETE FROM refresh_tokens WHERE user_id = @user AND expires_at < now())
		INSERT INTO refresh_tokens (token_hash, user_id, family_id, expires_at, ip, user_agent)
		VALUES (@hash, @user, @family, now() + interval '30 days', @ip, @agent)`,
		pgx.NamedArgs{"hash": hash, "user": user.ID, "family": family, "ip": addrOrNull(who.IP), "agent": who.UserAgent})
	if err != nil {
		return Tokens{}, fmt.Errorf("auth: storing a refresh token: %w", err)
	}
	VisitorFrom(ctx).SessionID = family
	return s.tokens(user, family, refresh)
}

func (s *Service) tokens(user User, family uuid.UUID, refresh string) (Tokens, error) {
	defer s.Profile.Start(profile.JWTIssue)()
	access, expires, err := s.Tokens.CreateAccessToken(jwt.Subject{
		UserID: user.ID, Email: user.Email, Epoch: user.PasswordChangedAt.Unix(), SessionFamily: family,
	})
	return Tokens{Access: access, ExpiresAt: expires, Refresh: refresh}, err
}

// Refresh exchanges a refresh token for new tokens of its family. The family ends thirty days after the login, when the
// password changes, and at once when a token comes a second time: then two parties hold it, and one of them stole it
// (RFC 9700, 4.14). Whatever is wrong is ErrRefresh.
func (s *Service) Refresh(ctx context.Context, who actor.Actor, token string) (Tokens, error) {
	if !shaped(token) {
		return Tokens{}, ErrRefresh
	}
	var tokens Tokens
	reused := false
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		t, err := lockRefreshToken(ctx, tx, token)
		if err != nil {
			return err
		}
		who.Kind, who.UserID, who.SessionID = t.actorKind(), t.ID, t.FamilyID
		if reused = t.Used; reused {
			return endFamily(ctx, tx, who, "refresh.reused", audit.Refused)
		}
		refresh, hash := newSecret()
		if _, err := tx.Exec(ctx, `
			WITH spent AS (UPDATE refresh_tokens SET used_at = now() WHERE token_hash = @old)
			INSERT INTO refresh_tokens (token_hash, user_id, family_id, expires_at) VALUES (@new, @user, @family, @expires)`,
			pgx.NamedArgs{"old": hashSecret(token), "new": hash, "user": t.ID, "family": t.FamilyID, "expires": t.ExpiresAt}); err != nil {
			return err
		}
		if tokens, err = s.tokens(t.User, t.FamilyID, refresh); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "refresh", Target: t.FamilyID.String()})
	})
	switch {
	case err != nil:
		return Tokens{}, fmt.Errorf("auth: refreshing: %w", err)
	case reused:
		return Tokens{}, ErrRefresh
	}
	return tokens, nil
}

// refreshToken is a stored token with its owner.
type refreshToken struct {
	User
	FamilyID  uuid.UUID
	ExpiresAt time.Time
	Used      bool
}

// lockRefreshToken reads a token whose family lives, so that parallel uses of it queue; ErrRefresh for any other. Its
// owner is held first: EndSessions waits for the new token, or this finds what has ended.
func lockRefreshToken(ctx context.Context, tx pgx.Tx, token string) (refreshToken, error) {
	rows, err := tx.Query(ctx, `
		WITH u AS MATERIALIZED (
			SELECT `+userColumns+` FROM users u WHERE u.id = (SELECT user_id FROM refresh_tokens WHERE token_hash = @hash) FOR SHARE)
		SELECT `+userColumns+`, r.family_id, r.expires_at, r.used_at IS NOT NULL AS used
		FROM refresh_tokens r JOIN u ON u.id = r.user_id
		WHERE r.token_hash = @hash AND r.revoked_at IS NULL AND r.expires_at > now()
			AND u.disabled_at IS NULL AND u.verified_at IS NOT NULL AND r.created_at >= u.password_changed_at
		FOR UPDATE OF r`, pgx.NamedArgs{"hash": hashSecret(token)})
	if err != nil {
		return refreshToken{}, err
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[refreshToken])
	if errors.Is(err, pgx.ErrNoRows) {
		return refreshToken{}, ErrRefresh
	}
	return t, err
}

// EndFamily signs an API client out: who is what Authenticate gave. Its access and refresh tokens are dead at once.
func (s *Service) EndFamily(ctx context.Context, who actor.Actor) error {
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error { return endFamily(ctx, tx, who, "logout", audit.Done) })
	if err != nil {
		return fmt.Errorf("auth: ending a token family: %w", err)
	}
	return nil
}

func endFamily(ctx context.Context, tx pgx.Tx, who actor.Actor, act string, result audit.Result) error {
	if _, err := tx.Exec(ctx, `
		UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = @user AND family_id = @family AND revoked_at IS NULL`,
		pgx.NamedArgs{"user": who.UserID, "family": who.SessionID}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, who, audit.Event{Act: act, Target: who.SessionID.String(), Result: result})
}

// Authenticate tells whose access token bearer is, asking the database once: a disabled person's token, one from before
// a change of password, and one of an ended family are jwt.ErrToken like a forged one (AP-2), and the role is today's.
// The actor's SessionID is the token's family; where the request came from is for the caller to fill in.
func (s *Service) Authenticate(ctx context.Context, bearer string) (actor.Actor, User, error) {
	end := s.Profile.Start(profile.JWTVerify)
	sub, err := s.Tokens.VerifyAccessToken(bearer)
	end()
	if err != nil {
		return actor.Actor{}, User{}, err
	}
	rows, err := s.DB.Query(ctx, `
		SELECT `+userColumns+` FROM users u
		WHERE u.id = @id AND u.disabled_at IS NULL AND u.verified_at IS NOT NULL
			AND EXISTS (SELECT FROM refresh_tokens r WHERE r.user_id = u.id AND r.family_id = @family AND r.revoked_at IS NULL)`,
		pgx.NamedArgs{"id": sub.UserID, "family": sub.SessionFamily})
	if err != nil {
		return actor.Actor{}, User{}, fmt.Errorf("auth: reading a token's owner: %w", err)
	}
	u, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[User])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return actor.Actor{}, User{}, jwt.ErrToken
	case err != nil:
		return actor.Actor{}, User{}, fmt.Errorf("auth: reading a token's owner: %w", err)
	case u.PasswordChangedAt.Unix() != sub.Epoch:
		return actor.Actor{}, User{}, jwt.ErrToken
	}
	return actor.Actor{Kind: u.actorKind(), UserID: u.ID, SessionID: sub.SessionFamily}, u, nil
}
