package ledger

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"dashtam/services/money"
)

// accountSelect lists a person's accounts with the connection each came through.
const accountSelect = `
	SELECT a.id, a.kind, CASE WHEN a.name = '' THEN a.bank_name ELSE a.name END AS name, a.mask, a.currency,
		a.balance_minor, a.available_minor, a.limit_minor, a.balance_as_of, a.closed_at IS NOT NULL OR a.gone_at IS NOT NULL AS closed,
		a.gone_at IS NOT NULL AS gone,
		a.connection_id, c.provider, c.name AS bank, c.status, c.cause, c.status_since, c.last_success_at, c.consent_expires_at,
		(SELECT count(*) FROM account_questions q WHERE q.user_id = c.user_id AND q.connection_id = c.id) AS questions
	FROM accounts a JOIN connections c ON c.user_id = a.user_id AND c.id = a.connection_id
	WHERE a.user_id = @user`

type accountRow struct {
	ID               uuid.UUID
	Kind             Kind
	Name             string
	Mask             string
	Currency         string
	BalanceMinor     int64
	AvailableMinor   *int64
	LimitMinor       *int64
	BalanceAsOf      time.Time
	Closed           bool
	Gone             bool
	ConnectionID     uuid.UUID
	Provider         string
	Bank             string
	Status           string
	Cause            string
	StatusSince      time.Time
	LastSuccessAt    *time.Time
	ConsentExpiresAt *time.Time
	Questions        int
}

func (r accountRow) account() Account {
	return Account{
		ID: r.ID, Kind: r.Kind, Name: r.Name, Mask: r.Mask, Balance: money.Amount{Minor: r.BalanceMinor, Currency: r.Currency},
		Available: amountOf(r.AvailableMinor, r.Currency), Limit: amountOf(r.LimitMinor, r.Currency), AsOf: r.BalanceAsOf, Closed: r.Closed, Gone: r.Gone,
		Bank: Bank{
			ConnectionID: r.ConnectionID, Provider: r.Provider, Name: r.Bank, Status: r.Status, Cause: r.Cause,
			StatusSince: r.StatusSince, LastSuccessAt: r.LastSuccessAt, ConsentEnds: r.ConsentExpiresAt,
			Questions: r.Questions,
		},
	}
}

// transactionSelect begins every read of transactions; conditions follow it.
const transactionSelect = `
	SELECT t.id, t.account_id, t.status, t.booked_on, t.happened_at, t.amount_minor, t.currency, t.payee, t.description,
		t.category, t.kind, t.symbol, t.units, t.unit_price, t.note, t.other_half IS NOT NULL AS own
	FROM transactions t
	WHERE t.user_id = @user`

// counted is Transaction.Counted in SQL.
const counted = `t.status = 'posted' AND t.other_half IS NULL AND t.kind NOT IN ('buy', 'sell', 'reinvest')`

type transactionRow struct {
	ID          uuid.UUID
	AccountID   uuid.UUID
	Status      Status
	BookedOn    time.Time
	HappenedAt  time.Time
	AmountMinor int64
	Currency    string
	Payee       string
	Description string
	Category    string
	Kind        string
	Symbol      string
	Units       *decimal.Decimal
	UnitPrice   *decimal.Decimal
	Note        string
	Own         bool
}

// scanTransaction reads a row of transactionSelect. A list is mostly this: what finds fields by name and reads ids and
// names of a type through text takes more than twice as long, a tenth of the whole page.
func scanTransaction(row pgx.CollectableRow) (r transactionRow, err error) {
	err = row.Scan((*[16]byte)(&r.ID), (*[16]byte)(&r.AccountID), (*string)(&r.Status), &r.BookedOn, &r.HappenedAt, &r.AmountMinor,
		&r.Currency, &r.Payee, &r.Description, &r.Category, &r.Kind, &r.Symbol, &r.Units, &r.UnitPrice, &r.Note, &r.Own)
	return r, err
}

// transaction is the row's, with the name of its account among accounts.
func (r transactionRow) transaction(accounts []accountRow) Transaction {
	var on accountRow
	if i := slices.IndexFunc(accounts, func(a accountRow) bool { return a.ID == r.AccountID }); i >= 0 {
		on = accounts[i]
	}
	return Transaction{
		ID: r.ID, AccountID: r.AccountID, AccountName: on.Name, AccountMask: on.Mask,
		Status: r.Status, BookedOn: r.BookedOn, HappenedAt: r.HappenedAt, Amount: money.Amount{Minor: r.AmountMinor, Currency: r.Currency},
		Payee: r.Payee, Description: r.Description, Category: r.Category, Kind: r.Kind, Symbol: r.Symbol,
		Units: r.Units, UnitPrice: r.UnitPrice, Note: r.Note, Own: r.Own,
	}
}

func amountOf(minor *int64, currency string) *money.Amount {
	if minor == nil {
		return nil
	}
	return &money.Amount{Minor: *minor, Currency: currency}
}
