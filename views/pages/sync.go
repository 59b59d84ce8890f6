package pages

import (
	"time"

	"dashtam/services/ledger"
	"dashtam/services/syncer"
	"dashtam/views/components"
)

// Sync is one run and what it changed.
type Sync struct {
	Connection
	Run     syncer.Run
	Changes []syncer.Change
}

func (p Sync) head() components.HeadProps {
	h := components.HeadProps{Title: "Sync, " + lowerFirst(components.When(p.Run.QueuedAt, p.Now)), Answer: components.Sentence(counts(p.Run)) + "."}
	h.Sub = "Started by " + map[string]string{syncer.First: "connecting", syncer.Manual: "you", syncer.Schedule: "the schedule"}[p.Run.Cause]
	if t := took(p.Run); t != "" {
		h.Sub += ", took " + t
	}
	h.Sub += "."
	return h
}

// rest says what the list leaves out.
func (p Sync) rest() string {
	all := p.Run.Added + p.Run.Changed + p.Run.Merged + p.Run.Removed
	switch {
	case len(p.Changes) == 0 && all > 0:
		return "What a sync changed is kept for 30 days. The transactions themselves stay."
	case len(p.Changes) < all:
		return "These are " + components.Count(len(p.Changes)) + " of " + components.Count(all) + ". The list is kept for 30 days; the transactions themselves stay."
	}
	return "The list is kept for 30 days; the transactions themselves stay."
}

var became = map[string]string{ledger.Added: "New", ledger.Changed: "Changed", ledger.Merged: "Booked", ledger.Removed: "Gone"}

// differences says what of a transaction was otherwise before.
func differences(c syncer.Change, now time.Time) (list []string) {
	was := c.Was
	if was == nil {
		if c.What == ledger.Removed {
			return []string{"The bank does not report it any more."}
		}
		return nil
	}
	if was.Status != c.Status {
		list = append(list, "Was "+string(was.Status)+".")
	}
	if was.Amount != c.Amount {
		list = append(list, "Was "+components.Money(was.Amount)+".")
	}
	if !was.BookedOn.Equal(c.BookedOn) {
		list = append(list, "Was on "+components.Date(was.BookedOn, now)+".")
	}
	if was.Payee != c.Payee {
		list = append(list, "Was called “"+was.Payee+"”.")
	}
	if len(list) == 0 {
		list = append(list, "The bank describes it otherwise.")
	}
	return list
}
