package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
)

// A bank that rotates has forgotten the old refresh token when it answers. When the database is away at that moment the
// answer is kept in a file, sealed exactly as it would have been in its row, so that it outlives this process, too (OA-14).

// spooled is one answer that waits for the database.
type spooled struct {
	User       uuid.UUID `json:"user"`
	Connection uuid.UUID `json:"connection"`
	Generation int64     `json:"generation"`
	Access     []byte    `json:"access"`
	Refresh    []byte    `json:"refresh"`
	ExpiresAt  time.Time `json:"expires_at"` // by this machine's clock; zero = the bank did not say
}

const spoolSuffix = ".answer"

func (s *Service) spoolFile(connection uuid.UUID) string {
	return filepath.Join(s.c.Spool, connection.String()+spoolSuffix)
}

// spool writes an answer where a crash does not reach it. A connection has at most one: whoever has the next answer has
// stored this one, or found that it is dead.
func (s *Service) spool(l *lease, answer Tokens) error {
	if s.c.Spool == "" {
		return nil
	}
	next := l.generation + 1
	box, err := s.seal(l.key, l.owner, l.provider, next, answer)
	if err != nil {
		return err
	}
	kept := spooled{User: l.user, Connection: l.connection, Generation: next, Access: box.access, Refresh: box.refresh}
	if answer.ExpiresIn > 0 {
		kept.ExpiresAt = time.Now().Add(answer.ExpiresIn)
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("tokens: spool: %w", err)
	}
	if err := os.MkdirAll(s.c.Spool, 0o700); err != nil {
		return fmt.Errorf("tokens: spool: %w", err)
	}
	return writeDurably(s.spoolFile(l.connection), text)
}

// writeDurably writes a file whole or not at all, and returns once it would survive a power cut.
func writeDurably(path string, text []byte) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("tokens: spool: %w", err)
	}
	defer func() { _ = dir.Close() }()
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("tokens: spool: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err = errors.Join(err, dir.Sync()); err != nil {
		return fmt.Errorf("tokens: spool: %w", err)
	}
	return nil
}

// RecoverSpool stores the answers a process could not store before it ended. It is called before anything is refreshed.
func (s *Service) RecoverSpool(ctx context.Context) error {
	files, err := filepath.Glob(filepath.Join(s.c.Spool, "*"+spoolSuffix))
	if s.c.Spool == "" || err != nil {
		return err
	}
	var failed error
	for _, file := range files {
		failed = errors.Join(failed, s.recover(ctx, file))
	}
	return failed
}

// recover stores the answer in file, if it is still the newest of its connection, and removes it.
func (s *Service) recover(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("tokens: spool: %w", err)
	}
	var kept spooled
	if err := json.Unmarshal(text, &kept); err != nil {
		aside := os.Rename(file, file+".unreadable") // or nothing would ever be refreshed again
		return fmt.Errorf("tokens: spool: %s holds no answer: %w", filepath.Base(file), errors.Join(err, aside))
	}
	o := owner{kept.User, kept.Connection}
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := o.read(ctx, tx, true)
		if errors.Is(err, ErrNone) || err == nil && r.Generation >= kept.Generation {
			return nil // the connection has ended, or somebody has stored what came after
		}
		if err != nil {
			return err
		}
		return o.restore(ctx, tx, kept)
	})
	if err != nil {
		return fmt.Errorf("tokens: spool: %w", err)
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("tokens: spool: %w", err)
	}
	return nil
}

// restore puts a spooled answer where it belongs. It was sealed for this very row; whoever opens it finds out if not.
func (o owner) restore(ctx context.Context, tx pgx.Tx, kept spooled) error {
	var left *float64
	if !kept.ExpiresAt.IsZero() {
		left = seconds(max(time.Until(kept.ExpiresAt), time.Second))
	}
	if _, err := tx.Exec(ctx, `
		UPDATE connection_tokens SET generation = @next, access_token = @access, refresh_token = @refresh,
			stored_at = clock_timestamp(), expires_at = clock_timestamp() + @expires::float8 * interval '1 second', lease_until = NULL
		WHERE user_id = @user AND connection_id = @connection`,
		o.args(pgx.NamedArgs{"next": kept.Generation, "access": kept.Access, "refresh": kept.Refresh, "expires": left})); err != nil {
		return err
	}
	who := actor.ForJob(o.user, "spool")
	if _, err := o.note(ctx, tx, who, line{act: "store", reason: "renewed", generation: kept.Generation, result: audit.Done}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, who, audit.Event{Act: "tokens.recovered", UserID: o.user, Target: o.connection.String()})
}
