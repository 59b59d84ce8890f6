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
	"dashtam/services/jobs"
	"dashtam/services/ledger"
	"dashtam/services/providers"
)

const (
	// everyDay and its jitter spread the scheduled syncs, so that they neither come all at once nor wander.
	everyDay = 24 * time.Hour
	jitter   = 2 * time.Hour
	// writeTime bounds one transaction of a run.
	writeTime = time.Minute
)

// errTakenOver is why a step ends without a word: the run is over, or somebody else's.
var errTakenOver = errors.New("syncer: the run is over, or another worker has it")

// running is one step of a run on its way.
type running struct {
	s          *Service
	who        actor.Actor
	connection uuid.UUID
	run        uuid.UUID
	cause      string
	fence      int64
	planned    bool
	state      connections.State
	provider   providers.Provider
	renewed    bool    // the access token was renewed because the bank refused it; not twice in a step
	window     *window // that is being read; nil while the accounts are
}

// step carries a run on by one step: its accounts, or one window. An error means that it did not get there.
func (r *running) step(ctx context.Context) error {
	var err error
	if r.provider, err = r.s.c.Providers.Get(r.state.Provider); err != nil {
		return &providers.Failure{Class: providers.Config, Code: "unknown_provider", Cause: err}
	}
	if !r.planned {
		return r.plan(ctx)
	}
	if r.window, err = r.nextWindow(ctx); err != nil {
		return err
	}
	if r.window == nil { // its last step was committed, and what follows was not
		return r.write(ctx, r.proceed)
	}
	return r.read(ctx, r.window)
}

