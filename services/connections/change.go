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
	"dashtam/services/jobs"
	"dashtam/services/ledger"
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

// Disconnect ends a connection: its tokens are erased at once, its data kept or deleted. A job tells the bank.
func (s *Service) Disconnect(ctx context.Context, who actor.Actor, id uuid.UUID, keepData bool) error {
	return s.disconnect(ctx, who, who, id, keepData)
}

// disconnect is Disconnect of owner's connection by who.
func (s *Service) disconnect(ctx context.Context, who, owner actor.Actor, id uuid.UUID, keepData bool) error {
	err := pgx.BeginFunc(context.WithoutCancel(ctx), s.c.DB, func(tx pgx.Tx) error {
		if _, err := s.Lock(ctx, tx, owner, id); err != nil && !errors.Is(err, ErrGone) {
			return err
		}
		revocation, err := s.c.Tokens.Destroy(ctx, tx, owner, id)
		if err != nil {
			return err
		}
		if err := ledger.Unstage(ctx, tx, owner, id); err != nil {
			return err
		}
		sql, data := `DELETE FROM connections WHERE user_id = @user AND id = @id`, "deleted"
		if keepData {
			data = "kept"
			sql = `UPDATE connections SET status = 'disconnected', cause = '', status_since = now(), next_sync_at = NULL,
				consent_expires_at = NULL, needed_since = NULL, disconnected_at = coalesce(disconnected_at, now()),
				bank_told = CASE WHEN @tell THEN 'waiting' ELSE bank_told END WHERE user_id = @user AND id = @id`
		}
		if _, err := tx.Exec(ctx, sql, pgx.NamedArgs{"user": owner.UserID, "id": id, "tell": revocation != uuid.Nil}); err != nil {
			return err
		}
		if revocation != uuid.Nil {
			if err := s.c.Jobs.Enqueue(ctx, tx, jobs.Revoke{UserID: owner.UserID, RevocationID: revocation, RequestID: who.RequestID}); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, who, audit.Event{
			Act: "connection.disconnected", UserID: owner.UserID, Target: id.String(), Detail: map[string]string{"data": data},
		})
	})
	if err != nil {
		return fmt.Errorf("connections: disconnecting: %w", err)
	}
	return nil
}

// EndAll ends every connection of a person who leaves, with its data. Each bank is told as by Disconnect; who is
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
