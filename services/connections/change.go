package connections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// Rename gives a connection the person's own name, 1 to 100 characters.
func (s *Service) Rename(ctx context.Context, who actor.Actor, id uuid.UUID, name string) error {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n == 0 || n > 100 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return errs.Field("name", "A name has between 1 and 100 characters.")
	}
	err := pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE connections SET name = @name WHERE user_id = @user AND id = @id`,
			pgx.NamedArgs{"user": who.UserID, "id": id, "name": name})
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "connection.renamed", Target: id.String()})
	})
	if err != nil {
		return fmt.Errorf("connections: renaming: %w", err)
	}
	return nil
}

// Disconnect ends a connection: its tokens are erased at once, its data kept or deleted. Then the bank is told; whether
// that worked stands in the audit log and changes nothing here.
func (s *Service) Disconnect(ctx context.Context, who actor.Actor, id uuid.UUID, keepData bool) error {
	return s.disconnect(ctx, who, who, id, keepData)
}

// disconnect is Disconnect of owner's connection by who.
func (s *Service) disconnect(ctx context.Context, who, owner actor.Actor, id uuid.UUID, keepData bool) error {
	ctx = context.WithoutCancel(ctx)
	var destroyed tokens.Tokens
	var provider string
	err := pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		state, err := s.Lock(ctx, tx, owner, id)
		if err != nil && !errors.Is(err, ErrGone) {
			return err
		}
		provider = state.Provider
		if destroyed, err = s.c.Tokens.Destroy(ctx, tx, owner, id); err != nil {
			return err
		}
		sql, data := `DELETE FROM connections WHERE user_id = @user AND id = @id`, "deleted"
		if keepData {
			data = "kept"
			sql = `UPDATE connections SET status = 'disconnected', cause = '', status_since = now(), next_sync_at = NULL,
				consent_expires_at = NULL, needed_since = NULL, disconnected_at = coalesce(disconnected_at, now()) WHERE user_id = @user AND id = @id`
		}
		if _, err := tx.Exec(ctx, sql, pgx.NamedArgs{"user": owner.UserID, "id": id}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{
			Act: "connection.disconnected", UserID: owner.UserID, Target: id.String(), Detail: map[string]string{"data": data},
		})
	})
	if err != nil {
		return fmt.Errorf("connections: disconnecting: %w", err)
	}
	if p, err := s.c.Providers.Get(provider); err == nil {
		s.tell(ctx, who, owner.UserID, id, p, destroyed)
	}
	return nil
}

// tell asks the bank to revoke tokens of owner's that nobody keeps any more (RFC 7009), twice at most and within seconds.
func (s *Service) tell(ctx context.Context, who actor.Actor, owner, id uuid.UUID, p providers.Provider, t tokens.Tokens) {
	if t.Access == "" && t.Refresh == "" {
		return
	}
	ctx = context.WithoutCancel(ctx)
	telling, cancel := context.WithTimeout(ctx, s.c.Tell)
	defer cancel()
	err := p.Access.Revoke(telling, t)
	if err != nil && telling.Err() == nil {
		err = p.Access.Revoke(telling, t)
	}
	event := audit.Event{Act: "connection.revoked", UserID: owner, Target: targetOf(id), Detail: map[string]string{"provider": p.Profile.Slug}}
	if err != nil {
		event.Result = audit.Failed
	}
	_ = audit.Record(ctx, s.c.DB, who, event) // the connection has ended either way
}

// EndAll ends every connection of a person who leaves, with its data. Each is told to its bank as Disconnect does; who is
// the administrator who removes the person.
func (s *Service) EndAll(ctx context.Context, who actor.Actor, user uuid.UUID) error {
	rows, err := s.c.DB.Query(ctx, `SELECT id FROM connections WHERE user_id = @user ORDER BY id`, pgx.NamedArgs{"user": user})
	if err != nil {
		return fmt.Errorf("connections: listing: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("connections: listing: %w", err)
	}
	for _, id := range ids {
		if err := s.disconnect(ctx, who, actor.ForJob(user, who.RequestID), id, false); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}