// plan asks for the accounts, so that the first balances are there after one request, and writes down what to ask for next.
func (r *running) plan(ctx context.Context) error {
	var accounts []ledger.BankAccount
	if err := r.ask(ctx, "accounts", func(ctx context.Context, token encryption.Secret) (err error) {
		accounts, err = r.provider.Data.Accounts(r.rationed(ctx), token)
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
	return r.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		result, err := ledger.Apply(ctx, tx, r.who, ledger.Batch{ConnectionID: r.connection, Accounts: accounts, Whole: true})
		if err != nil {
			return err
		}
		if !reads.Transactions {
			accounts = nil // the person left them out, so the bank is not asked for them (OA-18)
		}
		if err := r.planWindows(ctx, tx, accounts); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE sync_runs SET planned = true, recognised = @recognised, accounts_total = (
				SELECT count(DISTINCT account) FROM sync_windows w WHERE `+ofRun+`)`+r.where(),
			r.args(pgx.NamedArgs{"recognised": result.Recognised})); err != nil {
			return err
		}
		return r.proceed(ctx, tx)
	})
}

// read reads the pages of a window. Each is staged with the cursor of the next one, so that another worker, or a later try,
// goes on where this one ended; the last one brings the whole window into the ledger. A step that takes long ends between
// two pages and is followed by another.
func (r *running) read(ctx context.Context, w *window) error {
	account := providers.Account{ID: w.Account, Currency: w.Currency}
	walk, until, resumed := providers.Walk{Pages: w.Pages}, r.s.c.Now().Add(longStep), w.Cursor != ""
	for {
		var page providers.Page
		err := r.ask(ctx, "transactions", func(ctx context.Context, token encryption.Secret) (err error) {
			page, err = r.provider.Data.Transactions(r.rationed(ctx), token, account, w.FirstDay, w.LastDay, w.Cursor)
			return err
		})
		if f := providers.FailureOf(err); f != nil && f.Class == providers.Nonsense && resumed { // old cursors die
			resumed, w.Cursor, w.Staged = false, "", 0
			continue
		}
		if err == nil {
			err = walk.Read(page.Next, idsOf(page))
		}
		if err != nil {
			return err
		}
		last, pause := page.Next == "", page.Next != "" && r.s.c.Now().After(until)
		err = r.write(ctx, func(ctx context.Context, tx pgx.Tx) error { return r.keep(ctx, tx, w, walk.Pages, page, pause) })
		if errors.Is(err, ledger.ErrStagedLost) {
			walk, w.Cursor, w.Staged = providers.Walk{Pages: walk.Pages}, "", 0
			continue
		}
		if err != nil || last || pause {
			return err
		}
		resumed, w.Cursor, w.Staged = false, page.Next, w.Staged+len(page.Transactions)
	}
}

func idsOf(p providers.Page) []string {
	ids := make([]string, len(p.Transactions))
	for i, t := range p.Transactions {
		ids[i] = t.ExternalID
	}
	return ids
}

// keep stages a page of a window; with the last one it merges the window, with a pause it leaves it to the next step.
func (r *running) keep(ctx context.Context, tx pgx.Tx, w *window, pages int, p providers.Page, pause bool) error {
	if err := ledger.Stage(ctx, tx, r.who, r.connection, w.Staged, p.Transactions); err != nil {
		return err
	}
	staged := w.Staged + len(p.Transactions)
	if _, err := tx.Exec(ctx, `UPDATE sync_windows SET cursor = @cursor, pages = @pages, staged = @staged`+r.window.where(),
		r.args(pgx.NamedArgs{"nth": w.Nth, "cursor": p.Next, "pages": pages, "staged": staged})); err != nil {
		return err
	}
	switch {
	case pause:
		return r.proceed(ctx, tx)
	case p.Next != "":
		return nil
	}
	result, err := ledger.Merge(ctx, tx, r.who, ledger.Window{
		ConnectionID: r.connection, Account: w.Account, From: w.FirstDay, To: w.LastDay, Staged: staged,
	})
	if err != nil {
		return err
	}
	if err := r.finishWindow(ctx, tx, w, result); err != nil {
		return err
	}
	return r.proceed(ctx, tx)
}

// proceed ends a step: the next one is queued, or the run is over because there is none.
func (r *running) proceed(ctx context.Context, tx pgx.Tx) error {
	var waiting bool
	if err := tx.QueryRow(ctx, `
		UPDATE sync_runs r SET lease_until = NULL,
			accounts_done = (SELECT count(*) FROM (SELECT FROM sync_windows w WHERE `+ofRun+` GROUP BY account HAVING bool_and(state <> 'waiting')) a),
			accounts_failed = (SELECT count(DISTINCT account) FROM sync_windows w WHERE `+ofRun+` AND w.state = 'failed')`+r.where()+`
		RETURNING EXISTS (SELECT FROM sync_windows w WHERE `+ofRun+` AND w.state = 'waiting')`, r.args(nil)).Scan(&waiting); err != nil {
		return err
	}
	if waiting {
		return r.s.c.Queue.Enqueue(ctx, tx, jobs.Sync{UserID: r.who.UserID, ConnectionID: r.connection, RunID: r.run, RequestID: r.who.RequestID})
	}
	return r.finish(ctx, tx)
}

// finish ends a run that fetched everything, or everything but some accounts.
func (r *running) finish(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `UPDATE sync_runs SET state = 'done', failure = '', finished_at = now()`+r.where(), r.args(nil)); err != nil {
		return err
	}
	if err := prune(ctx, tx, r.args(nil)); err != nil {
		return err
	}
	return r.s.c.Connections.Report(ctx, tx, r.who, r.connection, connections.Outcome{
		Status: connections.Healthy, Success: true, Next: around(everyDay, jitter),
	})
}

// write changes what a run is about, in one transaction that holds the connection and the run: after the end of either, and
// once another worker has taken over, nothing is written any more (JB-2).
func (r *running) write(ctx context.Context, change func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	err := pgx.BeginFunc(ctx, r.s.c.DB, func(tx pgx.Tx) error {
		if _, err := r.s.c.Connections.Lock(ctx, tx, r.who, r.connection); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE sync_runs SET moved_at = now(), lease_until = now() + @lease::float8 * interval '1 second'`+r.where(),
			r.args(pgx.NamedArgs{"lease": r.s.c.Lease.Seconds()}))
		if err == nil && tag.RowsAffected() == 0 {
			err = errTakenOver
		}
		if err != nil {
			return err
		}
		return change(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("syncer: keeping what came: %w", err)
	}
	return nil
}

// where names the run, as long as it is not over and nobody else's.
func (r *running) where() string { return whereOpen + ` AND fence = @fence` }

// whereOpen names a run that is not over; ofRun the windows w of a run.
const (
	whereOpen = ` WHERE user_id = @user AND connection_id = @connection AND id = @run AND state IN ('queued', 'running')`
	ofRun     = `w.user_id = @user AND w.connection_id = @connection AND w.run_id = @run`
)

func (r *running) args(more pgx.NamedArgs) pgx.NamedArgs {
	args := pgx.NamedArgs{"user": r.who.UserID, "connection": r.connection, "run": r.run, "fence": r.fence}
	for k, v := range more {
		args[k] = v
	}
	return args
}

// around is a random time within spread of d.
func around(d, spread time.Duration) time.Duration {
	return d - spread + rand.N(2*spread)
}
