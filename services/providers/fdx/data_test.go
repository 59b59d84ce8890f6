package fdx_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/ledger"
	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
)

var from, to = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

// reader is a bank, its adapter and a token that the bank takes.
type reader struct {
	*testing.T
	bank  *banktest.Bank
	p     providers.Provider
	token encryption.Secret
}

func newReader(t *testing.T) *reader {
	t.Helper()
	r := &reader{T: t, bank: banktest.New(t)}
	r.p = r.bank.Provider()
	g, err := exchange(t, r.bank, r.p)
	if err != nil {
		t.Fatal(err)
	}
	r.token = g.Access
	return r
}

func (r *reader) accounts() []ledger.BankAccount {
	r.Helper()
	list, err := r.p.Data.Accounts(r.Context(), r.token)
	if err != nil {
		r.Fatal(err)
	}
	return list
}

// transactions walks through all pages.
func (r *reader) transactions() (all providers.Page, err error) {
	var walk providers.Walk
	for {
		p, err := r.p.Data.Transactions(r.Context(), r.token, providers.Account{ID: "chk", Currency: "USD"}, from, to, all.Next)
		if err != nil {
			return all, err
		}
		ids := make([]string, len(p.Transactions))
		for i, t := range p.Transactions {
			ids[i] = t.ExternalID
		}
		all.Transactions, all.Next = append(all.Transactions, p.Transactions...), p.Next
		if err := walk.Read(p.Next, ids); err != nil || p.Next == "" {
			return all, err
		}
	}
}

func TestAccounts_Kinds(t *testing.T) {
	r := newReader(t)
	r.bank.Accounts = []string{
		`{"accountCategory":"DEPOSIT_ACCOUNT","accountId":"a","accountType":"SAVINGS","accountNumberDisplay":"xxxx-1234","nickname":"Rainy days","productName":"Saver","currency":{"currencyCode":"EUR"},"currentBalance":"1234.5","availableBalance":1234.50}`,
		`{"accountCategory":"LOC_ACCOUNT","accountId":"b","accountType":"CREDITCARD","currency":{"currencyCode":"USD"},"currentBalance":84.27,"availableCredit":4915.73,"creditLine":5000}`,
		`{"accountCategory":"LOC_ACCOUNT","accountId":"overpaid","accountType":"CREDITCARD","currency":{"currencyCode":"USD"},"currentBalance":-5}`,
		`{"accountCategory":"LOAN_ACCOUNT","accountId":"c","accountType":"MORTGAGE","currency":{"currencyCode":"USD"},"principalBalance":200000.00}`,
		`{"accountCategory":"INVESTMENT_ACCOUNT","accountId":"d","accountType":"IRA","currency":{"currencyCode":"USD"},"currentValue":1000.005,"availableCashBalance":10,
			"holdings":[{"holdingId":"h1","symbol":"ACME","holdingName":"Acme Fund","units":1.234567,"currentUnitPrice":801.9,"marketValue":990.005,"costBasis":500}]}`,
		`{"depositAccount":{"accountCategory":"DEPOSIT_ACCOUNT","accountId":"v5","accountType":"CHECKING","currency":{"currencyCode":"JPY"},"currentBalance":1500,"status":"CLOSED"}}`,
		`{"accountCategory":"DEPOSIT_ACCOUNT","accountId":"kwd","accountType":"OTHER","currency":{"currencyCode":"KWD"},"currentBalance":1.234}`,
	}
	for i, want := range []struct {
		id      string
		kind    ledger.Kind
		balance string
		name    string
		mask    string
	}{
		{"a", ledger.Savings, "1234.50 EUR", "Rainy days", "1234"}, {"b", ledger.Card, "-84.27 USD", "", ""}, {"overpaid", ledger.Card, "5.00 USD", "", ""},
		{"c", ledger.Mortgage, "-200000.00 USD", "", ""}, {"d", ledger.Retirement, "1000.01 USD", "", ""}, {"v5", ledger.Checking, "1500 JPY", "", ""},
		{"kwd", ledger.Other, "1.234 KWD", "", ""},
	} {
		got := r.accounts()[i]
		if got.ExternalID != want.id || got.Kind != want.kind || got.Balance.String()+" "+got.Balance.Currency != want.balance || got.Name != want.name || got.Mask != want.mask {
			t.Errorf("account %d: %+v, want %+v", i, got, want)
		}
	}
	list := r.accounts()
	if h := list[4].Holdings; len(h) != 1 || h[0].Quantity.String() != "1.234567" || h[0].Value.Minor != 99001 || h[0].Price.String() != "801.9" || h[0].CostBasis.Minor != 50000 {
		t.Errorf("holdings %+v", h)
	}
	if list[0].Holdings != nil || !list[5].Closed || list[1].Limit.Minor != 500000 || list[1].Available.Minor != 491573 {
		t.Error("holdings of a savings account, an open closed account, or no credit line")
	}
}

