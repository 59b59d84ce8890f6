package syncer

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/connections"
	"dashtam/services/ledger"
)

const (
	// lookBack is how many days before the last success are asked for again: pending ones change, late ones appear.
	lookBack = 30
	// firstDays is how much of an account's history comes first, for all accounts before any of the rest.
	firstDays = 90
	// longStep is when a step makes way for others, between two pages.
	longStep = 2 * time.Minute
	// tellChanges bounds the changes that are kept of a run; keepRuns and keepChanges are for how long, in days.
	tellChanges = 500
	keepRuns    = 90
	keepChanges = 30
)

// window is one account and one span of days, which a step reads.
type window struct {
	Nth      int
	Account  string // the bank's id of it
	Currency string
	FirstDay time.Time
	LastDay  time.Time
	History  bool // older than what the first sight of an account brings
	Cursor   string
	Pages    int
	Staged   int
}

// where names the window of a run.
func (*window) where() string {
	return ` WHERE user_id = @user AND connection_id = @connection AND run_id = @run AND nth = @nth`
}

// nextWindow is the first one that waits, nil when none does.
func (r *running) nextWindow(ctx context.Context) (*window, error) {
	rows, err := r.s.c.DB.Query(ctx, `
		SELECT w.nth, w.account, coalesce(a.currency, '') AS currency, w.first_day, w.last_day, w.history, w.cursor, w.pages, w.staged
		FROM sync_windows w LEFT JOIN accounts a ON a.user_id = w.user_id AND a.connection_id = w.connection_id AND a.external_id = w.account
		WHERE `+ofRun+` AND w.state = 'waiting' ORDER BY w.nth LIMIT 1`, r.args(nil))
	if err != nil {
		return nil, err
	}
	w, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[window])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return w, err
}

// planWindows writes down what to ask for: of every account the newest days first, so that there is something to see; then
// the history, backwards. An account that was fetched before goes back lookBack days behind that, and on with the history
// where that ended. The first run, and the first after the person gave permission again, begins anew.
func (r *running) planWindows(ctx context.Context, tx pgx.Tx, accounts []ledger.BankAccount) error {
	if r.cause == First {
		if _, err := tx.Exec(ctx, `DELETE FROM sync_accounts WHERE user_id = @user AND connection_id = @connection`, r.args(nil)); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, `
		SELECT a.external_id AS account, s.reached, s.fetched_at
		FROM accounts a LEFT JOIN sync_accounts s ON s.user_id = a.user_id AND s.connection_id = a.connection_id AND s.account = a.external_id
		WHERE a.user_id = @user AND a.connection_id = @connection`, r.args(nil))
	if err != nil {
		return err
	}
	type progress struct {
		Account   string
		Reached   *time.Time
		FetchedAt *time.Time
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[progress])
	if err != nil {
		return err
	}
	known := map[string]progress{}
	for _, p := range all {
		known[p.Account] = p
	}
	var news, histories [][]window
	for _, a := range accounts {
		p, ok := known[a.ExternalID]
		if !ok {
			continue // twice in the list, or the person has to say first which of theirs it is
		}
		delete(known, a.ExternalID)
		fresh, history := r.spans(p.Reached, p.FetchedAt)
		for _, list := range [][]window{fresh, history} {
			for i := range list {
				list[i].Account = a.ExternalID
			}
		}
		news, histories = append(news, fresh), append(histories, history)
	}
	return r.insertWindows(ctx, tx, append(inTurn(news), inTurn(histories)...))
}

// inTurn takes the first of each list, then the second of each, and so on.
func inTurn(lists [][]window) (all []window) {
	for i, more := 0, true; more; i++ {
		more = false
		for _, list := range lists {
			if i < len(list) {
				all, more = append(all, list[i]), true
			}
		}
	}
	return all
}

