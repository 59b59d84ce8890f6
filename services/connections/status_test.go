package connections_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/connections"
)

// A connection that stops is mailed about once, whatever is tried while it stands still, and again when it stops again.
// That it works again is mailed once, after it needed its owner and never after an outage.
// Break OA-19: services/connections/status.go: in Report, "o.needed IS NULL" in place of "o.needed IS NOT NULL"
func TestReport_OA19_MailedWhenItStopsAndWhenItWorks(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	broken := connections.Outcome{Status: connections.NeedsYou, Cause: connections.CauseConsentEnded}
	away := connections.Outcome{Status: connections.Paused, Cause: connections.CauseBankAway}
	works := connections.Outcome{Status: connections.Healthy, Success: true}
	for i, step := range []struct {
		outcome       connections.Outcome
		stops, worked int
	}{
		{away, 0, 0}, {works, 0, 0}, {broken, 1, 0}, {broken, 1, 0}, {connections.Outcome{Status: connections.Syncing}, 1, 0}, {away, 1, 0},
		{works, 1, 1}, {works, 1, 1}, {away, 1, 1}, {works, 1, 1}, {broken, 2, 1}, {works, 2, 2},
	} {
		err := pgx.BeginFunc(t.Context(), b.db, func(tx pgx.Tx) error {
			return b.service.Report(t.Context(), tx, b.who, id, step.outcome)
		})
		if err != nil {
			t.Fatal(err)
		}
		if stops, worked := b.mails("needs_you", id), b.mails("works_again", id); stops != step.stops || worked != step.worked {
			t.Errorf("step %d: %d and %d mails, want %d and %d", i, stops, worked, step.stops, step.worked)
		}
	}
}

// Whoever ends a connection that needed them and connects the bank again is not told that it works again.
func TestReport_NoNewsAfterAnEnd(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	report := func(o connections.Outcome) {
		if err := pgx.BeginFunc(t.Context(), b.db, func(tx pgx.Tx) error { return b.service.Report(t.Context(), tx, b.who, id, o) }); err != nil {
			t.Fatal(err)
		}
	}
	report(connections.Outcome{Status: connections.NeedsYou, Cause: connections.CauseConsentEnded})
	if err := b.service.Disconnect(t.Context(), b.who, id, true); err != nil {
		t.Fatal(err)
	}
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(b.ask(b.who, id))); err != nil {
		t.Fatal(err)
	}
	report(connections.Outcome{Status: connections.Healthy, Success: true})
	if n := b.mails("works_again", id); n != 0 {
		t.Errorf("%d mails", n)
	}
}

// mails counts the mails of a purpose about a connection.
func (b *bundle) mails(purpose string, id uuid.UUID) int {
	b.Helper()
	return b.count(`SELECT count(*) FROM river_job WHERE args ->> 'purpose' = $1 AND args ->> 'about' = $2::text`, purpose, id.String())
}
