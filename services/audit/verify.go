package audit

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Report is what Verify found. Lists hold at most reportMost entries; the counts are whole.
type Report struct {
	Sealed   int   // rows whose seal fits
	Waiting  int   // rows younger than overdue, for the next sealing
	Changed  Found // ids of rows that are not what was sealed
	Missing  Found // ids of rows that were sealed and are not there
	Lost     Found // numbers of seals that are not there, and their rows' with them
	Unsealed Found // ids of rows that should have been sealed long ago
	Unknown  map[string]int
	Cut      string // in a sentence, why the end of the record must have been cut; empty = no sign of it
	Noted    bool   // there is a note outside the database to tell a cut end by
}

// Found counts findings and names the first of them.
type Found struct {
	Count int
	First []int64
}

const (
	// overdue is how old a row without a seal may be: sealing runs every minute.
	overdue = 5 * time.Minute
	// reportMost is how many findings of a kind are named.
	reportMost = 20
)

func (f *Found) add(id int64) {
	f.Count++
	if len(f.First) < reportMost {
		f.First = append(f.First, id)
	}
}

// OK reports that nothing is wrong as far as can be told.
func (r Report) OK() bool {
	return r.Changed.Count+r.Missing.Count+r.Lost.Count+r.Unsealed.Count+len(r.Unknown) == 0 && r.Cut == ""
}

// checked is a seal beside its row; either may be missing.
type checked struct {
	Number  *int64
	EventID *int64
	KeyID   *string
	MAC     []byte
	ID      *int64
	Content []*string
	Old     bool
}

// Verify compares every row with its seal.
func (s *Sealer) Verify(ctx context.Context) (Report, error) {
	r := Report{Unknown: map[string]int{}}
	var err error
	if r.Cut, err = s.lost(ctx); err != nil {
		return r, err
	}
	number, _, err := s.noted()
	if err != nil {
		return r, err
	}
	r.Noted = number > 0
	rows, err := s.DB.Query(ctx, `
		SELECT s.number, s.event_id, s.key_id, s.mac, e.id, `+content+` AS content, e.at < now() - @overdue::float8 * interval '1 second' IS NOT FALSE AS old
		FROM audit_seals s FULL JOIN audit_events e ON e.id = s.event_id
		ORDER BY s.number NULLS LAST, e.id`, pgx.NamedArgs{"overdue": overdue.Seconds()})
	if err != nil {
		return r, fmt.Errorf("audit: verifying: %w", err)
	}
	defer rows.Close()
	keys, next := map[string][]byte{}, int64(1)
	for _, id := range s.Keys.IDs() {
		keys[id], _ = s.Keys.DeriveUnder(id, sealLabel)
	}
	for rows.Next() {
		c, err := pgx.RowToStructByName[checked](rows)
		if err != nil {
			return r, fmt.Errorf("audit: verifying: %w", err)
		}
		if c.Number != nil {
			for ; next < *c.Number; next++ {
				r.Lost.add(next)
			}
			next = *c.Number + 1
		}
		r.compare(c, keys)
	}
	if err := rows.Err(); err != nil {
		return r, fmt.Errorf("audit: verifying: %w", err)
	}
	return r, nil
}

// compare judges one row and its seal.
func (r *Report) compare(c checked, keys map[string][]byte) {
	switch {
	case c.Number == nil && c.Old:
		r.Unsealed.add(*c.ID)
	case c.Number == nil:
		r.Waiting++
	case c.ID == nil:
		r.Missing.add(*c.EventID)
	case keys[*c.KeyID] == nil:
		r.Unknown[*c.KeyID]++
	case !bytes.Equal(seals(keys[*c.KeyID], *c.Number, c.Content), c.MAC):
		r.Changed.add(*c.ID)
	default:
		r.Sealed++
	}
}
