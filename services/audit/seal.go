package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"dashtam/services/encryption"
	"dashtam/services/jobs"
	"dashtam/services/postgres"
)

// Sealer proves that the record is as it was written (AU-2). It seals rows once they are committed, so that no act waits
// for another's place in a chain.
type Sealer struct {
	DB   postgres.DB
	Keys *encryption.Keyring
	Note string // file that remembers the last seal outside the database, so that a cut tail is noticed
	Log  *slog.Logger

	// Reload looks for keys that were added since, when the last seal was made under one that is not in Keys; nil = there is
	// nowhere to look.
	Reload func() error

	one sync.Mutex // held while sealing, so that the note never goes back
}

const (
	// sealLabel names the sealing key among those derived from a key-encryption key.
	sealLabel = "audit"
	// sealBatch bounds one transaction of sealing.
	sealBatch = 1000
	// sealLock keeps two nodes from giving out the same numbers: the database's advisory lock of this number.
	sealLock = 0x61756469 // "audi"
)

// content is a row's every column as text, the same whatever the session's settings: what a seal is made over. Nothing
// in it fails to be read, however somebody changed the row.
const content = `ARRAY[e.id::text, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), e.actor_kind, e.actor_id::text,
	e.user_id::text, e.act, e.target, e.result, e.ip::text, e.user_agent, e.request_id, e.detail::text]`

// Seal seals all rows that were committed and have no seal yet, in order, and says how many. A row that was committed
// late, behind one with a higher number of its own, is sealed with the next ones. The last seal goes into the note even if
// another node made it.
func (s *Sealer) Seal(ctx context.Context) (sealed int, err error) {
	s.one.Lock()
	defer s.one.Unlock()
	for {
		n, last, err := s.sealBatch(ctx)
		if err != nil {
			return sealed, fmt.Errorf("audit: sealing: %w", err)
		}
		sealed += n
		if err := s.remember(ctx, last); err != nil {
			return sealed, err
		}
		if n < sealBatch {
			return sealed, nil
		}
	}
}

// errKeyGone tells of keys that were changed just now; the next minute is the retry.
var errKeyGone = errors.New("the current key was taken away meanwhile")

// seal is what stands in a row of audit_seals and in the note.
type seal struct {
	Number int64
	MAC    []byte
}

// unsealed are rows to be sealed. No transaction lasts an hour, so what comes later than that behind its neighbours can
// only have been put there by hand; audit verify reports it. The hour is one of sealing: what was committed when nobody
// sealed any more is sealed when somebody does again.
const unsealed = `
	SELECT e.id, ` + content + ` AS content FROM audit_events e
	WHERE e.id > coalesce((
			SELECT event_id FROM audit_seals
			WHERE sealed_at < (SELECT sealed_at FROM audit_seals ORDER BY number DESC LIMIT 1) - interval '1 hour'
			ORDER BY number DESC LIMIT 1), 0)
		AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.event_id = e.id)
	ORDER BY e.id LIMIT @limit`

func (s *Sealer) sealBatch(ctx context.Context) (n int, last seal, err error) {
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(@lock)`, pgx.NamedArgs{"lock": sealLock}); err != nil {
			return err
		}
		var under string
		if last, under, err = head(ctx, tx); err != nil {
			return err
		}
		if behind, err := s.behind(ctx, tx, under); err != nil || behind {
			return err
		}
		current := s.Keys.Current().ID()
		key, ok := s.Keys.DeriveUnder(current, sealLabel)
		if !ok {
			return errKeyGone
		}
		type row struct {
			ID      int64
			Content []*string
		}
		rows, err := tx.Query(ctx, unsealed, pgx.NamedArgs{"limit": sealBatch})
		if err != nil {
			return err
		}
		events, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
		if err != nil || len(events) == 0 {
			return err
		}
		var numbers, ids []int64
		var macs [][]byte
		for _, e := range events {
			last = seal{last.Number + 1, seals(key, last.Number+1, e.Content)}
			numbers, ids, macs = append(numbers, last.Number), append(ids, e.ID), append(macs, last.MAC)
		}
		n = len(events)
		_, err = tx.Exec(ctx, `
			INSERT INTO audit_seals (number, event_id, key_id, mac)
			SELECT n, e, @key, m FROM unnest(@numbers::bigint[], @ids::bigint[], @macs::bytea[]) AS t (n, e, m)`,
			pgx.NamedArgs{"key": current, "numbers": numbers, "ids": ids, "macs": macs})
		return err
	})
	return n, last, err
}

// head is the last seal, or none, and the key it was made under.
func head(ctx context.Context, tx pgx.Tx) (last seal, under string, err error) {
	err = tx.QueryRow(ctx, `SELECT number, mac, key_id FROM audit_seals ORDER BY number DESC LIMIT 1`).Scan(&last.Number, &last.MAC, &under)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return last, under, err
}

// behind reports that the last seal was made under a newer key than this node has: nodes get a new key one after the
// other. Those that have it go on alone, because a seal of the old key behind it would look forged once that is destroyed.
func (s *Sealer) behind(ctx context.Context, tx pgx.Tx, under string) (behind bool, err error) {
	if _, here := s.Keys.Key(under); here || under == "" {
		return false, nil
	}
	if s.Reload != nil {
		if err := s.Reload(); err != nil {
			return false, err
		}
		if _, here := s.Keys.Key(under); here {
			return false, nil
		}
	}
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM audit_seals WHERE key_id = @own)`, pgx.NamedArgs{"own": s.Keys.Current().ID()}).Scan(&behind)
	return behind, err
}

// seals is the HMAC of a row under its running number. Each part carries its length, and what is null differs from what
// is empty, so that no two rows have the same parts.
func seals(key []byte, number int64, content []*string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(binary.BigEndian.AppendUint64([]byte("dashtam/audit/v1"), uint64(number)))
	for _, part := range content {
		if part == nil {
			mac.Write([]byte{0})
			continue
		}
		mac.Write(binary.BigEndian.AppendUint32([]byte{1}, uint32(len(*part))))
		mac.Write([]byte(*part))
	}
	return mac.Sum(nil)
}

// Worker carries out jobs.AuditSeal.
type Worker struct {
	river.WorkerDefaults[jobs.AuditSeal]
	Sealer *Sealer
}

// Work seals what is new; the next minute is the retry.
func (w *Worker) Work(ctx context.Context, _ *river.Job[jobs.AuditSeal]) error {
	_, err := w.Sealer.Seal(ctx)
	return err
}
