package connections_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"dashtam/services/connections"
)

// A connection that stops is mailed about once, whatever is tried while it stands still, and again when it stops again.
func TestReport_NeedsYouIsMailedOnce(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	broken := connections.Outcome{Status: connections.NeedsYou, Cause: connections.CauseConsentEnded}
	for i, step := range []struct {
		outcome connections.Outcome
		mails   int
	}{
		{connections.Outcome{Status: connections.Paused, Cause: connections.CauseBankAway}, 0},
		{broken, 1}, {broken, 1}, {connections.Outcome{Status: connections.Healthy, Success: true}, 1}, {broken, 2},
	} {
		err := pgx.BeginFunc(t.Context(), b.db, func(tx pgx.Tx) error {
			return b.service.Report(t.Context(), tx, b.who, id, step.outcome)
		})
		if err != nil {
			t.Fatal(err)
		}
		n := b.count(`SELECT count(*) FROM river_job WHERE args ->> 'purpose' = 'needs_you' AND args ->> 'user_id' = $1::text AND args ->> 'about' = $2::text`,
			b.who.UserID.String(), id.String())
		if n != step.mails {
			t.Errorf("step %d: %d mails, want %d", i, n, step.mails)
		}
	}
}
