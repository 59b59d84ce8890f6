package books

import (
	"strconv"
	"time"
)

// entry is a movement in the making: compact, because a household has thousands.
type entry struct {
	at, posts   int64 // unix seconds; the same when it needs no clearing
	minor       int64
	payee, memo string
	category    string
	kind        string // investments only
	sec         int    // index into securities, where units is not zero
	units       int64  // ten-thousandths
	price       int64  // cents
	day, nth    int    // which of its account's entries of that day: what its id is made of
}

// ledger is one account's entries and running totals. The totals include what is still pending, so that a rule that
// looks at a balance decides alike whenever the books are drawn up.
type ledger struct {
	key     string
	about   Account
	entries []entry
	balance int64
	units   []int64 // per security
}

func (l *ledger) add(e entry) {
	if last := len(l.entries) - 1; last >= 0 && l.entries[last].day == e.day {
		e.nth = l.entries[last].nth + 1
	}
	l.entries = append(l.entries, e)
	l.balance += e.minor
	if e.units != 0 {
		l.units[e.sec] += e.units
	}
}

// entryID names an entry; its pending and its posted form have different names.
func (l *ledger) entryID(s seed, e entry, pending bool) string {
	prefix := "txn-"
	if pending {
		prefix = "pnd-"
	}
	return s.id(prefix, l.key, strconv.Itoa(e.day), strconv.Itoa(e.nth))
}

// clock is a time of day.
func clock(hour, minute int) time.Duration {
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
}