// spans are the days to ask for about an account of which everything since reached was fetched at fetchedAt, the newest
// first. They end tomorrow, because it is tomorrow already somewhere.
func (r *running) spans(reached, fetchedAt *time.Time) (fresh, history []window) {
	profile, today := r.provider.Profile, r.s.c.Now().UTC().Truncate(everyDay)
	tomorrow, oldest := today.AddDate(0, 0, 1), today.AddDate(0, 0, -profile.HistoryDays)
	since, back := today.AddDate(0, 0, 1-firstDays), oldest
	if profile.WindowDays > 0 && profile.WindowDays < firstDays {
		since = tomorrow.AddDate(0, 0, 1-profile.WindowDays)
	}
	if fetchedAt != nil {
		since = fetchedAt.UTC().Truncate(everyDay).AddDate(0, 0, -lookBack)
	}
	if since.Before(oldest) {
		since = oldest
	}
	fresh = cut(since, tomorrow, profile.WindowDays, false)
	before := since
	if fetchedAt != nil && reached != nil && reached.Before(since) {
		before = *reached
	}
	return fresh, cut(back, before.AddDate(0, 0, -1), profile.WindowDays, true)
}

// cut divides first..last into windows of at most days, the newest first; 0 days is no bound.
func cut(first, last time.Time, days int, history bool) (list []window) {
	for !last.Before(first) {
		begin := first
		if days > 0 {
			if begin = last.AddDate(0, 0, 1-days); begin.Before(first) {
				begin = first
			}
		}
		list = append(list, window{FirstDay: begin, LastDay: last, History: history})
		last = begin.AddDate(0, 0, -1)
	}
	return list
}

