package ledger_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"dashtam/services/errs"
	"dashtam/services/ledger"
	"dashtam/services/money"
)

func TestTransactions_Filters(t *testing.T) {
	b := newBundle(t)
	rent, cafe := posted("Rent", 2, -120_000), posted("Café Lisboa", 9, -450)
	rent.Description, cafe.Category = "STANDING ORDER 17", "Eating out"
	yen := posted("Ramen", 12, 0)
	yen.Amount = money.Amount{Minor: -1_200, Currency: "JPY"}
	percent := posted("100 %_off\\", 15, -1)
	b.apply(
		checking(0, posted("Employer", 1, 300_000), rent, cafe, pending("Hotel", 20, -30_000)),
		account("sav", ledger.Savings, 0, yen, percent),
	)
	if err := b.service.SetNote(t.Context(), b.who, b.list(ledger.Terms{Text: "Lisboa"})[0].ID, "birthday of Ana"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		terms ledger.Terms
		want  []string
	}{
		{ledger.Terms{Account: b.standing("sav").ID.String()}, []string{`100 %_off\`, "Ramen"}},
		{ledger.Terms{From: "2026-11-09", To: "2026-11-12"}, []string{"Ramen", "Café Lisboa"}},
		{ledger.Terms{From: "2026-11-15"}, []string{"Hotel", `100 %_off\`}},
		{ledger.Terms{To: "2026-11-01"}, []string{"Employer"}},
		{ledger.Terms{Text: "lisBOA"}, []string{"Café Lisboa"}},
		{ledger.Terms{Text: "standing order"}, []string{"Rent"}},
		{ledger.Terms{Text: "eating"}, []string{"Café Lisboa"}},
		{ledger.Terms{Text: "ana"}, []string{"Café Lisboa"}},
		{ledger.Terms{Text: " 4.50 "}, []string{"Café Lisboa"}},
		{ledger.Terms{Text: "−1200"}, []string{"Ramen", "Rent"}},
		{ledger.Terms{Text: "%_o"}, []string{`100 %_off\`}},
		{ledger.Terms{Text: `\`}, []string{`100 %_off\`}},
		{ledger.Terms{Text: "%"}, []string{`100 %_off\`}},
		{ledger.Terms{Text: "' OR true --"}, nil},
		{ledger.Terms{Min: "1200"}, []string{"Ramen", "Rent", "Employer"}},
		{ledger.Terms{Min: "4.5", Max: "300"}, []string{"Hotel", "Café Lisboa"}},
		{ledger.Terms{Max: "-300"}, []string{"Hotel", "Ramen", "Rent"}},
		{ledger.Terms{Min: "-5", Max: "0"}, []string{`100 %_off\`, "Café Lisboa"}},
		{ledger.Terms{Flow: "in"}, []string{"Employer"}},
		{ledger.Terms{Flow: "out", Min: "1000"}, []string{"Ramen", "Rent"}},
		{ledger.Terms{Status: "pending"}, []string{"Hotel"}},
		{ledger.Terms{Status: "posted", From: "2026-11-10"}, []string{`100 %_off\`, "Ramen"}},
	} {
		var got []string
		for _, tx := range b.list(c.terms) {
			got = append(got, tx.Payee)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %q, want %q", c.terms, got, c.want)
		}
	}
}

func TestTransactions_TotalsAndDays(t *testing.T) {
	b := newBundle(t)
	october := posted("Early", 1, -7_000)
	october.BookedOn = day(10, 30)
	euro := posted("Wine", 9, 0)
	euro.Amount = money.Amount{Minor: -900, Currency: "EUR"}
	b.apply(checking(0, october, posted("Employer", 9, 300_000), posted("Grocer", 9, -1_000), pending("Hotel", 9, -30_000), euro))

	p := b.page(ledger.Terms{})
	if len(p.Totals) != 2 || p.Totals[0].In != usd(300_000) || p.Totals[0].Out != usd(-1_000) || p.Totals[0].Count != 3 || p.Totals[1].Out != euro.Amount {
		t.Errorf("without a filter the totals are of the month: %+v", p.Totals)
	}
	if len(p.Days) != 3 || p.Days[0].Total != (money.Amount{Minor: -900, Currency: "EUR"}) || p.Days[1].Total != usd(299_000) || p.Days[2].Total != usd(-7_000) {
		t.Errorf("days: %+v", p.Days)
	}
	p = b.page(ledger.Terms{Flow: "out"})
	if len(p.Totals) != 2 || p.Totals[0].Out != usd(-8_000) || p.Totals[0].In != usd(0) || p.Totals[0].Count != 3 {
		t.Errorf("with a filter they are of what matches: %+v", p.Totals)
	}
	if len(p.Accounts) != 1 {
		t.Errorf("accounts: %+v", p.Accounts)
	}
}

// A day that two pages share is summed whole on both.
func TestTransactions_DaySumsOfASharedDay(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(0, posted("a", 9, -1), posted("b", 9, -2), posted("c", 9, -4)))
	first := b.page(ledger.Terms{Limit: "2"})
	second := b.page(ledger.Terms{Limit: "2", Cursor: first.Next.String()})
	for i, p := range []ledger.Page{first, second} {
		if len(p.Days) != 1 || p.Days[0].Total != usd(-7) {
			t.Errorf("page %d: %+v", i, p.Days)
		}
	}
}

// Keyset paging shows everything that was there exactly once, also while transactions arrive on top and in between.
func TestTransactions_PagingUnderInserts(t *testing.T) {
	b := newBundle(t)
	var all []ledger.BankTransaction
	for i := range 53 {
		all = append(all, posted(fmt.Sprintf("old %02d", i), 1+i/6, -int64(i)-1))
	}
	b.apply(checking(0, all...))
	seen := map[uuid.UUID]int{}
	old := 0
	terms := ledger.Terms{Limit: "7"}
	for page := 0; ; page++ {
		p := b.page(terms)
		for _, tx := range p.Transactions {
			seen[tx.ID]++
			if strings.HasPrefix(tx.Payee, "old") {
				old++
			}
		}
		if p.Next.IsZero() {
			break
		}
		terms.Cursor = p.Next.String()
		all = append(all, posted(fmt.Sprintf("new %02d top", page), 23, -5), posted(fmt.Sprintf("new %02d deep", page), 3, -5))
		b.apply(checking(0, all...))
	}
	if old != 53 {
		t.Errorf("%d of 53 were shown", old)
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s was shown %d times", id, times)
		}
	}
}

func TestTransactions_LastPageHasNoNext(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(0, posted("a", 1, 1), posted("b", 2, 1)))
	if p := b.page(ledger.Terms{Limit: "2"}); !p.Next.IsZero() || len(p.Transactions) != 2 {
		t.Errorf("got %+v", p.Next)
	}
}

func TestTerms_SentencesPerField(t *testing.T) {
	for field, terms := range map[string]ledger.Terms{
		"from":   {From: "24.11.2026"},
		"to":     {From: "2026-11-24", To: "2026-11-23"},
		"q":      {Text: strings.Repeat("x", 101)},
		"min":    {Min: "1e9"},
		"max":    {Min: "5", Max: "4"},
		"flow":   {Flow: "sideways"},
		"status": {Status: "lost"},
		"cursor": {Cursor: "page2"},
		"limit":  {Limit: "201"},
	} {
		_, err := terms.Query()
		if got := slices.Collect(maps.Keys(errs.FieldsOf(err))); errs.KindOf(err) != errs.Invalid || !slices.Equal(got, []string{field}) {
			t.Errorf("%+v: got %v with fields %v, want %s", terms, err, got, field)
		}
	}
	for _, odd := range []ledger.Terms{{Text: "a\x00b"}, {Text: "\xff"}, {From: "0001-01-01"}, {To: "9999-12-31"}, {Min: "NaN"}, {Max: "1.2.3"}, {Limit: "0"}, {Limit: "-1"}} {
		if _, err := odd.Query(); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%+v: got %v", odd, err)
		}
	}
	if _, err := (ledger.Terms{Account: "7"}).Query(); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("an id of the wrong form: %v", err)
	}
	if q, err := (ledger.Terms{}).Query(); err != nil || q.Filtered() {
		t.Errorf("nothing asked: %+v, %v", q, err)
	}
	if q, err := (ledger.Terms{Limit: "5"}).Query(); err != nil || q.Filtered() {
		t.Errorf("a page is no filter: %+v, %v", q, err)
	}
	if q, err := (ledger.Terms{Text: "x"}).Query(); err != nil || !q.Filtered() {
		t.Errorf("a text is one: %+v, %v", q, err)
	}
}

// Whatever stands in the URL, it is either a query PostgreSQL can answer or a sentence.
func FuzzTerms(f *testing.F) {
	f.Add("", "", "", "", "", "", "", "")
	f.Add("2026-11-24", "2026-11-25", "café", "12.34", "-5", "in", "posted", "50")
	f.Add("2026-02-30", "0000-00-00", "%_\\'\"", "1e400", "−7", "out ", "Pending", "999999999999999999999")
	f.Add("2026-11-24", "", "\u202e\xff\x00", ".", "-", "IN", "posted", "-1")
	f.Fuzz(func(t *testing.T, from, to, text, low, high, flow, status, limit string) {
		q, err := ledger.Terms{From: from, To: to, Text: text, Min: low, Max: high, Flow: flow, Status: status, Limit: limit}.Query()
		if err != nil {
			if errs.KindOf(err) != errs.Invalid || len(errs.FieldsOf(err)) == 0 {
				t.Fatalf("got %v, want Invalid with a sentence per field", err)
			}
			return
		}
		if strings.ContainsRune(q.Text, 0) || q.Limit < 0 || q.Limit > ledger.MostPerPage {
			t.Fatalf("let through %+v", q)
		}
		if q.Min != nil && (q.Min.Exponent() > 0 || len(q.Min.String()) > 30) {
			t.Fatalf("%q became %s", low, q.Min)
		}
	})
}

// A cursor that is accepted names exactly one place, and its own text names the same one.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(ledger.Cursor{Day: day(11, 24), ID: uuid.New()}.String())
	f.Add(ledger.Cursor{Day: day(11, 24)}.String() + "\n")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ledger.Terms{Cursor: s}.Query()
		if err != nil {
			if errs.FieldsOf(err)["cursor"] == "" {
				t.Fatalf("got %v", err)
			}
			return
		}
		if again, err := (ledger.Terms{Cursor: q.After.String()}).Query(); err != nil || again.After != q.After {
			t.Fatalf("%q is %+v, whose text is %+v (%v)", s, q.After, again.After, err)
		}
	})
}