// Break OA-22: services/providers/fdx/mapping.go: in signed, do not turn the sign of a DEBIT
func TestTransactions_OA22_SignsAndStates(t *testing.T) {
	r := newReader(t)
	r.bank.Moves["chk"] = []string{
		`{"transactionId":"1","postedTimestamp":"2026-11-20T23:30:00-05:00","transactionTimestamp":"2026-11-19T10:00:00Z","debitCreditMemo":"DEBIT","status":"POSTED","amount":12.34,"payee":"Shop","description":"SHOP 1","category":"Groceries"}`,
		`{"transactionId":"2","postedTimestamp":"2026-11-20","debitCreditMemo":"CREDIT","status":"POSTED","amount":"1000.00","description":"SALARY"}`,
		`{"transactionId":"3","transactionTimestamp":"2026-11-22T10:00:00Z","debitCreditMemo":"DEBIT","status":"PENDING","amount":-1.5}`,
		`{"depositTransaction":{"transactionId":"4","referenceTransactionId":"3","postedTimestamp":"2026-11-24T00:00:00Z","debitCreditMemo":"DEBIT","status":"POSTED","amount":1.50}}`,
		`{"transactionId":"5","transactionTimestamp":"2026-11-22T10:00:00Z","status":"CANCELED","amount":1}`,
		`{"transactionId":"6","postedTimestamp":"2026-11-22T10:00:00Z","status":"POSTED","amount":-2.5e1,"transactionType":"PURCHASED","symbol":"ACME","units":2,"unitPrice":12.5}`,
	}
	got, err := r.transactions()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range got.Transactions {
		lines = append(lines, fmt.Sprint(m.ExternalID, m.ReferenceID, " ", m.Status, " ", m.BookedOn.Format(time.DateOnly), " ", m.Amount, " ", m.Payee, m.Kind))
	}
	want := []string{
		"1 posted 2026-11-20 -12.34 Shop", "2 posted 2026-11-20 1000.00 SALARY", "3 pending 2026-11-22 -1.50 ",
		"43 posted 2026-11-24 -1.50 ", "6 posted 2026-11-22 -25.00 buy",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if q := r.bank.Queries()[0]; q.Get("startTime") != "2026-11-01" || q.Get("endTime") != "2026-11-25" {
		t.Errorf("asked for %v", q)
	}
}

// Break XS-1: services/providers/fdx/mapping.go: trim the payee
func TestTransactions_XS1_TextsUnchanged(t *testing.T) {
	r := newReader(t)
	const naughty = ` <script>alert(1)</script>` + "\u202e\u0000" + `=cmd|' /C calc'!A0 \`
	r.bank.Moves["chk"] = []string{`{"transactionId":"1","postedTimestamp":"2026-11-20","amount":1,"status":"POSTED","payee":` + quoted(naughty) + `,"description":` + quoted(naughty) + `}`}
	got, err := r.transactions()
	if err != nil || got.Transactions[0].Payee != naughty || got.Transactions[0].Description != naughty {
		t.Errorf("%q, %v", got.Transactions, err)
	}
}

func quoted(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(fmt.Sprintf("%q", s), `\x00`, `\u0000`), `\u202e`, "\u202e")
}

// pages scripts the listing of transactions: next gives the part after the items for each request.
func (r *reader) pages(next func(request int, req *http.Request) string) *int {
	n := new(int)
	r.bank.API = func(w http.ResponseWriter, req *http.Request) {
		*n++
		banktest.Raw(w, next(*n, req))
	}
	return n
}

func move(id any) string {
	return fmt.Sprintf(`{"transactionId":"%v","postedTimestamp":"2026-11-20","status":"POSTED","amount":1}`, id)
}

// Break OA-22: services/providers/fdx/data.go: in page, leave NextOffset out
func TestPages_OA22_Followed(t *testing.T) {
	for name, next := range map[string]func(int) string{
		"page keys": func(n int) string { return fmt.Sprintf(`"page":{"nextPageKey":"k%d"}`, n) },
		"offsets":   func(n int) string { return fmt.Sprintf(`"page":{"nextOffset":%d}`, n) },
		"links": func(n int) string {
			return fmt.Sprintf(`"links":{"next":{"href":"/accounts/chk/transactions?x=%d"}}`, n)
		},
		"rooted links": func(n int) string {
			return fmt.Sprintf(`"links":{"next":{"href":"/fdx/v6/accounts/chk/transactions?x=%d"}}`, n)
		},
		"an empty middle": func(n int) string { return fmt.Sprintf(`"page":{"nextPageKey":"k%d"}`, n) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(t)
			asked := r.pages(func(n int, _ *http.Request) string {
				switch {
				case n == 3:
					return `{"transactions":[` + move(3) + `]}`
				case n == 2 && name == "an empty middle":
					return `{"transactions":[],` + next(n) + `}`
				}
				return `{"transactions":[` + move(n) + `],` + next(n) + `}`
			})
			got, err := r.transactions()
			want := map[bool]int{true: 2, false: 3}[name == "an empty middle"]
			if err != nil || len(got.Transactions) != want || *asked != 3 {
				t.Errorf("%d transactions in %d requests, %v", len(got.Transactions), *asked, err)
			}
		})
	}
}

// Break OA-16: services/providers/fdx/data.go: in link, drop sameOrigin
func TestPages_OA16_ForeignLinks(t *testing.T) {
	for _, href := range []string{
		"https://evil.example/fdx/v6/accounts", "//evil.example/fdx/v6/x", "http://user@HOST/fdx/v6/x", "http://HOST/other", "http://HOST:1/fdx/v6/x",
		"ftp://HOST/fdx/v6/x", "http://HOST/fdx/v6.evil/x", "http://evil.example\\@HOST/fdx/v6/x",
	} {
		r := newReader(t)
		href = strings.ReplaceAll(href, "HOST", strings.TrimPrefix(r.bank.URL, "http://"))
		asked := r.pages(func(int, *http.Request) string {
			return `{"transactions":[],"links":{"next":{"href":` + quoted(href) + `}}}`
		})
		_, err := r.transactions()
		if f := providers.FailureOf(err); f == nil || f.Code != "foreign_link" || *asked != 1 {
			t.Errorf("%s: %v after %d requests, want foreign_link after one", href, err, *asked)
		}
	}
}

// Of a whole account number a keyed hash is kept, by which the account is known under another id; of a masked one nothing.
func TestAccounts_NumberHash(t *testing.T) {
	r := newReader(t)
	numbered := func(id, number string) string {
		return `{"accountCategory":"DEPOSIT_ACCOUNT","accountId":"` + id + `","accountType":"CHECKING","accountNumber":` + number + `,"currency":{"currencyCode":"USD"},"currentBalance":1}`
	}
	r.bank.Accounts = []string{numbered("a", `"DE02 1203 0000 0000 2020 51"`), numbered("b", `"de02120300000000202051"`), numbered("c", `12345678`), numbered("d", `"****4321"`), numbered("e", `null`)}
	list := r.accounts()
	if len(list) != 5 || len(list[0].NumberHash) != 32 || !bytes.Equal(list[0].NumberHash, list[1].NumberHash) || bytes.Equal(list[0].NumberHash, list[2].NumberHash) {
		t.Fatalf("%+v", list)
	}
	if list[3].NumberHash != nil || list[4].NumberHash != nil {
		t.Error("what is masked or missing has a hash")
	}
	if strings.Contains(fmt.Sprintf("%+v", list), "202051") {
		t.Error("the number itself is kept")
	}
}
