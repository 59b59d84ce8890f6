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
	Sealed   int    // rows whose seal fits
	Waiting  int    // rows younger than overdue, for the next sealing
	Changed  Found  // ids of rows that are not what was sealed, or whose seal names a key that was not in use any more
	Missing  Found  // ids of rows that were sealed and are not there
	Lost     Found  // numbers of seals that are not there, and their rows' with them
	Unsealed Found  // ids of rows that should have been sealed long ago
	Cut      string // in a sentence, why the end of the record must have been cut; empty = no sign of it

	Unknown map[string]int // by the id of a key that is not here: so many of the first rows cannot be checked
	Noted   int64          // number of the seal in the note outside the database, which tells a cut end; 0 = there is no note
	NotedAt time.Time      // when that was written

	begun bool // a key that is here has been met
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

// OK reports that nothing is wrong as far as can be told. Keys are destroyed in time, and the first rows then cannot be
// checked any more; but of rows that nothing could be checked of nothing can be told.
func (r Report) OK() bool {
	return r.Changed.Count+r.Missing.Count+r.Lost.Count+r.Unsealed.Count == 0 && r.Cut == "" && (len(r.Unknown) == 0 || r.Sealed > 0)
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
	noted, at, err := s.noted()
	if err != nil {
		return r, err
	}
	r.Noted, r.NotedAt = noted.Number, at
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

// compare judges one row and its seal. Rows come in the order of their seals, and keys only ever follow one another: behind
// the first key that is here, none that is not can have sealed.
func (r *Report) compare(c checked, keys map[string][]byte) {
	if c.Number == nil {
		if c.Old {
			r.Unsealed.add(*c.ID)
		} else {
			r.Waiting++
		}
		return
	}
	key := keys[*c.KeyID]
	r.begun = r.begun || key != nil
	switch {
	case c.ID == nil:
		r.Missing.add(*c.EventID)
	case !r.begun:
		r.Unknown[*c.KeyID]++
	case key == nil || !bytes.Equal(seals(key, *c.Number, c.Content), c.MAC):
		r.Changed.add(*c.ID)
	default:
		r.Sealed++
	}
}
