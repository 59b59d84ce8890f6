package ledger

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// Cursor is a place in the list of transactions, which is ordered by day and id, newest first: right after the
// transaction it names. Unlike a page number it stays true while transactions arrive.
type Cursor struct {
	Day time.Time
	ID  uuid.UUID
}

// IsZero reports whether the cursor is the beginning of the list.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// String is the opaque form for URLs; empty for the beginning of the list.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(c.Day.Unix()/secondsPerDay+dayZero))
	return base64.RawURLEncoding.EncodeToString(append(b, c.ID[:]...))
}

const (
	secondsPerDay = 24 * 60 * 60
	// dayZero keeps days before 1970 above zero.
	dayZero = 1_000_000
)

// parseCursor reads what String wrote. Whatever else somebody makes up is refused or names a place that shows only
// what the reader may see anyway.
func parseCursor(s string) (Cursor, string) {
	if s == "" {
		return Cursor{}, ""
	}
	const damaged = "This link is damaged. Start again from the newest transaction."
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 4+16 {
		return Cursor{}, damaged
	}
	day := time.Unix((int64(binary.BigEndian.Uint32(b))-dayZero)*secondsPerDay, 0).UTC()
	if checkDate(day) != nil {
		return Cursor{}, damaged
	}
	return Cursor{Day: day, ID: uuid.UUID(b[4:])}, ""
}
