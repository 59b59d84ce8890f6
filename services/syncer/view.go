package syncer

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/errs"
	"dashtam/services/ledger"
	"dashtam/services/money"
)

// ErrNoSuchRun is what Changes answers for a run that does not exist or is somebody else's.
var ErrNoSuchRun = errs.New(errs.NotFound, "There is no such sync.")

// Account is how one account of a connection stands with its bank.
type Account struct {
	ID        uuid.UUID // in services/ledger
	Name      string
	FetchedAt *time.Time // when its newest days came last
	Failure   string     // one of services/connections' causes, or empty
	FailedAt  *time.Time
	Kept      int // posted transactions that the bank left out of its last answer, and we kept
	// Of the newest run: how many windows there are, how many are over, and what of the one being read has come so far.
	Windows, Read, Staged int
}

// View is what a connection's page shows about its syncs.
type View struct {
	Runs     []Run // the last 30, the newest first
	Accounts []Account
	Budget   Budget
	Wait     time.Duration // until the person may ask for a sync; 0 = now
}

// View reads how who's connection is synced.
func (s *Service) View(ctx context.Context, who actor.Actor, id uuid.UUID) (v View, err error) {
	if v.Runs, err = readRuns(ctx, s.c.DB, who, id, 30); err != nil {
		return v, err
	}
	if v.Accounts, err = s.accounts(ctx, who, id); err != nil {
		return v, err
	}
	if _, v.Wait, err = s.lately(ctx, s.c.DB, who, id); err != nil {
		return v, err
	}
	r := running{s: s, who: who, connection: id}
	slug, err := r.providerOf(ctx)
	if err != nil {
		return v, err
	}
	if p, err := s.c.Providers.Get(slug); err == nil && p.Profile.DailyReads > 0 {
		if v.Budget, err = readBudget(ctx, s.c.DB, who, id); err != nil {
			return v, err
		}
		v.Budget.Daily = p.Profile.DailyReads
	}
	return v, nil
}

// accounts lists the accounts of a connection that are synced, as far as the newest run is.
func (s *Service) accounts(ctx context.Context, who actor.Actor, id uuid.UUID) ([]Account, error) {
	rows, err := s.c.DB.Query(ctx, `
		SELECT a.id, CASE WHEN a.name = '' THEN a.bank_name ELSE a.name END AS name, s.fetched_at, coalesce(s.failure, '') AS failure, s.failed_at,
			coalesce(s.kept, 0) AS kept, w.windows, w.read, w.staged
		FROM accounts a
			LEFT JOIN sync_accounts s ON s.user_id = a.user_id AND s.connection_id = a.connection_id AND s.account = a.external_id
			CROSS JOIN LATERAL (SELECT count(*) AS windows, count(*) FILTER (WHERE w.state <> 'waiting') AS read,
					coalesce(sum(w.staged) FILTER (WHERE w.state = 'waiting'), 0)::bigint AS staged
				FROM sync_windows w WHERE w.user_id = a.user_id AND w.connection_id = a.connection_id AND w.account = a.external_id
					AND w.run_id = (SELECT r.id FROM sync_runs r WHERE r.user_id = @user AND r.connection_id = @connection
						ORDER BY r.queued_at DESC, r.id DESC LIMIT 1)) w
		WHERE a.user_id = @user AND a.connection_id = @connection ORDER BY a.id`, pgx.NamedArgs{"user": who.UserID, "connection": id})
	if err != nil {
		return nil, fmt.Errorf("syncer: reading accounts: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Account])
	if err != nil {
		return nil, fmt.Errorf("syncer: reading accounts: %w", err)
	}
	return list, nil
}

// Change is what a run did to one transaction.
type Change struct {
	ledger.Change
	Account string // its name; empty when it is gone
}

// Changes reads a run and what it changed: at most 500 transactions, for 30 days. ErrNoSuchRun.
func (s *Service) Changes(ctx context.Context, who actor.Actor, connection, run uuid.UUID) (Run, []Change, error) {
	runs, err := readRuns(ctx, s.c.DB, who, connection, 1000)
	if err != nil {
		return Run{}, nil, err
	}
	for _, r := range runs {
		if r.ID == run {
			list, err := s.changes(ctx, who, connection, run)
			return r, list, err
		}
	}
	return Run{}, nil, ErrNoSuchRun
}

type changeRow struct {
	AccountID      uuid.UUID
	TransactionID  uuid.UUID
	Account        string
	What           string
	Status         ledger.Status
	BookedOn       time.Time
	AmountMinor    int64
	Currency       string
	Payee          string
	WasStatus      *ledger.Status
	WasBookedOn    *time.Time
	WasAmountMinor *int64
	WasPayee       *string
}

func (s *Service) changes(ctx context.Context, who actor.Actor, connection, run uuid.UUID) ([]Change, error) {
	rows, err := s.c.DB.Query(ctx, `
		SELECT c.account_id, c.transaction_id, coalesce(CASE WHEN a.name = '' THEN a.bank_name ELSE a.name END, '') AS account, c.what, c.status,
			c.booked_on, c.amount_minor, c.currency, c.payee, c.was_status, c.was_booked_on, c.was_amount_minor, c.was_payee
		FROM sync_changes c LEFT JOIN accounts a ON a.user_id = c.user_id AND a.id = c.account_id
		WHERE c.user_id = @user AND c.connection_id = @connection AND c.run_id = @run
		ORDER BY c.what = 'new', c.booked_on DESC, c.nth`, pgx.NamedArgs{"user": who.UserID, "connection": connection, "run": run})
	if err != nil {
		return nil, fmt.Errorf("syncer: reading changes: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[changeRow])
	if err != nil {
		return nil, fmt.Errorf("syncer: reading changes: %w", err)
	}
	list := make([]Change, len(found))
	for i, f := range found {
		list[i] = Change{Account: f.Account, Change: ledger.Change{
			AccountID: f.AccountID, TransactionID: f.TransactionID, What: f.What,
			Seen: ledger.Seen{Status: f.Status, BookedOn: f.BookedOn, Amount: money.Amount{Minor: f.AmountMinor, Currency: f.Currency}, Payee: f.Payee},
		}}
		if f.WasStatus != nil {
			list[i].Was = &ledger.Seen{
				Status: *f.WasStatus, BookedOn: *f.WasBookedOn, Amount: money.Amount{Minor: *f.WasAmountMinor, Currency: f.Currency}, Payee: *f.WasPayee,
			}
		}
	}
	return list, nil
}
