package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"dashtam/handlers/handlertest"
)

// reads is every GET of the API; ids are filled in by the tests.
var reads = []string{"/me", "/accounts", "/transactions", "/holdings", "/connections"}

func TestAPI_AP3_NoTokenNoAnswer(t *testing.T) {
	b := newBundle(t)
	browser := b.SignedIn("Nora Okafor")
	stranger := b.stranger()
	withCookie := &client{Browser: browser, t: t, url: b.URL}
	good, u := b.signedIn("Ada Lovelace")
	connection, card := b.connect(u, 1)
	calls := append([]string{"/accounts/" + card.String()}, reads...)
	for _, path := range calls {
		for who, c := range map[string]*client{"stranger": stranger, "cookie": withCookie} {
			got := c.get(path)
			got.problem(http.StatusUnauthorized)
			if got.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s by %s: %v", path, who, got.Header)
			}
		}
		good.get(path).want(http.StatusOK)
		if head := good.send(http.MethodHead, path, "", nil).want(http.StatusOK); head.Body != "" {
			t.Errorf("HEAD %s has a body", path)
		}
	}
	for _, c := range []*client{stranger, withCookie} {
		c.post("/auth/logout", nil).problem(http.StatusUnauthorized)
		c.post("/connections/"+connection.String()+"/sync", nil).problem(http.StatusUnauthorized)
	}
	// A page takes no token.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+"/overview", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+good.access)
	if got := b.Stranger().Send(r); got.Status == http.StatusOK {
		t.Error("a page opens for an API token")
	}
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic " + good.access, good.access, "Bearer " + good.access + " x", "Bearer " + good.fresh} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+"/api/v1/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", header)
		answer{stranger.Send(r), t}.problem(http.StatusUnauthorized)
	}
}

// Break AP-3: api.go: strings.HasSuffix(strings.ToLower(name), "no-such-token").
func TestAPI_AP3_NoTokenInAnAddress(t *testing.T) {
	b := newBundle(t)
	c, _ := b.signedIn("Ada Lovelace")
	stranger := b.stranger()
	for _, name := range []string{"access_token", "token", "Access_Token", "refresh_token"} {
		stranger.get("/me?" + name + "=" + c.access).problem(http.StatusUnauthorized)
		c.get("/me?" + name + "=x").problem(http.StatusUnauthorized)
	}
	if strings.Contains(b.Logged(), c.access) || strings.Contains(b.Logged(), c.fresh) {
		t.Error("a token stands in the log")
	}
}

