package books

import (
	"slices"
	"time"
)

// Settled are the same books, but what is pending at an instant posted then.
func (b *Books) Settled(at time.Time) *Books {
	return b.altered(func(l *ledger) {
		for i := range l.entries {
			if e := &l.entries[i]; e.at <= at.Unix() {
				e.posts = min(e.posts, max(e.at, at.Unix()))
			}
		}
	})
}

// Twinned are the same books, but in every account the newest transaction that was posted at an instant happened twice:
// alike in everything but its id.
func (b *Books) Twinned(at time.Time) *Books {
	return b.altered(func(l *ledger) {
		newest := -1
		for i, e := range l.entries {
			if e.posts <= at.Unix() && e.units == 0 && (newest < 0 || e.posts >= l.entries[newest].posts) {
				newest = i
			}
		}
		if newest >= 0 {
			twin := l.entries[newest]
			twin.nth += 1000 // more than a day ever has
			l.entries = append(l.entries, twin)
		}
	})
}

// altered are books of their own with change made to every account.
func (b *Books) altered(change func(*ledger)) *Books {
	other := *b
	other.ledgers = make([]*ledger, len(b.ledgers))
	for i, l := range b.ledgers {
		copied := *l
		copied.entries = slices.Clone(l.entries)
		change(&copied)
		other.ledgers[i] = &copied
	}
	return &other
}
