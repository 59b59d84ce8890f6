package connections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
	"dashtam/services/providers"
)

// keep finishes, and tries again while the database is away or too busy: the code is used up, and the person would have to
// give their permission once more. A try whose commit got no answer may have been the last one.
func (s *Service) keep(ctx context.Context, who actor.Actor, a attempt, p providers.Profile, g providers.Grant) (uuid.UUID, error) {
	for pause, fresh := 100*time.Millisecond, uuid.Must(uuid.NewV7()); ; pause = min(2*pause, 2*time.Second) {
		id, err := s.finish(ctx, who, a, p, g, fresh)
		if errs.KindOf(err) != errs.Unavailable {
			return id, err
		}
		select {
		case <-ctx.Done():
			return uuid.Nil, err
		case <-time.After(pause):
		}
	}
}

// finish keeps what a permission brought, in one transaction: the connection, its tokens, the first sync, the audit row. A
// connection that is new gets the id fresh; where there is one of that id, an earlier try has made it, and that was all.
func (s *Service) finish(ctx context.Context, who actor.Actor, a attempt, p providers.Profile, g providers.Grant, fresh uuid.UUID) (id uuid.UUID, err error) {
	if tooMuch(g.Scopes, p.Scopes) {
		return uuid.Nil, ErrTooMuch
	}
	act := "connection.renewed"
	err = pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		if err := lockPerson(ctx, tx, who); err != nil {
			return err
		}
		var made bool
		if made, err = exists(ctx, tx, who, fresh); err != nil || made {
			id = fresh
			return err
		}
		if id, err = sameLogin(ctx, tx, who, a, p, g); err != nil {
			return err
		}
		if id == uuid.Nil {
			id, act = fresh, "connection.created"
		}
		if err := write(ctx, tx, who, id, p, g); err != nil {
			return err
		}
		if _, err := s.c.Tokens.StoreTokens(ctx, tx, who, id, p.Slug, g.Tokens); err != nil {
			return err
		}
		if err := s.c.Enqueue(ctx, tx, who, id); err != nil {
			return err
		}
		if err := endOtherVisits(ctx, tx, who, p, g); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{
			Act: act, Target: id.String(), Detail: map[string]string{"provider": p.Slug},
		})
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("connections: keeping a permission: %w", err)
	}
	return id, nil
}

func exists(ctx context.Context, tx pgx.Tx, who actor.Actor, id uuid.UUID) (is bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM connections WHERE user_id = @user AND id = @id)`,
		pgx.NamedArgs{"user": who.UserID, "id": id}).Scan(&is)
	return is, err
}

// endOtherVisits ends what else this browser has on its way to a bank that does not tell whose login it was: a second tab
// would make a second connection of it (F31).
func endOtherVisits(ctx context.Context, tx pgx.Tx, who actor.Actor, p providers.Profile, g providers.Grant) error {
	if g.Subject != "" {
		return nil // sameLogin finds it
	}
	_, err := tx.Exec(ctx, `
		UPDATE connect_attempts SET consumed_at = now()
		WHERE user_id = @user AND session_id = @session AND provider = @provider AND consumed_at IS NULL`,
		pgx.NamedArgs{"user": who.UserID, "session": who.SessionID, "provider": p.Slug})
	return err
}

// lockPerson lets two answers of one person wait for each other, so that one bank login never becomes two connections.
func lockPerson(ctx context.Context, tx pgx.Tx, who actor.Actor) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('connections ' || @user::text, 0))`, pgx.NamedArgs{"user": who.UserID})
	return err
}

// sameLogin finds the connection this permission renews: the one that was named, if it is the same bank login (OA-7); or,
// when none was, another of this login, so that nobody's money is counted twice. uuid.Nil: a new one.
func sameLogin(ctx context.Context, tx pgx.Tx, who actor.Actor, a attempt, p providers.Profile, g providers.Grant) (uuid.UUID, error) {
	args := pgx.NamedArgs{"user": who.UserID, "id": a.ConnectionID, "provider": p.Slug, "subject": g.Subject}
	if a.ConnectionID == nil {
		var id uuid.UUID
		err := tx.QueryRow(ctx, `
			SELECT id FROM connections WHERE user_id = @user AND provider = @provider AND subject = @subject AND subject <> ''
			ORDER BY disconnected_at DESC NULLS FIRST, created_at LIMIT 1`, args).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return uuid.Nil, nil
		}
		return id, err
	}
	var subject string
	err := tx.QueryRow(ctx, `SELECT subject FROM connections WHERE user_id = @user AND id = @id FOR UPDATE`, args).Scan(&subject)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return uuid.Nil, ErrNotFound
	case err != nil:
		return uuid.Nil, err
	case subject != "" && g.Subject == "":
		return uuid.Nil, ErrBankAway // it told us before who it is; without that the two must not be mixed
	case subject != "" && subject != g.Subject:
		return uuid.Nil, ErrOtherLogin
	}
	return *a.ConnectionID, nil
}

// write inserts the connection, or brings it back to life.
func write(ctx context.Context, tx pgx.Tx, who actor.Actor, id uuid.UUID, p providers.Profile, g providers.Grant) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO connections AS c (user_id, id, provider, name, status, subject, scopes, consented_at, consent_expires_at)
		VALUES (@user, @id, @provider, @name, @status, @subject, @scopes, now(), now() + @days::int * interval '1 day')
		ON CONFLICT (user_id, id) DO UPDATE SET status = excluded.status, cause = '', status_since = now(),
			subject = excluded.subject, scopes = excluded.scopes, consented_at = excluded.consented_at,
			consent_expires_at = excluded.consent_expires_at, reminded = NULL, next_sync_at = NULL, disconnected_at = NULL,
			bank_told = ''`,
		pgx.NamedArgs{
			"user": who.UserID, "id": id, "provider": p.Slug, "name": p.Name, "status": string(Syncing), "subject": g.Subject,
			"scopes": strings.Join(g.Scopes, " "), "days": daysOrNull(p.DueDays()),
		})
	return err
}

func daysOrNull(days int) *int {
	if days == 0 {
		return nil
	}
	return &days
}
