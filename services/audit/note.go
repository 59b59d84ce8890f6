package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// remember writes the last seal into the note, unless the database has lost the one that stands there: then the note is
// the only witness, and stays as it is.
func (s *Sealer) remember(ctx context.Context, last seal) error {
	if s.Note == "" {
		return nil
	}
	lost, err := s.lost(ctx)
	if err != nil {
		return err
	}
	if lost != "" {
		s.Log.ErrorContext(ctx, "the audit log was cut", "why", lost)
		return nil
	}
	if last.Number == 0 {
		return nil
	}
	line := fmt.Sprintf("%d %s\n", last.Number, hex.EncodeToString(last.MAC))
	fresh := s.Note + ".new"
	if err := errors.Join(os.MkdirAll(filepath.Dir(s.Note), 0o700), os.WriteFile(fresh, []byte(line), 0o600), os.Rename(fresh, s.Note)); err != nil {
		return fmt.Errorf("audit: noting the last seal: %w", err)
	}
	return nil
}

// lost says in a sentence why the database cannot be the one the note was made of, or nothing.
func (s *Sealer) lost(ctx context.Context) (string, error) {
	noted, _, err := s.noted()
	if err != nil || noted.Number == 0 {
		return "", err
	}
	var stored []byte
	err = s.DB.QueryRow(ctx, `SELECT mac FROM audit_seals WHERE number = @number`, pgx.NamedArgs{"number": noted.Number}).Scan(&stored)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Sprintf("%s says that %d rows were sealed, and the database has fewer", s.Note, noted.Number), nil
	case err != nil:
		return "", fmt.Errorf("audit: looking for the noted seal: %w", err)
	case !bytes.Equal(stored, noted.MAC):
		return fmt.Sprintf("%s knows seal %d as another than the database has", s.Note, noted.Number), nil
	}
	return "", nil
}

// noted reads the note, and when it was written; a number of 0 means that there is none.
func (s *Sealer) noted() (noted seal, at time.Time, err error) {
	text, err := os.ReadFile(s.Note)
	if s.Note == "" || errors.Is(err, os.ErrNotExist) {
		return seal{}, at, nil
	}
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d %x\n", &noted.Number, &noted.MAC)
	}
	var file os.FileInfo
	if err == nil {
		file, err = os.Stat(s.Note)
	}
	if err != nil {
		return seal{}, at, fmt.Errorf("audit: the note %s cannot be read: %w", s.Note, err)
	}
	return noted, file.ModTime(), nil
}
