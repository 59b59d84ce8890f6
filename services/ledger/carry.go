package ledger

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// carried is a stored transaction of an account that came back under another id.
type carried struct {
	AccountID   uuid.UUID
	ID          uuid.UUID
	ExternalID  string
	BookedOn    time.Time
	AmountMinor int64
	Currency    string
	Payee       string
	Open        bool // it was there before, and the bank has not reported it since
}

// occurrence is what a transaction is known by where its id is worth nothing. Two alike are told apart by their order.
type occurrence struct {
	account  uuid.UUID
	day      time.Time
	minor    int64
	currency string
	payee    string
}

// occurrence leaves the payee out when it is blind.
func (c carried) occurrence(blind bool) occurrence {
	if blind {
		c.Payee = ""
	}
	return occurrence{c.AccountID, c.BookedOn, c.AmountMinor, c.Currency, c.Payee}
}

func (t reported) occurrence(blind bool) occurrence {
	return carried{AccountID: t.account, BookedOn: date(t.BookedOn), AmountMinor: t.Amount.Minor, Currency: t.Amount.Currency, Payee: t.Payee}.occurrence(blind)
}

// carry gives the transactions of accounts that came back under another id the ids they have now, so that the upsert finds
// the same rows: notes live on and nothing is there twice.
func (a *applying) carry(ctx context.Context, tx pgx.Tx) error {
	stored, err := a.carried(ctx, tx)
	if err != nil || len(stored) == 0 {
		return err
	}
	var ids []uuid.UUID
	var external []string
	for id, now := range carryOver(stored, a.reported()) {
		ids, external = append(ids, id), append(external, now)
	}
	_, err = tx.Exec(ctx, `
		UPDATE transactions t SET external_id = c.external_id
		FROM unnest(@ids::uuid[], @external::text[]) AS c (id, external_id)
		WHERE t.user_id = @user AND t.id = c.id`, a.args(pgx.NamedArgs{"ids": ids, "external": external}))
	a.carries = true
	return err
}

// share notes which transactions from before a merge the bank reports since.
func (a *applying) share(ctx context.Context, tx pgx.Tx) error {
	if !a.carries {
		return nil
	}
	var accounts []uuid.UUID
	var external []string
	for _, t := range a.reported() {
		accounts, external = append(accounts, t.account), append(external, t.ExternalID)
	}
	_, err := tx.Exec(ctx, `
		UPDATE merged_transactions r SET shared = true
		FROM unnest(@accounts::uuid[], @external::text[]) AS b (account_id, external_id)
		JOIN transactions t ON t.user_id = @user AND t.account_id = b.account_id AND t.external_id = b.external_id
		WHERE r.user_id = @user AND r.transaction_id = t.id AND NOT r.shared`,
		a.args(pgx.NamedArgs{"accounts": accounts, "external": external}))
	return err
}

// carried reads what is stored in the batch's windows of accounts whose merge can still be undone, the oldest first.
func (a *applying) carried(ctx context.Context, tx pgx.Tx) ([]carried, error) {
	var accounts []uuid.UUID
	var from, to []time.Time
	for i, acc := range a.batch.Accounts {
		if !acc.From.IsZero() {
			accounts, from, to = append(accounts, a.ids[i]), append(from, acc.From), append(to, acc.To)
		}
	}
	rows, err := tx.Query(ctx, `
		SELECT t.account_id, t.id, t.external_id, t.booked_on, t.amount_minor, t.currency, t.payee,
			EXISTS (SELECT FROM merged_transactions r WHERE r.user_id = t.user_id AND r.transaction_id = t.id AND NOT r.shared) AS open
		FROM unnest(@accounts::uuid[], @from::date[], @to::date[]) AS w (account_id, first, last)
		JOIN transactions t ON t.user_id = @user AND t.account_id = w.account_id AND t.booked_on BETWEEN w.first AND w.last
		WHERE EXISTS (SELECT FROM account_merges m WHERE m.user_id = @user AND m.account_id = w.account_id)
		ORDER BY t.happened_at, t.external_id`,
		a.args(pgx.NamedArgs{"accounts": accounts, "from": from, "to": to}))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[carried])
}

// carryOver says which transactions from before are reported under another id now. An id that stayed is believed; else day,
// amount and payee decide, and what is left over day and amount alone, since a bank that changes its ids may also change
// how it writes names. Of several that are alike the n-th is the n-th.
func carryOver(stored []carried, now []reported) map[uuid.UUID]string {
	type key struct {
		account  uuid.UUID
		external string
	}
	byID := map[key]bool{}
	for _, c := range stored {
		byID[key{c.AccountID, c.ExternalID}] = true
	}
	named := map[key]bool{}
	var left []reported
	for _, t := range now {
		named[key{t.account, t.ExternalID}] = true
		if !byID[key{t.account, t.ExternalID}] {
			left = append(left, t)
		}
	}
	over := map[uuid.UUID]string{}
	for _, blind := range []bool{false, true} {
		waiting := map[occurrence][]carried{}
		for _, c := range stored {
			if _, done := over[c.ID]; c.Open && !done && !named[key{c.AccountID, c.ExternalID}] {
				at := c.occurrence(blind)
				waiting[at] = append(waiting[at], c)
			}
		}
		rest := left[:0:0]
		for _, t := range left {
			at := t.occurrence(blind)
			if same := waiting[at]; len(same) > 0 {
				over[same[0].ID], waiting[at] = t.ExternalID, same[1:]
				continue
			}
			rest = append(rest, t)
		}
		left = rest
	}
	return over
}
