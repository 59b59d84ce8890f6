package api

import (
	"time"

	"github.com/google/uuid"

	"dashtam/services/connections"
	"dashtam/services/ledger"
	"dashtam/services/money"
)

// list is every list; NextCursor is null on the last page.
type list[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"next_cursor"`
}

// listOf turns each of from into its JSON form. An empty list is [], never null.
func listOf[F, T any](from []F, into func(F) T) list[T] {
	l := list[T]{Data: make([]T, len(from))}
	for i, f := range from {
		l.Data[i] = into(f)
	}
	return l
}

type amount struct {
	Amount   string `json:"amount"` // a decimal, exact
	Currency string `json:"currency"`
}

func amountOf(a money.Amount) amount { return amount{a.String(), a.Currency} }

func amountOrNull(a *money.Amount) *amount {
	if a == nil {
		return nil
	}
	v := amountOf(*a)
	return &v
}

// text is a decimal in writing, null when there is none.
func text[T interface{ String() string }](v *T) *string {
	if v == nil {
		return nil
	}
	s := (*v).String()
	return &s
}

type account struct {
	ID           uuid.UUID `json:"id"`
	ConnectionID uuid.UUID `json:"connection_id"`
	Bank         string    `json:"bank"`
	Name         string    `json:"name"`
	Kind         string    `json:"kind"`
	Mask         string    `json:"mask"`
	Balance      amount    `json:"balance"`
	Available    *amount   `json:"available"`
	Limit        *amount   `json:"limit"`
	AsOf         time.Time `json:"as_of"`
	Closed       bool      `json:"closed"`
}

func accountOf(a ledger.Account) account {
	return account{
		ID: a.ID, ConnectionID: a.Bank.ConnectionID, Bank: a.Bank.Name, Name: a.Name, Kind: string(a.Kind), Mask: a.Mask,
		Balance: amountOf(a.Balance), Available: amountOrNull(a.Available), Limit: amountOrNull(a.Limit), AsOf: a.AsOf.UTC(), Closed: a.Closed,
	}
}

type transaction struct {
	ID          uuid.UUID `json:"id"`
	AccountID   uuid.UUID `json:"account_id"`
	Status      string    `json:"status"`
	Date        string    `json:"date"` // posted; of pending ones the day it happened
	HappenedAt  time.Time `json:"happened_at"`
	Amount      amount    `json:"amount"`
	Payee       string    `json:"payee"`
	Description string    `json:"description"`
	Category    string    `json:"category"`
	Note        string    `json:"note"`
	Transfer    bool      `json:"transfer"` // half of a move between the person's own accounts
	Kind        string    `json:"kind"`     // investments: buy, sell, dividend, ...
	Symbol      string    `json:"symbol"`
	Units       *string   `json:"units"`
	UnitPrice   *string   `json:"unit_price"`
}

func transactionOf(t ledger.Transaction) transaction {
	return transaction{
		ID: t.ID, AccountID: t.AccountID, Status: string(t.Status), Date: t.BookedOn.Format(time.DateOnly), HappenedAt: t.HappenedAt.UTC(),
		Amount: amountOf(t.Amount), Payee: t.Payee, Description: t.Description, Category: t.Category, Note: t.Note, Transfer: t.Own,
		Kind: t.Kind, Symbol: t.Symbol, Units: text(t.Units), UnitPrice: text(t.UnitPrice),
	}
}

type holding struct {
	AccountID uuid.UUID `json:"account_id"`
	Symbol    string    `json:"symbol"`
	Name      string    `json:"name"`
	Quantity  string    `json:"quantity"`
	Price     *string   `json:"price"`
	Value     amount    `json:"value"`
	CostBasis *amount   `json:"cost_basis"`
	AsOf      time.Time `json:"as_of"`
}

func holdingOf(h ledger.Holding) holding {
	return holding{
		AccountID: h.AccountID, Symbol: h.Symbol, Name: h.Name, Quantity: h.Quantity.String(), Price: text(h.Price),
		Value: amountOf(h.Value), CostBasis: amountOrNull(h.CostBasis), AsOf: h.AsOf.UTC(),
	}
}

type connection struct {
	ID            uuid.UUID  `json:"id"`
	Provider      string     `json:"provider"`
	Name          string     `json:"name"`
	Status        string     `json:"status"`
	Cause         string     `json:"cause"`
	StatusSince   time.Time  `json:"status_since"`
	CreatedAt     time.Time  `json:"created_at"`
	ConsentEnds   *time.Time `json:"consent_ends"`
	LastSuccessAt *time.Time `json:"last_success_at"`
	Accounts      int        `json:"accounts"`
}

func connectionOf(k connections.Connection) connection {
	return connection{
		ID: k.ID, Provider: k.Provider, Name: k.Name, Status: string(k.Status), Cause: k.Cause, StatusSince: k.StatusSince.UTC(),
		CreatedAt: k.CreatedAt.UTC(), ConsentEnds: utc(k.ConsentEnds), LastSuccessAt: utc(k.LastSuccessAt), Accounts: k.Accounts,
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
