package fdx

import (
	"errors"
	"strings"
	"time"

	"dashtam/services/ledger"
	"dashtam/services/money"
)

// What cannot be mapped. The texts name fields, never values.
var (
	errNoBalance  = errors.New("fdx: an account without a balance")
	errNoAmount   = errors.New("fdx: a transaction without an amount")
	errNoDate     = errors.New("fdx: a transaction without a date")
	errNoCurrency = errors.New("fdx: an account without a currency")
	errBadAmount  = errors.New("fdx: an amount that its currency cannot hold")
)

// kindOf maps FDX's category and type to ours.
func (f account) kindOf() ledger.Kind {
	kind := strings.ToUpper(f.AccountType)
	switch kind {
	case "CHECKING":
		return ledger.Checking
	case "SAVINGS", "MONEYMARKET":
		return ledger.Savings
	case "CD":
		return ledger.CD
	case "CREDITCARD", "CHARGE":
		return ledger.Card
	case "MORTGAGE", "HOMEEQUITYLOAN":
		return ledger.Mortgage
	}
	switch f.AccountCategory {
	case "LOC_ACCOUNT", "LOAN_ACCOUNT":
		return ledger.Loan
	case "INVESTMENT_ACCOUNT":
		if retirement[kind] {
			return ledger.Retirement
		}
		return ledger.Brokerage
	case "ANNUITY_ACCOUNT":
		return ledger.Retirement
	}
	return ledger.Other
}

// retirement lists FDX's account types that are kept for old age.
var retirement = map[string]bool{
	"401A": true, "401K": true, "403B": true, "457B": true, "IRA": true, "ROTH": true, "ROTHIRA": true, "ROTH401K": true,
	"ROLLOVERIRA": true, "ROLLOVER": true, "SEP": true, "SIMPLEIRA": true, "SIMPLE": true, "INHERITEDIRA": true,
	"INHERITEDROTHIRA": true, "KEOGH": true, "PENSION": true, "DEFINEDBENEFIT": true, "PROFITSHARING": true,
	"NONQUALIFIEDPLAN": true, "TRADITIONALIRA": true, "TDA": true, "LIFEINCOMEFUND": true, "RRSP": true,
}

// toLedger maps an account with its balance and holdings. now stands in where the bank gives no time.
func (f account) toLedger(now time.Time) (ledger.BankAccount, error) {
	kind := f.kindOf()
	said := f.CurrentBalance
	if kind.Group() == ledger.Investments && f.CurrentValue.Decimal != nil {
		said = f.CurrentValue
	}
	if said.Decimal == nil {
		said = firstOf(f.PrincipalBalance, f.CurrentValue, f.AvailableBalance)
	}
	switch {
	case said.Decimal == nil:
		return ledger.BankAccount{}, errNoBalance
	case !money.ValidCurrency(f.Currency.Code):
		return ledger.BankAccount{}, errNoCurrency
	}
	balance, err := rounded(said, f.Currency.Code)
	if err != nil {
		return ledger.BankAccount{}, err
	}
	if kind.Group().Debt() { // FDX says what is owed
		*balance = balance.Neg()
	}
	a := ledger.BankAccount{
		ExternalID: f.AccountID, Kind: kind, Name: orElse(f.Nickname, f.ProductName), Mask: mask(f.AccountNumberDisplay),
		Balance: *balance, BalanceAsOf: now, Closed: strings.EqualFold(f.Status, "CLOSED"),
	}
	if at, ok := instant(f.BalanceAsOf); ok {
		a.BalanceAsOf = at
	}
	if a.Available, err = rounded(firstOf(f.AvailableCredit, f.AvailableBalance, f.AvailableCash), f.Currency.Code); err != nil {
		return ledger.BankAccount{}, err
	}
	if a.Limit, err = rounded(f.CreditLine, f.Currency.Code); err != nil {
		return ledger.BankAccount{}, err
	}
	if kind.Group() == ledger.Investments {
		a.Holdings, err = f.holdings(a.BalanceAsOf)
	}
	return a, err
}

