package ledger

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"dashtam/services/errs"
	"dashtam/services/money"
)

const (
	// mostMinor bounds an amount so that no sum of a person's history can overflow: ten trillion of a currency with cents.
	mostMinor = 1_000_000_000_000_000
	// longestText bounds what a bank may call anything, in characters; longestID an id, which is never cut but refused.
	longestText, longestID = 300, 256
)

var (
	errNoID         = errs.New(errs.Invalid, "The bank sent an account, holding or transaction without a usable id.")
	errAmount       = errs.New(errs.Invalid, "The bank sent an amount beyond reason.")
	errCurrency     = errs.New(errs.Invalid, "The bank sent an amount without a currency we know.")
	errDate         = errs.New(errs.Invalid, "The bank sent a date beyond reason.")
	errStatus       = errs.New(errs.Invalid, "The bank sent a transaction that is neither pending nor posted.")
	errNoConnection = errs.New(errs.Invalid, "There is nothing to apply without a connection.")
)

// check refuses what cannot be true. Reason is wide on purpose: it guards the arithmetic, not the bank's manners.
func (b Batch) check() error {
	if b.ConnectionID == uuid.Nil {
		return errNoConnection
	}
	for _, a := range b.Accounts {
		if err := a.check(); err != nil {
			return err
		}
	}
	return nil
}

func (a BankAccount) check() error {
	if err := first(checkID(a.ExternalID), checkAmount(&a.Balance), checkAmount(a.Available), checkAmount(a.Limit), checkDate(a.BalanceAsOf)); err != nil {
		return err
	}
	for _, h := range a.Holdings {
		if err := first(checkID(h.ExternalID), checkAmount(&h.Value), checkAmount(h.CostBasis), checkDate(h.AsOf)); err != nil {
			return err
		}
	}
	for _, t := range a.Transactions {
		if err := t.check(); err != nil {
			return err
		}
	}
	return nil
}

func (t BankTransaction) check() error {
	if t.Status != Pending && t.Status != Posted {
		return errStatus
	}
	return first(checkID(t.ExternalID), checkAmount(&t.Amount), checkDate(t.BookedOn), checkDate(t.HappenedAt))
}

func checkID(id string) error {
	if id == "" || len(id) > longestID || id != clean(id) {
		return errNoID
	}
	return nil
}

func checkAmount(a *money.Amount) error {
	switch {
	case a == nil:
		return nil
	case !money.ValidCurrency(a.Currency):
		return errCurrency
	case a.Minor > mostMinor || a.Minor < -mostMinor:
		return errAmount
	}
	return nil
}

func checkDate(t time.Time) error {
	if t.Year() < 1900 || t.Year() > 2200 {
		return errDate
	}
	return nil
}

func first(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

// clean makes text storable without changing what can be: PostgreSQL holds neither NUL nor broken UTF-8. Everything else
// stays to the letter, hostile or not; making it harmless is the work of whoever shows it (XS-1).
func clean(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) <= longestText {
		return s
	}
	if r := []rune(s); len(r) > longestText {
		return string(r[:longestText])
	}
	return s
}

// clean copies the batch with clean texts and known kinds. An account or holding said twice counts once, the last time.
func (b Batch) clean() Batch {
	accounts := make([]BankAccount, len(b.Accounts))
	for i, a := range b.Accounts {
		if !a.Kind.known() {
			a.Kind = Other
		}
		a.Name, a.Mask = clean(a.Name), clean(a.Mask)
		a.Holdings = cleanHoldings(a.Holdings)
		accounts[i] = a
	}
	b.Accounts = lastOf(accounts, func(a BankAccount) string { return a.ExternalID })
	return b
}

func cleanHoldings(holdings []BankHolding) []BankHolding {
	if holdings == nil {
		return nil
	}
	cleaned := make([]BankHolding, len(holdings))
	for i, h := range holdings {
		h.Symbol, h.Name = clean(h.Symbol), clean(h.Name)
		cleaned[i] = h
	}
	return lastOf(cleaned, func(h BankHolding) string { return h.ExternalID })
}

// clean is the transaction with clean texts.
func (t BankTransaction) clean() BankTransaction {
	t.ReferenceID, t.Payee, t.Description, t.Category = clean(t.ReferenceID), clean(t.Payee), clean(t.Description), clean(t.Category)
	t.Kind, t.Symbol = clean(t.Kind), clean(t.Symbol)
	return t
}

// lastOf keeps the last of those that share a key, in the order the keys first came.
func lastOf[T any](list []T, key func(T) string) []T {
	at := make(map[string]int, len(list))
	kept := list[:0:0]
	for _, item := range list {
		if i, ok := at[key(item)]; ok {
			kept[i] = item
			continue
		}
		at[key(item)] = len(kept)
		kept = append(kept, item)
	}
	return kept
}

func (k Kind) known() bool {
	switch k {
	case Checking, Savings, CD, Card, Mortgage, Loan, Brokerage, Retirement, Other:
		return true
	}
	return false
}
