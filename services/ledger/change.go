package ledger

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/money"
)

// What became of a transaction.
const (
	Added   = "new"
	Changed = "changed"
	Merged  = "merged" // a pending one that was posted
	Removed = "removed"
)

// Seen is a transaction as far as a list of changes shows it.
type Seen struct {
	Status   Status
	BookedOn time.Time // a date, at midnight UTC
	Amount   money.Amount
	Payee    string
}

// Change is what a merge did to one transaction.
type Change struct {
	AccountID     uuid.UUID
	TransactionID uuid.UUID
	What          string // Added, Changed, Merged or Removed
	Seen                 // as it is now; of a removed one, as it last was
	Was           *Seen  // before; nil unless Changed or Merged
}

// mostChanges bounds the changes that one merge tells about; the counts are always whole.
const mostChanges = 200

type changeRow struct {
	What           string
	ID             uuid.UUID
	Status         Status
	BookedOn       time.Time
	AmountMinor    int64
	Currency       string
	Payee          string
	WasStatus      *Status
	WasBookedOn    *time.Time
	WasAmountMinor *int64
	WasCurrency    *string
	WasPayee       *string
}

// note gathers what is about to change, before it does: what changed first, then what goes, then the newest of what is new.
func (a *applying) note(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	rows, err := tx.Query(ctx, `
		(SELECT a.fate AS what, t.id, a.status, a.booked_on, a.amount_minor, a.currency, a.payee, t.status AS was_status,
				t.booked_on AS was_booked_on, t.amount_minor AS was_amount_minor, t.currency AS was_currency, t.payee AS was_payee
			FROM arrived a JOIN transactions t ON t.user_id = @user AND t.account_id = @account AND t.id = a.stored
			WHERE a.fate IN ('changed', 'merged') ORDER BY a.booked_on DESC, a.id DESC LIMIT @changes)
		UNION ALL
		(SELECT 'removed', id, status, booked_on, amount_minor, currency, payee, NULL, NULL, NULL, NULL, NULL
			FROM gone ORDER BY booked_on DESC, id DESC LIMIT @changes)
		UNION ALL
		(SELECT 'new', id, status, booked_on, amount_minor, currency, payee, NULL, NULL, NULL, NULL, NULL
			FROM arrived WHERE stored IS NULL ORDER BY booked_on DESC, id DESC LIMIT @changes)
		LIMIT @changes`, args)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[changeRow])
	if err != nil {
		return err
	}
	account, _ := args["account"].(uuid.UUID)
	for _, r := range found {
		c := Change{
			AccountID: account, TransactionID: r.ID, What: r.What,
			Seen: Seen{r.Status, r.BookedOn, money.Amount{Minor: r.AmountMinor, Currency: r.Currency}, r.Payee},
		}
		if r.WasStatus != nil {
			c.Was = &Seen{*r.WasStatus, *r.WasBookedOn, money.Amount{Minor: *r.WasAmountMinor, Currency: *r.WasCurrency}, *r.WasPayee}
		}
		a.result.Changes = append(a.result.Changes, c)
	}
	return nil
}