func (f account) holdings(asOf time.Time) ([]ledger.BankHolding, error) {
	list := make([]ledger.BankHolding, 0, len(f.Holdings))
	for _, h := range f.Holdings {
		code := orElse(h.HoldingCurrency.Code, f.Currency.Code)
		value, err := rounded(h.MarketValue, code)
		if err != nil {
			return nil, err
		}
		if value == nil {
			return nil, errNoBalance
		}
		cost, err := rounded(h.CostBasis, code)
		if err != nil {
			return nil, err
		}
		b := ledger.BankHolding{
			ExternalID: orElse(h.HoldingID, orElse(h.SecurityID, h.Symbol)), Symbol: h.Symbol, Name: orElse(h.HoldingName, h.Symbol),
			Price: h.CurrentPrice.Decimal, Value: *value, CostBasis: cost, AsOf: asOf,
		}
		if h.Units.Decimal != nil {
			b.Quantity = *h.Units.Decimal
		}
		if at, ok := instant(h.PriceDate); ok {
			b.AsOf = at
		}
		list = append(list, b)
	}
	return list, nil
}

// toLedger maps a transaction of an account in code's currency; ok is false for one that never came to be.
func (f transaction) toLedger(code string) (t ledger.BankTransaction, ok bool, err error) {
	t = ledger.BankTransaction{
		ExternalID: f.TransactionID, ReferenceID: f.ReferenceTransactionID, Status: ledger.Posted,
		Payee: orElse(f.Payee, f.Description), Description: f.Description, Category: f.Category,
		Kind: investmentKind(f.TransactionType), Symbol: f.Symbol, Units: f.Units.Decimal, UnitPrice: f.UnitPrice.Decimal,
	}
	switch strings.ToUpper(f.Status) {
	case "PENDING", "AUTHORIZATION", "MEMO":
		t.Status = ledger.Pending
	case "CANCELED", "CANCELLED", "DECLINED", "DELETED", "VOID":
		return t, false, nil
	}
	if t.Amount, err = f.signed(code); err != nil {
		return t, false, err
	}
	happened, known := instant(f.TransactionTimestamp)
	booked, posted := instant(f.PostedTimestamp)
	switch {
	case !known && !posted:
		return t, false, errNoDate
	case !known:
		happened = booked
	case !posted || t.Status == ledger.Pending:
		booked = happened
	}
	t.BookedOn, t.HappenedAt = booked, happened
	return t, true, nil
}

// signed is the amount from the person's side, exactly: a transaction finer than its currency is refused, not rounded.
// DEBIT takes away and CREDIT brings, on debts too (a purchase by card is a DEBIT). Without either word the amount's own
// sign counts.
func (f transaction) signed(code string) (money.Amount, error) {
	if f.Amount.Decimal == nil {
		return money.Amount{}, errNoAmount
	}
	d := *f.Amount.Decimal
	switch strings.ToUpper(f.DebitCreditMemo) {
	case "DEBIT":
		d = d.Abs().Neg()
	case "CREDIT":
		d = d.Abs()
	}
	a, err := money.Parse(d.String(), code)
	if err != nil {
		return money.Amount{}, errBadAmount
	}
	return a, nil
}

// rounded is a balance or value in its currency. Unlike movements these are results of prices, which banks give finer
// than money; they are rounded half away from zero.
func rounded(n number, code string) (*money.Amount, error) {
	if n.Decimal == nil {
		return nil, nil
	}
	a, err := money.Parse(n.Round(int32(money.Exponent(code))).String(), code)
	if err != nil {
		return nil, errBadAmount
	}
	return &a, nil
}

// investmentKind maps FDX's investment transaction types to the ledger's words; the rest keep FDX's word in lower case.
func investmentKind(kind string) string {
	switch kind = strings.ToUpper(kind); kind {
	case "PURCHASED", "PURCHASETOCOVER", "PURCHASEDTOOPEN", "PURCHASEDTOCLOSE":
		return ledger.Buy
	case "SOLD", "SOLDTOCLOSE", "SOLDTOOPEN":
		return ledger.Sell
	case "REINVESTOFINCOME":
		return ledger.Reinvest
	}
	return strings.ToLower(kind)
}

// mask is the last digits of a masked number, without the bank's own padding.
func mask(display string) string {
	return strings.TrimLeft(display, "*xX•.- ")
}

func firstOf(numbers ...number) number {
	for _, n := range numbers {
		if n.Decimal != nil {
			return n
		}
	}
	return number{}
}

func orElse(text, fallback string) string {
	if text != "" {
		return text
	}
	return fallback
}