// Break AZ-2: services/ledger/store.go: WHERE (true OR a.user_id = @user) in accountSelect.
func TestAPI_AZ2_OtherUser(t *testing.T) {
	b := newBundle(t)
	ada, u := b.signedIn("Ada Lovelace")
	eve, _ := b.signedIn("Eve Eavesdropper")
	connection, card := b.connect(u, 3)
	never := uuid.NewString()
	for path, other := range map[string]string{
		"/accounts/" + card.String():             "/accounts/" + never,
		"/transactions?account=" + card.String(): "/transactions?account=" + never,
	} {
		ada.get(path).want(http.StatusOK)
		if mine, missing := eve.get(path).problem(http.StatusNotFound), eve.get(other).problem(http.StatusNotFound); mine.Detail != missing.Detail {
			t.Errorf("%s: somebody else's differs from missing: %q, %q", path, mine.Detail, missing.Detail)
		}
	}
	eve.post("/connections/"+connection.String()+"/sync", nil).problem(http.StatusNotFound)
	eve.post("/connections/"+never+"/sync", nil).problem(http.StatusNotFound)
	for _, path := range reads[1:] {
		if got := strings.TrimSpace(eve.get(path).want(http.StatusOK).Body); got != `{"data":[],"next_cursor":null}` {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestAPI_Invalid(t *testing.T) {
	b := newBundle(t)
	c, _ := b.signedIn("Ada Lovelace")
	for path, field := range map[string]string{
		"/transactions?from=yesterday": "from", "/transactions?to=2026-13-01": "to", "/transactions?limit=0": "limit", "/transactions?limit=201": "limit",
		"/transactions?cursor=x": "cursor", "/transactions?q=%00": "q", "/transactions?q=%ff": "q", "/transactions?min=1e9": "min",
	} {
		if p := c.get(path).problem(http.StatusUnprocessableEntity); p.Fields[field] == "" {
			t.Errorf("%s: %+v", path, p)
		}
	}
	for _, path := range []string{"", "/", "/nothing", "/accounts/1", "/accounts/%00", "/accounts/" + strings.ToUpper("0192f000-0000-7000-8000-00000000000a"), "/me/", "/../me"} {
		c.get(path).problem(http.StatusNotFound)
	}
	c.send(http.MethodDelete, "/me", "", nil).problem(http.StatusMethodNotAllowed)
	c.send(http.MethodGet, "/auth/login", "", nil).problem(http.StatusMethodNotAllowed)
}

func TestAPI_Bodies(t *testing.T) {
	c := newBundle(t).stranger()
	good := `{"email":"a@example.com","password":"x"}`
	for _, path := range []string{"/auth/login", "/auth/register", "/auth/refresh"} {
		for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
			c.send(http.MethodPost, path, kind, strings.NewReader(good)).problem(http.StatusUnprocessableEntity)
		}
		for _, body := range []string{"", "{", "[]", `"x"`, good + good, good + "x", "\xff", `{"email":"a` + "\xff" + `"`} {
			c.raw(path, body).problem(http.StatusUnprocessableEntity)
		}
		c.raw(path, `{"x":"`+strings.Repeat("x", 64<<10)+`"}`).problem(http.StatusRequestEntityTooLarge)
	}
	for body, field := range map[string]string{
		`{"email":5,"password":"x"}`: "email", `{"email":"a@example.com","password":["x"]}`: "password", `{"email":"a\u0000@example.com","password":"x"}`: "email",
	} {
		if p := c.raw("/auth/login", body).problem(http.StatusUnprocessableEntity); p.Fields[field] == "" {
			t.Errorf("%s: %+v", body, p)
		}
	}
}

// Break RL-1: api.go: leave e.Pre(a.limited) out.
func TestAPI_RL1_SixHundredAMinute(t *testing.T) {
	b := newBundle(t)
	c, _ := b.signedIn("Ada Lovelace")
	if _, err := b.DB.Exec(t.Context(), `UPDATE limit_counters SET count = 600 WHERE count = 1`); err != nil { // as if 599 more had come
		t.Fatal(err)
	}
	got := c.get("/me")
	got.problem(http.StatusTooManyRequests)
	if got.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	c.get("/nothing").problem(http.StatusTooManyRequests)
	other := b.stranger()
	other.access = c.access
	other.get("/me").want(http.StatusOK)
}

func TestAPI_DatabaseAway(t *testing.T) {
	c := on(t, handlertest.NewBroken).stranger()
	got := c.post("/auth/login", map[string]any{"email": "a@example.com", "password": "x"})
	got.problem(http.StatusServiceUnavailable)
	if got.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestAPI_Success(t *testing.T) {
	b := newBundle(t)
	c, u := b.signedIn("Ada Lovelace")
	connection, card := b.connect(u, 5)

	var me map[string]any
	c.get("/me").want(http.StatusOK).into(&me)
	if me["id"] != u.ID.String() || me["email"] != u.Email || me["name"] != "Ada Lovelace" || me["role"] != "user" || len(me) != 6 {
		t.Errorf("%v", me)
	}

	type amount struct{ Amount, Currency string }
	type account struct {
		ID, Name, Kind, Mask, Bank string
		ConnectionID               string `json:"connection_id"`
		Balance                    amount
		Limit, Available           *amount
	}
	var accounts struct{ Data []account }
	c.get("/accounts").want(http.StatusOK).into(&accounts)
	var one account
	c.get("/accounts/" + card.String()).want(http.StatusOK).into(&one)
	if len(accounts.Data) != 2 || one.ID != card.String() || one.Balance != (amount{"-84.27", "USD"}) || *one.Limit != (amount{"5000.00", "USD"}) ||
		one.Available != nil || one.Mask != "4417" || one.Kind != "card" || one.Bank != "My bank" || one.ConnectionID != connection.String() {
		t.Errorf("%+v in %+v", one, accounts)
	}

	var holdings struct {
		Data []struct {
			Symbol, Quantity, Price string
			Value                   amount
			CostBasis               *amount `json:"cost_basis"`
		}
	}
	c.get("/holdings").want(http.StatusOK).into(&holdings)
	if h := holdings.Data; len(h) != 1 || h[0].Symbol != "VTI" || h[0].Quantity != "2" || h[0].Price != "101.25" || h[0].Value.Amount != "202.50" || h[0].CostBasis != nil {
		t.Errorf("%+v", holdings)
	}

	var banks struct {
		Data []struct {
			ID, Provider, Name, Status string
			Accounts                   int
		}
	}
	c.get("/connections").want(http.StatusOK).into(&banks)
	if k := banks.Data; len(k) != 1 || k[0].ID != connection.String() || k[0].Status != "healthy" || k[0].Accounts != 2 {
		t.Errorf("%+v", banks)
	}

	for range 2 { // the second finds the first one queued
		c.post("/connections/"+connection.String()+"/sync", nil).want(http.StatusAccepted)
	}
	var jobs int
	if err := b.DB.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'sync'`).Scan(&jobs); err != nil || jobs != 1 {
		t.Errorf("%d jobs, %v", jobs, err)
	}
}

func TestAPI_TransactionsPageByPage(t *testing.T) {
	b := newBundle(t)
	c, u := b.signedIn("Ada Lovelace")
	_, card := b.connect(u, 5)
	type page struct {
		Data []struct {
			ID, Date, Payee, Status string
			Amount                  struct{ Amount, Currency string }
		}
		NextCursor *string `json:"next_cursor"`
	}
	var seen []string
	path := "/transactions?limit=2&account=" + card.String()
	for pages := 1; ; pages++ {
		var p page
		c.get(path).want(http.StatusOK).into(&p)
		for _, tx := range p.Data {
			seen = append(seen, tx.Amount.Amount)
		}
		if p.NextCursor == nil {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		path = "/transactions?limit=2&account=" + card.String() + "&cursor=" + url.QueryEscape(*p.NextCursor)
	}
	if got := strings.Join(seen, " "); got != "-1.00 -1.01 -1.02 -1.03 -1.04" {
		t.Errorf("%s", got)
	}
	var found page
	c.get("/transactions?q=shop&min=1.03&max=1.03").want(http.StatusOK).into(&found)
	if len(found.Data) != 1 || found.Data[0].Payee != "Shop" || found.Data[0].Amount.Currency != "USD" {
		t.Errorf("%+v", found)
	}
}