func (r *running) insertWindows(ctx context.Context, tx pgx.Tx, list []window) error {
	n := len(list)
	accounts, first, last, history := make([]string, n), make([]time.Time, n), make([]time.Time, n), make([]bool, n)
	for i, w := range list {
		accounts[i], first[i], last[i], history[i] = w.Account, w.FirstDay, w.LastDay, w.History
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO sync_windows (user_id, connection_id, run_id, nth, account, first_day, last_day, history)
		SELECT @user, @connection, @run, w.nth, w.account, w.first_day, w.last_day, w.history
		FROM unnest(@accounts::text[], @first::date[], @last::date[], @history::boolean[]) WITH ORDINALITY
			AS w (account, first_day, last_day, history, nth)`,
		r.args(pgx.NamedArgs{"accounts": accounts, "first": first, "last": last, "history": history}))
	return err
}

// finishWindow notes what a whole window brought: for the account, for the run, and for its owner to read.
func (r *running) finishWindow(ctx context.Context, tx pgx.Tx, w *window, result ledger.Result) error {
	args := r.args(pgx.NamedArgs{
		"nth": w.Nth, "account": w.Account, "first": w.FirstDay, "history": w.History, "added": result.Added, "changed": result.Changed,
		"merged": result.Merged, "removed": result.Removed, "kept": result.Kept,
	})
	for _, sql := range []string{
		`UPDATE sync_windows SET state = 'done', cursor = ''` + w.where(),
		`INSERT INTO sync_accounts AS a (user_id, connection_id, account, reached, fetched_at, kept)
		SELECT @user, @connection, @account, @first::date, CASE WHEN n.last THEN now() END, @kept
		FROM (SELECT NOT @history AND NOT EXISTS (SELECT FROM sync_windows w WHERE ` + ofRun + ` AND w.account = @account
			AND w.state = 'waiting' AND NOT w.history) AS last) n
		ON CONFLICT (user_id, connection_id, account) DO UPDATE SET reached = least(a.reached, excluded.reached),
			fetched_at = coalesce(excluded.fetched_at, a.fetched_at), failure = '', failed_at = NULL,
			kept = CASE WHEN @history THEN a.kept ELSE 0 END + excluded.kept`,
		`UPDATE sync_runs SET added = added + @added, changed = changed + @changed, merged = merged + @merged,
			removed = removed + @removed, kept = kept + @kept, failure = ''` + r.where(),
	} {
		if _, err := tx.Exec(ctx, sql, args); err != nil {
			return err
		}
	}
	return r.tell(ctx, tx, result.Changes)
}

// failAccount gives up on the account of the step's window, for this run: the others go on. When nothing came of the whole run,
// or of two accounts because the bank stays away, the run is over, and v is to be reported.
func (r *running) failAccount(ctx context.Context, v verdict) (over bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	err = r.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		args := r.args(pgx.NamedArgs{"nth": r.window.Nth, "account": r.window.Account, "cause": v.Cause, "away": connections.CauseBankAway})
		for _, sql := range []string{
			`UPDATE sync_windows SET state = 'failed', cursor = '', failure = @cause` + r.window.where(),
			`UPDATE sync_windows w SET state = 'left' WHERE ` + ofRun + ` AND w.account = @account AND w.state = 'waiting'`,
			`UPDATE sync_windows w SET state = 'left' WHERE ` + ofRun + ` AND w.state = 'waiting' AND @cause = @away
				AND (SELECT count(*) FROM sync_windows w WHERE ` + ofRun + ` AND w.failure = @away) > 1
				AND NOT EXISTS (SELECT FROM sync_windows w WHERE ` + ofRun + ` AND w.state = 'done')`,
			`INSERT INTO sync_accounts (user_id, connection_id, account, failure, failed_at) VALUES (@user, @connection, @account, @cause, now())
			ON CONFLICT (user_id, connection_id, account) DO UPDATE SET failure = excluded.failure, failed_at = excluded.failed_at`,
		} {
			if _, err := tx.Exec(ctx, sql, args); err != nil {
				return err
			}
		}
		if err := ledger.Unstage(ctx, tx, r.who, r.connection); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `
			SELECT NOT EXISTS (SELECT FROM sync_windows w WHERE `+ofRun+` AND w.state IN ('waiting', 'done'))`, args).Scan(&over); err != nil || over {
			return err
		}
		return r.proceed(ctx, tx)
	})
	return over, err
}

// tell keeps what changed for its owner to read, as far as there is room in the run.
func (r *running) tell(ctx context.Context, tx pgx.Tx, changes []ledger.Change) error {
	var told int
	if err := tx.QueryRow(ctx, `
		SELECT count(*) FROM sync_changes WHERE user_id = @user AND connection_id = @connection AND run_id = @run`, r.args(nil)).Scan(&told); err != nil {
		return err
	}
	changes = changes[:min(len(changes), tellChanges-min(told, tellChanges))]
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"sync_changes"}, []string{
		"user_id", "connection_id", "run_id", "nth", "account_id", "transaction_id", "what", "status", "booked_on", "amount_minor", "currency",
		"payee", "was_status", "was_booked_on", "was_amount_minor", "was_payee",
	}, pgx.CopyFromSlice(len(changes), func(i int) ([]any, error) {
		c := changes[i]
		row := []any{
			r.who.UserID, r.connection, r.run, told + i, c.AccountID, c.TransactionID, c.What, string(c.Status), c.BookedOn, c.Amount.Minor,
			c.Amount.Currency, c.Payee,
		}
		if c.Was == nil {
			return append(row, nil, nil, nil, nil), nil
		}
		return append(row, string(c.Was.Status), c.Was.BookedOn, c.Was.Amount.Minor, c.Was.Payee), nil
	}))
	return err
}

// prune throws away what a connection's history no longer shows.
func prune(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	args["runs"], args["changes"] = keepRuns, keepChanges
	for _, sql := range []string{
		`DELETE FROM sync_windows WHERE user_id = @user AND connection_id = @connection AND run_id <> @run`,
		`DELETE FROM sync_changes c USING sync_runs r WHERE c.user_id = @user AND c.connection_id = @connection
			AND r.user_id = c.user_id AND r.connection_id = c.connection_id AND r.id = c.run_id AND r.finished_at < now() - make_interval(days => @changes)`,
		`DELETE FROM sync_runs WHERE user_id = @user AND connection_id = @connection AND finished_at < now() - make_interval(days => @runs)`,
	} {
		if _, err := tx.Exec(ctx, sql, args); err != nil {
			return err
		}
	}
	return nil
}
