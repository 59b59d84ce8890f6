package syncer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/encryption"
	"dashtam/services/ledger"
	"dashtam/services/providers"
)

const (
	// lookBack is how many days before the last success are asked for again: pending ones change, late ones appear.
	lookBack = 30
	// everyDay and its jitter spread the scheduled syncs, so that they neither come all at once nor wander.
	everyDay = 24 * time.Hour
	jitter   = 2 * time.Hour
	// writeTime bounds one transaction of a run.
	writeTime = time.Minute
)

// running is one run on its way.
type running struct {
	s          *Service
	who        actor.Actor
	connection uuid.UUID
	run        uuid.UUID
	cause      string
	state      connections.State
	provider   providers.Provider
	renewed    bool // the access token was renewed because the bank refused it; not twice in a run
}

// work carries one run from its first request to its end. An error means that it did not get there.
func (r *running) work(ctx context.Context) error {
	var err error
	if r.provider, err = r.s.c.Providers.Get(r.state.Provider); err != nil {
		return &providers.Failure{Class: providers.Config, Code: "unknown_provider", Cause: err}
	}
	var accounts []ledger.BankAccount
	if err := r.ask(ctx, "accounts", func(ctx context.Context, token encryption.Secret) (err error) {
		accounts, err = r.provider.Data.Accounts(ctx, token)
		return err
	}); err != nil {
		return err
	}
	reads := r.provider.Profile.Reads(strings.Fields(r.state.Scopes))
	if !reads.Holdings {
		for i := range accounts {
			accounts[i].Holdings = nil // not allowed is not the same as none
		}
	}
	if err := r.keep(ctx, accounts, `UPDATE sync_runs SET accounts_total = @total, accounts_done = 0`, len(accounts)); err != nil {
		return err
	}
	from, to := r.window()
	for _, account := range accounts {
		if !reads.Transactions {
			break // the person left them out, so the bank is not asked for them (OA-18)
		}
		if err := r.ask(ctx, "transactions", func(ctx context.Context, token encryption.Secret) (err error) {
			account, err = r.provider.Data.Transactions(ctx, token, account, from, to)
			return err
		}); err != nil {
			return err
		}
		if err := r.keep(ctx, []ledger.BankAccount{account}, `UPDATE sync_runs SET accounts_done = accounts_done + 1`, 0); err != nil {
			return err
		}
	}
	return r.finish(ctx)
}

// window is the days to ask for. The first sync, and the first after the person reconnected, take the whole history; later
// ones go back lookBack days behind the last success. It ends tomorrow, because it is tomorrow already somewhere.
func (r *running) window() (from, to time.Time) {
	today := r.s.c.Now().UTC().Truncate(everyDay)
	to, from = today.AddDate(0, 0, 1), today.AddDate(0, 0, -r.provider.Profile.HistoryDays)
	if r.cause == First || r.state.LastSuccessAt == nil {
		return from, to
	}
	if since := r.state.LastSuccessAt.UTC().Truncate(everyDay).AddDate(0, 0, -lookBack); since.After(from) {
		from = since
	}
	return from, to
}

// keep writes what came and how far the run is, in one transaction that holds the connection: after its end nothing is
// written any more.
func (r *running) keep(ctx context.Context, accounts []ledger.BankAccount, progress string, total int) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	err := pgx.BeginFunc(ctx, r.s.c.DB, func(tx pgx.Tx) error {
		if _, err := r.s.c.Connections.Lock(ctx, tx, r.who, r.connection); err != nil {
			return err
		}
		result, err := ledger.Apply(ctx, tx, r.who, ledger.Batch{
			ConnectionID: r.connection, Accounts: accounts, Whole: total > 0, // with the number of accounts comes the bank's list of them
		})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, progress+`, added = added + @added, changed = changed + @changed, removed = removed + @removed, recognised = recognised + @recognised`+r.where(),
			r.args(pgx.NamedArgs{"total": total, "added": result.Added, "changed": result.Changed, "removed": result.Removed, "recognised": result.Recognised}))
		return err
	})
	if err != nil {
		return fmt.Errorf("syncer: keeping what came: %w", err)
	}
	return nil
}

// finish ends a run that fetched everything.
func (r *running) finish(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, r.s.c.DB, func(tx pgx.Tx) error {
		if _, err := r.s.c.Connections.Lock(ctx, tx, r.who, r.connection); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE sync_runs SET state = 'done', failure = '', finished_at = now()`+r.where(), r.args(nil)); err != nil {
			return err
		}
		return r.s.c.Connections.Report(ctx, tx, r.who, r.connection, connections.Outcome{
			Status: connections.Healthy, Success: true, Next: around(everyDay, jitter),
		})
	})
	if err != nil {
		return fmt.Errorf("syncer: finishing a run: %w", err)
	}
	return nil
}

// begin takes the run up. ok is false when there is nothing to do: it is over, or its connection is.
func (r *running) begin(ctx context.Context) (ok bool, err error) {
	err = pgx.BeginFunc(ctx, r.s.c.DB, func(tx pgx.Tx) error {
		r.state, err = r.s.c.Connections.Lock(ctx, tx, r.who, r.connection)
		switch {
		case errors.Is(err, connections.ErrNotFound):
			return nil
		case errors.Is(err, connections.ErrGone):
			_, err := tx.Exec(ctx, `UPDATE sync_runs SET state = 'failed', finished_at = now()`+r.where(), r.args(nil))
			return err
		case err != nil:
			return err
		}
		err := tx.QueryRow(ctx, `UPDATE sync_runs SET state = 'running', started_at = coalesce(started_at, now())`+r.where()+` RETURNING cause`,
			r.args(nil)).Scan(&r.cause)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("syncer: beginning a run: %w", err)
	}
	return ok, nil
}

// where names the run, as long as it is not over.
func (r *running) where() string {
	return ` WHERE user_id = @user AND connection_id = @connection AND id = @run AND state IN ('queued', 'running')`
}

func (r *running) args(more pgx.NamedArgs) pgx.NamedArgs {
	args := pgx.NamedArgs{"user": r.who.UserID, "connection": r.connection, "run": r.run}
	for k, v := range more {
		args[k] = v
	}
	return args
}

// around is a random time within spread of d.
func around(d, spread time.Duration) time.Duration {
	return d - spread + rand.N(2*spread)
}
