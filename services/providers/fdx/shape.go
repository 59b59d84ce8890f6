package fdx

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// The parts of FDX that are read. Every field is the bank's word; nothing here is checked yet.

type page struct {
	NextOffset  flexible `json:"nextOffset"`
	NextPageKey flexible `json:"nextPageKey"`
}

type links struct {
	Next struct {
		Href string `json:"href"`
	} `json:"next"`
}

type account struct {
	AccountID            string    `json:"accountId"`
	AccountCategory      string    `json:"accountCategory"`
	AccountType          string    `json:"accountType"`
	AccountNumberDisplay string    `json:"accountNumberDisplay"`
	AccountNumber        flexible  `json:"accountNumber"` // whole; few banks give it
	ProductName          string    `json:"productName"`
	Nickname             string    `json:"nickname"`
	Status               string    `json:"status"`
	Currency             currency  `json:"currency"`
	CurrentBalance       number    `json:"currentBalance"`
	PrincipalBalance     number    `json:"principalBalance"`
	CurrentValue         number    `json:"currentValue"`
	AvailableBalance     number    `json:"availableBalance"`
	AvailableCredit      number    `json:"availableCredit"`
	AvailableCash        number    `json:"availableCashBalance"`
	CreditLine           number    `json:"creditLine"`
	BalanceAsOf          string    `json:"balanceAsOf"`
	Holdings             []holding `json:"holdings"`
}

type currency struct {
	Code string `json:"currencyCode"`
}

type holding struct {
	HoldingID       string   `json:"holdingId"`
	SecurityID      string   `json:"securityId"`
	Symbol          string   `json:"symbol"`
	HoldingName     string   `json:"holdingName"`
	Units           number   `json:"units"`
	CurrentPrice    number   `json:"currentUnitPrice"`
	PriceDate       string   `json:"currentUnitPriceDate"`
	MarketValue     number   `json:"marketValue"`
	CostBasis       number   `json:"costBasis"`
	HoldingCurrency currency `json:"currency"`
}

type transaction struct {
	TransactionID          string   `json:"transactionId"`
	ReferenceTransactionID string   `json:"referenceTransactionId"`
	PostedTimestamp        string   `json:"postedTimestamp"`
	TransactionTimestamp   string   `json:"transactionTimestamp"`
	Description            string   `json:"description"`
	DebitCreditMemo        string   `json:"debitCreditMemo"`
	Status                 string   `json:"status"`
	Amount                 number   `json:"amount"`
	Currency               currency `json:"foreignCurrency"`
	Payee                  string   `json:"payee"`
	Category               string   `json:"category"`
	TransactionType        string   `json:"transactionType"`
	Symbol                 string   `json:"symbol"`
	Units                  number   `json:"units"`
	UnitPrice              number   `json:"unitPrice"`
}

// unwrap takes an item out of the object that FDX v5 wraps it in, such as {"depositAccount": {...}}.
func unwrap(raw json.RawMessage, suffix string) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || len(fields) != 1 {
		return raw
	}
	for name, inner := range fields {
		if strings.HasSuffix(name, suffix) {
			return inner
		}
	}
	return raw
}

// flexible is a text that some banks write as a number.
type flexible string

// UnmarshalJSON takes a string, a number or null.
func (f *flexible) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var s string
	if json.Unmarshal(b, &s) == nil {
		*f = flexible(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return errors.New("fdx: neither text nor number")
	}
	*f = flexible(n.String())
	return nil
}

// number is a decimal as the bank wrote it, as a JSON number or a string. It never becomes a float.
type number struct{ *decimal.Decimal }

// The bounds of a number: more digits or a wider exponent is no amount, and decimal would spell it out in memory.
const (
	longestNumber  = 48
	widestExponent = 24
)

// UnmarshalJSON takes a number, a string with a number, an empty string or null.
func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "null" || text == "" {
		return nil
	}
	if len(text) > longestNumber {
		return errNumber
	}
	d, err := decimal.NewFromString(text)
	if err != nil || d.Exponent() > widestExponent || d.Exponent() < -widestExponent {
		return errNumber
	}
	n.Decimal = &d
	return nil
}

var errNumber = errors.New("fdx: not a number")

// instant reads an FDX timestamp, or a date. The date that counts is the one the bank wrote, in its own zone.
func instant(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05-0700", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
