package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"dashtam/services/money"
	"dashtam/services/sandbox/books"
)

type fdxTransactions struct {
	Page struct {
		NextOffset, NextPageKey string
		TotalElements           int
	}
	Transactions []struct {
		ID       string `json:"transactionId"`
		Posted   string `json:"postedTimestamp"`
		Happened string `json:"transactionTimestamp"`
		Memo     string `json:"debitCreditMemo"`
		Status   string
		Amount   json.Number
		Payee    string
		Text     string `json:"description"`
	}
}

// Every transaction comes exactly once, by either key, while time goes by and pending ones are posted.
// Break paging: handlers/sandbox/paging.go: let resume keep the instant of now.
func TestPagingCoversEveryTransactionOnce(t *testing.T) {
	b := open(t)
	token := b.connect(b.app(), "ada").AccessToken
	drawn := books.New("ada", noon)
	for _, key := range []string{"pageKey", "offset"} {
		for _, a := range drawn.Accounts(noon) {
			b.now = noon
			want, _ := drawn.Transactions(a.ID, noon)
			seen, sum := map[string]bool{}, int64(0)
			path := "/accounts/" + a.ID + "/transactions?limit=97"
			for next := path; next != ""; {
				var p fdxTransactions
				if res := b.api(token, next, &p); res.StatusCode != http.StatusOK {
					t.Fatalf("%s: %d %s", next, res.StatusCode, res.body)
				}
				if p.Page.TotalElements != len(want) {
					t.Fatalf("%s: %d elements, want %d", next, p.Page.TotalElements, len(want))
				}
				for _, x := range p.Transactions {
					if seen[x.ID] {
						t.Fatalf("%s: %s twice", next, x.ID)
					}
					seen[x.ID] = true
					amount, err := money.Parse(x.Amount.String(), a.Currency)
					if err != nil || amount.Minor < 0 {
						t.Fatalf("amount %s: %v", x.Amount, err)
					}
					if x.Status == "POSTED" && x.Memo == "DEBIT" {
						sum -= amount.Minor
					} else if x.Status == "POSTED" {
						sum += amount.Minor
					}
				}
				next = ""
				if k := p.Page.NextPageKey; k != "" {
					next = path + "&" + key + "=" + k
				}
				b.now = b.now.Add(7 * time.Hour)
			}
			if len(seen) != len(want) || sum != a.Balance.Minor {
				t.Errorf("%s by %s: %d of %d, sum %d, balance %d", a.Product, key, len(seen), len(want), sum, a.Balance.Minor)
			}
		}
	}
}

func TestTransactionsOfAPeriod(t *testing.T) {
	b := open(t)
	token := b.connect(b.app(), "ada").AccessToken
	drawn := books.New("ada", noon)
	account := drawn.Accounts(noon)[2]
	all, _ := drawn.Transactions(account.ID, noon)
	for query, inside := range map[string]func(time.Time) bool{
		"startTime=2026-10-01&endTime=2026-10-31": func(at time.Time) bool { return at.Format("2006-01") == "2026-10" },
		"startTime=2026-11-01T00:00:00Z":          func(at time.Time) bool { return at.Format("2006-01") >= "2026-11" },
		"endTime=2024-01-01":                      func(at time.Time) bool { return at.Format(time.DateOnly) <= "2024-01-01" },
	} {
		want := 0
		for _, x := range all {
			if inside(x.When()) {
				want++
			}
		}
		var p fdxTransactions
		b.api(token, "/accounts/"+account.ID+"/transactions?limit=1000&"+query, &p)
		if want == 0 || len(p.Transactions) != want {
			t.Errorf("%s: %d, want %d", query, len(p.Transactions), want)
		}
	}
	for query, code := range map[string]string{
		"startTime=yesterday": "702", "endTime=2026-13-01": "702", "startTime=2026-02-01&endTime=2026-01-01": "703",
		"limit=0": "400", "limit=x": "400", "pageKey=x": "400", "offset=-1": "400",
	} {
		var e struct{ Code, Message string }
		res := b.api(token, "/accounts/"+account.ID+"/transactions?"+query, &e)
		if res.StatusCode != http.StatusBadRequest || e.Code != code || e.Message == "" {
			t.Errorf("%s: %d %s", query, res.StatusCode, res.body)
		}
	}
}

