package ledger

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"dashtam/services/errs"
)

// PageSize is how many transactions a page of the list holds; MostPerPage the most an API call may ask for.
const (
	PageSize    = 50
	MostPerPage = 200
)

// longestTerm bounds a search text, in characters.
const longestTerm = 100

// Terms are a search for transactions as it was typed, or as it stands in a URL: the query of /transactions. Empty
// terms ask for everything.
type Terms struct {
	Account string // an account's id
	From    string // 2006-01-02, included
	To      string // 2006-01-02, included
	Text    string // part of payee, bank's line, category or note; or an amount
	Min     string // smallest amount; sizes are compared, or signed amounts once a bound is negative
	Max     string // largest amount
	Flow    string // "in" or "out"
	Status  string // "pending" or "posted"
	Cursor  string // where the page begins; from Page.Next
	Limit   string // transactions a page
}

// Query is a search that can be carried out. Its zero value asks for the newest page of everything.
type Query struct {
	Account  uuid.UUID // uuid.Nil = all
	From, To time.Time // dates; zero = open
	Text     string
	Min, Max *decimal.Decimal
	Flow     string
	Status   Status
	After    Cursor // zero = from the newest on
	Limit    int    // 0 = PageSize
}

// Query reads the terms. What cannot be used is an Invalid error with a sentence per field, named as in the URL; an
// account id of the wrong form is ErrNotFound, as one of somebody else's is.
func (t Terms) Query() (Query, error) {
	wrong := map[string]string{}
	note := func(field, sentence string) {
		if sentence != "" {
			wrong[field] = sentence
		}
	}
	var q Query
	var sentence string
	if t.Account != "" {
		id, err := uuid.Parse(t.Account)
		if err != nil {
			return Query{}, ErrNotFound
		}
		q.Account = id
	}
	q.From, sentence = parseDay(t.From)
	note("from", sentence)
	q.To, sentence = parseDay(t.To)
	note("to", sentence)
	if !q.From.IsZero() && !q.To.IsZero() && q.To.Before(q.From) {
		note("to", "The last day lies before the first one.")
	}
	q.Text = strings.TrimSpace(t.Text)
	note("q", checkText(q.Text))
	q.Min, sentence = parseBound(t.Min)
	note("min", sentence)
	q.Max, sentence = parseBound(t.Max)
	note("max", sentence)
	if q.Min != nil && q.Max != nil && q.Max.LessThan(*q.Min) {
		note("max", "The largest amount is smaller than the smallest one.")
	}
	q.Flow = t.Flow
	if t.Flow != "" && t.Flow != "in" && t.Flow != "out" {
		note("flow", "This is either in or out.")
	}
	q.Status = Status(t.Status)
	if t.Status != "" && q.Status != Pending && q.Status != Posted {
		note("status", "A transaction is either pending or posted.")
	}
	q.After, sentence = parseCursor(t.Cursor)
	note("cursor", sentence)
	q.Limit, sentence = parseLimit(t.Limit)
	note("limit", sentence)
	return q, errs.Fields(wrong)
}

// Filtered reports whether the query leaves anything out, the page aside.
func (q Query) Filtered() bool {
	q.After, q.Limit = Cursor{}, 0
	return q != Query{}
}

func (q Query) limit() int {
	if q.Limit == 0 {
		return PageSize
	}
	return q.Limit
}

func parseDay(s string) (time.Time, string) {
	if s = strings.TrimSpace(s); s == "" {
		return time.Time{}, ""
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, "This is not a date. Write it like 2026-11-24."
	}
	if checkDate(day) != nil {
		return time.Time{}, "This date is too far away. Choose one between 1900 and 2200."
	}
	return day, ""
}

func checkText(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "This text holds bytes that are not characters."
	case strings.ContainsRune(s, 0):
		return "This text holds a character that cannot be searched for."
	case utf8.RuneCountInString(s) > longestTerm:
		return "This is too long to search for. Use at most 100 characters."
	}
	return ""
}

// parseBound reads an amount as people type it: 100, 12.34, -5. It is compared in whole units of each currency.
func parseBound(s string) (*decimal.Decimal, string) {
	if s = strings.TrimSpace(s); s == "" {
		return nil, ""
	}
	amount, ok := plainDecimal(s)
	if !ok {
		return nil, "This is not an amount. Write it like 12.34."
	}
	return &amount, ""
}

// plainDecimal reads digits with at most one dot and one leading minus (ASCII or the true one), short enough to be an
// amount of money. Exponents, which cost nothing to type and much to expand, are not plain.
func plainDecimal(s string) (decimal.Decimal, bool) {
	s = strings.Replace(s, "−", "-", 1)
	digits := strings.TrimPrefix(s, "-")
	if len(digits) > 20 || strings.Trim(digits, "0123456789.") != "" {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(s)
	return d, err == nil
}

func parseLimit(s string) (int, string) {
	if s == "" {
		return 0, ""
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > MostPerPage {
		return 0, "A page holds between 1 and 200 transactions."
	}
	return n, ""
}
