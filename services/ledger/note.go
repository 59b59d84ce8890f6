package ledger

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
)

// longestNote bounds a note, in characters; the constraint transactions_note_length says the same.
const longestNote = 500

// SetNote writes the person's note on one of who's transactions; an empty one removes it. A note that is too long or no
// text is an Invalid error on the field "note"; a transaction that is not who's is ErrNotFound.
func (s *Service) SetNote(ctx context.Context, who actor.Actor, id uuid.UUID, note string) error {
	note = strings.TrimSpace(note)
	switch {
	case !utf8.ValidString(note) || strings.ContainsRune(note, 0):
		return errs.Field("note", "This note holds bytes that are not characters.")
	case utf8.RuneCountInString(note) > longestNote:
		return errs.Field("note", "A note has at most 500 characters.")
	}
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE transactions SET note = @note WHERE user_id = @user AND id = @id`,
			pgx.NamedArgs{"user": who.UserID, "id": id, "note": note})
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0:
			return ErrNotFound
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "transaction.noted", Target: id.String()})
	})
	if err != nil {
		return fmt.Errorf("ledger: writing a note: %w", err)
	}
	return nil
}