func TestAccountsInFDXShape(t *testing.T) {
	b := open(t)
	token := b.connect(b.app(), "ada").AccessToken
	var list struct {
		Page     struct{ TotalElements int }
		Accounts []map[string]any
	}
	b.api(token, "/accounts", &list)
	drawn := books.New("ada", noon).Accounts(noon)
	if list.Page.TotalElements != len(drawn) || len(list.Accounts) != len(drawn) {
		t.Fatalf("%d of %d", len(list.Accounts), len(drawn))
	}
	needs := map[string][]string{
		books.Deposit: {"currentBalance", "availableBalance"}, books.Credit: {"currentBalance", "availableCredit", "creditLine"},
		books.Loan: {"principalBalance", "originalPrincipal", "interestRate", "maturityDate"}, books.Investment: {"currentValue", "availableCashBalance", "holdings"},
	}
	for i, a := range list.Accounts {
		if a["accountId"] != drawn[i].ID || a["accountCategory"] != drawn[i].Category || a["nickname"] != drawn[i].Nickname || a["status"] != "OPEN" {
			t.Errorf("%v", a)
		}
		for _, name := range append(needs[drawn[i].Category], "accountNumberDisplay", "currency", "balanceAsOf") {
			if a[name] == nil {
				t.Errorf("%s has no %s", drawn[i].Product, name)
			}
		}
		if n, ok := a["currentBalance"].(float64); ok && drawn[i].Category != books.Deposit && n < 0 {
			t.Errorf("%s: a debt is %v", drawn[i].Product, n)
		}
		var one map[string]any
		if res := b.api(token, "/accounts/"+drawn[i].ID, &one); res.StatusCode != http.StatusOK || fmt.Sprint(one) != fmt.Sprint(a) {
			t.Errorf("%s differs in the list: %v", drawn[i].Product, one)
		}
	}
	var two struct {
		Page     struct{ NextPageKey string }
		Accounts []any
	}
	if b.api(token, "/accounts?limit=2", &two); len(two.Accounts) != 2 || two.Page.NextPageKey == "" {
		t.Errorf("%+v", two)
	}
	for _, path := range []string{"/accounts/acc-none", "/accounts/acc-none/transactions", "/nothing"} {
		if res := b.api(token, path, nil); res.StatusCode != http.StatusNotFound || !strings.Contains(res.body, `"code"`) {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.body)
		}
	}
}

// What a hostile bank sends arrives as it was sent, so that a client can be proved against it.
// Break XS-1: handlers/sandbox/shapes.go: Payee: html.EscapeString(t.Payee)
func TestHostileTextsTravelVerbatim_XS1(t *testing.T) {
	b := open(t)
	token := b.connect(b.app(), "naughty").AccessToken
	drawn := books.New("naughty", noon)
	var list struct{ Accounts []struct{ Nickname string } }
	b.api(token, "/accounts", &list)
	for i, a := range drawn.Accounts(noon) {
		if list.Accounts[i].Nickname != a.Nickname {
			t.Errorf("%q became %q", a.Nickname, list.Accounts[i].Nickname)
		}
	}
	card := drawn.Accounts(noon)[2]
	want, _ := drawn.Transactions(card.ID, noon)
	var p fdxTransactions
	b.api(token, "/accounts/"+card.ID+"/transactions?limit=500", &p)
	for i, x := range p.Transactions {
		if x.Payee != want[i].Payee || x.Text != want[i].Description {
			t.Errorf("%q became %q", want[i].Payee, x.Payee)
		}
	}
}

