package pages

import (
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"dashtam/services/ledger"
	"dashtam/services/money"
	"dashtam/views/components"
)

// Transactions is one page of the list and the search that led to it.
type Transactions struct {
	ledger.Page
	Terms ledger.Terms      // as they stand in the URL
	Wrong map[string]string // sentences by field, when the terms cannot be used; then there is no list
	Now   time.Time
}

func transactionPath(id uuid.UUID) string { return "/transactions/" + id.String() }

// query is the search as it stands in an address, the page aside.
func (v Transactions) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"account": v.Terms.Account, "from": v.Terms.From, "to": v.Terms.To, "q": v.Terms.Text,
		"min": v.Terms.Min, "max": v.Terms.Max, "flow": v.Terms.Flow, "status": v.Terms.Status,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// with is the address of this search with some of its terms changed; an empty value takes one away.
func (v Transactions) with(path string, pairs ...string) string {
	q := v.query()
	for i := 0; i < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func (v Transactions) here(pairs ...string) string { return v.with("/transactions", pairs...) }

// filtered reports whether the search leaves anything out.
func (v Transactions) filtered() bool { return len(v.query()) > 0 }

// count is how many transactions match, in all currencies.
func (v Transactions) count() int {
	n := 0
	for _, f := range v.Totals {
		n += f.Count
	}
	return n
}

// older is where the next page is, empty at the end.
func (v Transactions) older() string {
	if v.Next.IsZero() {
		return ""
	}
	return v.here("cursor", v.Next.String())
}

// shown is "50 shown, 23 to 18 November".
func (v Transactions) shown() string {
	n := len(v.Transactions)
	if n == 0 {
		return ""
	}
	newest, oldest := v.Transactions[0].BookedOn, v.Transactions[n-1].BookedOn
	span := components.LongDate(newest, v.Now)
	switch {
	case newest.Equal(oldest):
	case newest.Month() == oldest.Month() && newest.Year() == oldest.Year():
		span = newest.Format("2") + " to " + components.LongDate(oldest, v.Now)
	default:
		span += " to " + components.LongDate(oldest, v.Now)
	}
	return components.Count(n) + " shown, " + span
}

// txDay is the transactions of one day with its sums.
type txDay struct {
	Day          time.Time
	Transactions []ledger.Transaction
	Sums         []money.Amount
}

func (v Transactions) byDay() []txDay {
	var days []txDay
	first := 0 // of the day
	for i, t := range v.Transactions {
		if i+1 == len(v.Transactions) || !v.Transactions[i+1].BookedOn.Equal(t.BookedOn) {
			days = append(days, txDay{Day: t.BookedOn, Transactions: v.Transactions[first : i+1], Sums: v.sumsOf(t.BookedOn)})
			first = i + 1
		}
	}
	return days
}

func (v Transactions) sumsOf(day time.Time) []money.Amount {
	var sums []money.Amount
	for _, d := range v.Days {
		if d.Day.Equal(day) && d.Total.Minor != 0 {
			sums = append(sums, d.Total)
		}
	}
	return sums
}

// accountName is the chosen account's name.
func (v Transactions) accountName() string {
	for _, a := range v.Accounts {
		if a.ID.String() == v.Terms.Account {
			return a.Name
		}
	}
	return "One account"
}

// period is a choice of days with a name.
type period struct{ Label, From, To string }

func (v Transactions) periods() []period {
	y, m, d := v.Now.Date()
	day := func(y int, m time.Month, d int) string {
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	return []period{
		{"This month", day(y, m, 1), ""},
		{"Last month", day(y, m-1, 1), day(y, m, 0)},
		{"Last 90 days", day(y, m, d-90), ""},
		{"This year", day(y, 1, 1), ""},
		{"Last year", day(y-1, 1, 1), day(y-1, 12, 31)},
	}
}

// periodLabel is the chosen days in words: "November", "Since 1 Nov", "1 Nov to 12 Nov".
func (v Transactions) periodLabel() string {
	from, _ := time.Parse(time.DateOnly, v.Terms.From)
	to, _ := time.Parse(time.DateOnly, v.Terms.To)
	switch {
	case to.IsZero():
		return "Since " + components.Date(from, v.Now)
	case from.IsZero():
		return "Until " + components.Date(to, v.Now)
	case from.Day() == 1 && to.Equal(from.AddDate(0, 1, -1)):
		return components.MonthName(from, v.Now)
	default:
		return components.Date(from, v.Now) + " to " + components.Date(to, v.Now)
	}
}

// sizeLabel is the chosen amounts in words: "Over 100", "10 to 20".
func (v Transactions) sizeLabel() string {
	low, high := signed(v.Terms.Min), signed(v.Terms.Max)
	switch {
	case high == "":
		return low + " and more"
	case low == "":
		return "Up to " + high
	case low == high:
		return "Exactly " + low
	default:
		return low + " to " + high
	}
}

func signed(s string) string { return strings.Replace(s, "-", "−", 1) }

// set reports whether a filter is in use and can be: what is wrong is asked for again instead.
func (v Transactions) set(fields ...string) bool {
	q, used := v.query(), false
	for _, f := range fields {
		if v.Wrong[f] != "" {
			return false
		}
		used = used || q.Has(f)
	}
	return used
}

// nothing says that no transaction matches, and why perhaps.
func (v Transactions) nothing() (sentence, why string) {
	switch {
	case !v.filtered():
		return "No transactions yet.", "They arrive with the first sync of a bank."
	case v.Terms.Text != "" && len(v.query()) > 1:
		return "No transaction matches.", "Nothing here holds “" + v.Terms.Text + "”. Elsewhere something may."
	case v.Terms.Text != "":
		return "No transaction matches.", "No payee, note, category or amount holds “" + v.Terms.Text + "”."
	default:
		return "No transaction matches.", "Nothing fits all of these filters at once."
	}
}

// Transaction is one transaction with its note.
type Transaction struct {
	ledger.Transaction
	Form Fields // the note: the one that is kept, or as typed when it could not be kept
	Now  time.Time
}

// Title is what the transaction is called.
func (v Transaction) Title() string { return title(v.Transaction) }

// status is what the bank says of it.
func (v Transaction) status() string {
	if v.Status == ledger.Pending {
		return "Pending: it may still change"
	}
	return "Posted"
}
