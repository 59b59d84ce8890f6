package syncer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/connections"
	"dashtam/services/errs"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// How long a paused connection waits for its next try.
const (
	waitAway   = 2 * time.Hour // a bank that stays away, and our own faults
	waitDay    = everyDay      // what will hardly pass by itself: half-open once a day
	leastLimit = time.Minute   // a bank that asked to wait; at least this long whatever it said
	waitLimit  = time.Hour     // when it did not say how long
	mostWait   = everyDay
)

// verdict is what a failure means: for the connection, and whether another try of the same run can help.
type verdict struct {
	connections.Outcome
	retry bool
}

// judge reads a failure (OA-11). Order matters: a Failure may wrap, and be wrapped by, others.
func judge(err error) verdict {
	needsYou := func(cause string) verdict {
		return verdict{Outcome: connections.Outcome{Status: connections.NeedsYou, Cause: cause}}
	}
	paused := func(cause string, next time.Duration, retry bool) verdict {
		return verdict{Outcome: connections.Outcome{Status: connections.Paused, Cause: cause, Next: next}, retry: retry}
	}
	switch {
	case errors.Is(err, tokens.ErrTampered), errors.Is(err, tokens.ErrNone), errors.Is(err, tokens.ErrInDoubt):
		return needsYou(connections.CauseAccessLost)
	case errors.Is(err, tokens.ErrNoRefresh):
		return needsYou(connections.CauseConsentEnded)
	case errors.Is(err, tokens.ErrBusy):
		return paused(connections.CauseBankAway, around(waitAway, waitAway/4), true)
	}
	f := providers.FailureOf(err)
	if f == nil {
		if errs.KindOf(err) == errs.Invalid { // the ledger's word for a batch that cannot be true
			return paused(connections.CauseBankData, around(waitDay, jitter), false)
		}
		return paused(connections.CauseInternal, around(waitAway, waitAway/4), true)
	}
	if f.Code == providers.SwitchedOff {
		return paused(connections.CauseSwitchedOff, around(waitDay, jitter), false) // or as soon as it is switched on
	}
	switch f.Class {
	case providers.Permanent, providers.Unauthorized: // Unauthorized even with a new token
		v := needsYou(connections.CauseConsentEnded)
		v.Refused = true
		return v
	case providers.Config:
		return paused(connections.CauseProvider, around(waitDay, jitter), false)
	case providers.RateLimited:
		wait := f.RetryAfter
		if wait == 0 {
			wait = waitLimit
		}
		wait = min(max(wait, leastLimit), mostWait)
		if f.Code == providers.Budget {
			return paused(connections.CauseBudget, around(wait+jitter/8, jitter/8), false)
		}
		return paused(connections.CauseRateLimited, around(wait+wait/8, wait/8), false) // never sooner than asked
	case providers.Nonsense:
		return paused(connections.CauseBankData, around(waitDay, jitter), false)
	default:
		return paused(connections.CauseBankAway, around(waitAway, waitAway/4), true)
	}
}

// fail writes what a failure means. While another try of the run follows, only the cause shows.
func (r *running) fail(ctx context.Context, v verdict, again bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	outcome, sql := v.Outcome, `UPDATE sync_runs SET state = 'failed', failure = @failure, finished_at = now(), lease_until = NULL`
	if again {
		outcome = connections.Outcome{Status: connections.Syncing, Cause: v.Cause}
		sql = `UPDATE sync_runs SET failure = @failure, moved_at = now(), lease_until = NULL`
	}
	err := pgx.BeginFunc(ctx, r.s.c.DB, func(tx pgx.Tx) error {
		_, err := r.s.c.Connections.Lock(ctx, tx, r.who, r.connection)
		if errors.Is(err, connections.ErrNotFound) {
			return nil
		}
		if err != nil && !errors.Is(err, connections.ErrGone) {
			return err
		}
		tag, err := tx.Exec(ctx, sql+r.where(), r.args(pgx.NamedArgs{"failure": v.Cause}))
		if err != nil || tag.RowsAffected() == 0 { // over, or somebody else's
			return err
		}
		return r.s.c.Connections.Report(ctx, tx, r.who, r.connection, outcome)
	})
	if err != nil {
		return fmt.Errorf("syncer: failing a run: %w", err)
	}
	return nil
}