// Break scopes: handlers/sandbox/fdx.go: let api skip the check of scopes.
func TestScopeMissing(t *testing.T) {
	b := open(t)
	id := books.New("ada", noon).Accounts(noon)[4].ID
	app := b.app()
	app.Scopes = []string{"openid", "fdx:accountbasic:read", "made:up"}
	token := b.connect(app, "ada").AccessToken
	for path, want := range map[string]int{
		"/accounts": http.StatusOK, "/accounts/" + id: http.StatusForbidden, "/accounts/" + id + "/transactions": http.StatusForbidden,
		"/customers/current": http.StatusForbidden,
	} {
		res := b.api(token, path, nil)
		if res.StatusCode != want {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.body)
		}
		if want == http.StatusForbidden && (!strings.Contains(res.body, `"602"`) || !strings.Contains(res.Header.Get("WWW-Authenticate"), "insufficient_scope")) {
			t.Errorf("%s: %s", path, res.body)
		}
	}
	if res := b.api(token, "/accounts", nil); strings.Contains(res.body, "currentBalance") || strings.Contains(res.body, "holdings") {
		t.Errorf("more than was allowed: %s", res.body)
	}
	app.Scopes = []string{"openid", "profile", "fdx:customercontact:read"}
	var c struct {
		CustomerID string
		Name       struct{ First string }
		Accounts   []any
	}
	customer := books.CustomerOf("ada")
	token = b.connect(app, "ada").AccessToken
	if b.api(token, "/customers/current", &c); c.CustomerID != customer.ID || c.Name.First != customer.First || len(c.Accounts) < 8 {
		t.Errorf("%+v", c)
	}
	info := b.do(http.DefaultClient, b.request("GET", "/userinfo", "", "Authorization", "Bearer "+token))
	if !strings.Contains(info.body, customer.ID) || !strings.Contains(info.body, customer.First) || strings.Contains(info.body, customer.Email) {
		t.Errorf("%d %s", info.StatusCode, info.body)
	}
}

func TestTokenMissingOrWrong(t *testing.T) {
	b := open(t)
	token := b.connect(b.app(), "ada").AccessToken
	for _, header := range []string{"", "Bearer", "Bearer x", "Bearer " + token[:len(token)-4], "Basic " + token, "Bearer " + strings.Repeat("A", 200)} {
		res := b.do(http.DefaultClient, b.request("GET", "/fdx/v6/accounts", "", "Authorization", header))
		if res.StatusCode != http.StatusUnauthorized || !strings.Contains(res.Header.Get("WWW-Authenticate"), "invalid_token") || !strings.Contains(res.body, `"401"`) {
			t.Errorf("%q: %d %s", header, res.StatusCode, res.body)
		}
	}
}

func TestFaults(t *testing.T) {
	b := open(t)
	ada, noor := b.connect(b.app(), "Ada").AccessToken, b.connect(b.app(), "noor").AccessToken
	status := func(token string) int { return b.api(token, "/accounts", nil).StatusCode }

	if res := b.post("/faults", url.Values{"fault": {"status"}, "value": {"503"}, "count": {"2"}, "user": {" ada "}}); res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, res.body)
	}
	if got := []int{status(noor), status(ada), status(ada), status(ada)}; fmt.Sprint(got) != "[200 503 503 200]" {
		t.Errorf("%v", got)
	}
	set := func(body string) answered {
		return b.do(http.DefaultClient, b.request("POST", "/faults", body, "Content-Type", "application/json"))
	}
	set(`{"fault":"status","value":429}`)
	set(`{"fault":"latency_ms","value":150,"user":"ada"}`)
	if a, n := status(ada), status(noor); a != 429 || n != 429 {
		t.Errorf("%d and %d", a, n)
	}
	start := time.Now()
	if status(ada); time.Since(start) < 150*time.Millisecond {
		t.Error("no latency")
	}
	if got := b.get("/faults").body; !strings.Contains(got, `"fault":"latency_ms"`) || !strings.Contains(got, `"user":"ada"`) {
		t.Errorf("%s", got)
	}
	set(`{"fault":"none"}`)
	if status(ada) != 200 || strings.Contains(b.get("/faults").body, "status") {
		t.Error("none does not clear")
	}
	for _, bad := range []url.Values{{"fault": {"rotation"}, "value": {"sideways"}}, {"fault": {"mischief"}}, {}, {"fault": {"status"}, "value": {"200"}}, {"fault": {"status"}, "value": {"x"}}, {"fault": {"latency_ms"}, "value": {"1"}, "count": {"0"}}} {
		if res := b.post("/faults", bad); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", bad, res.StatusCode)
		}
	}
}
