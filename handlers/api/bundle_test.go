package api_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"dashtam/handlers"
	"dashtam/handlers/api"
	"dashtam/handlers/handlertest"
	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/connections"
	"dashtam/services/jobs"
	"dashtam/services/ledger"
	"dashtam/services/limits"
	"dashtam/services/money"
	"dashtam/services/providers"
	"dashtam/services/syncer"
)

// bundle is the whole stack with the API in it.
type bundle struct {
	*handlertest.App
	t testing.TB
}

func newBundle(t testing.TB) *bundle { return on(t, handlertest.New) }

func on(t testing.TB, start func(testing.TB, ...func(*handlers.Deps)) *handlertest.App) *bundle {
	t.Helper()
	var late http.Handler // the API's services stand on the database, which start makes
	app := start(t, func(d *handlers.Deps) {
		d.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { late.ServeHTTP(w, r) })
	})
	queue, err := jobs.NewQueue(app.DB.Pool, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	limit, banks := limits.New(app.DB, time.Now), providers.NewRegistry()
	connected := connections.New(connections.Config{DB: app.DB, Providers: banks, Limits: limit, Jobs: queue, Key: make([]byte, 32), Enqueue: syncer.Enqueue(queue)})
	late = api.New(api.Deps{
		Auth: app.Auth, Ledger: ledger.New(app.DB), Connections: connected, Limits: limit,
		Syncer: syncer.New(syncer.Config{DB: app.DB, Connections: connected, Providers: banks, Queue: queue, Limits: limit}),
	})
	return &bundle{app, t}
}

// client is a program that calls the API, with its token if it has one.
type client struct {
	*handlertest.Browser
	t             testing.TB
	url           string
	access, fresh string
}

func (b *bundle) stranger() *client { return &client{Browser: b.Stranger(), t: b.t, url: b.URL} }

// signedIn makes a person and signs a client of theirs in.
func (b *bundle) signedIn(name string) (*client, auth.User) {
	b.t.Helper()
	u, c := b.Person(name), b.stranger()
	c.login(u.Email)
	return c, u
}

func (c *client) login(address string) {
	c.t.Helper()
	var got struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	c.post("/auth/login", map[string]any{"email": address, "password": handlertest.Password}).want(http.StatusOK).into(&got)
	c.access, c.fresh = got.AccessToken, got.RefreshToken
}

// answer is what the API said.
type answer struct {
	*handlertest.Page
	t testing.TB
}

func (c *client) get(path string) answer { c.t.Helper(); return c.send(http.MethodGet, path, "", nil) }

func (c *client) post(path string, body any) answer {
	c.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.raw(path, string(text))
}

func (c *client) raw(path, body string) answer {
	c.t.Helper()
	return c.send(http.MethodPost, path, "application/json", strings.NewReader(body))
}

func (c *client) send(method, path, kind string, body io.Reader) answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+"/api/v1"+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if c.access != "" {
		r.Header.Set("Authorization", "Bearer "+c.access)
	}
	return answer{c.Send(r), c.t}
}

func (a answer) want(status int) answer {
	a.t.Helper()
	a.Want(status)
	return a
}

// into decodes the body, strictly: a name the test does not know is a failure, so that the form is written down here.
func (a answer) into(v any) {
	a.t.Helper()
	if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		a.t.Errorf("content type %q", got)
	}
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		a.t.Fatalf("%v: %s", err, a.Body)
	}
}

type problem struct {
	Type      string            `json:"type"`
	Title     string            `json:"title"`
	Status    int               `json:"status"`
	Detail    string            `json:"detail"`
	RequestID string            `json:"request_id"`
	Fields    map[string]string `json:"fields"`
}

// problem asserts that the answer is a problem document (RFC 9457) of this status.
func (a answer) problem(status int) problem {
	a.t.Helper()
	a.want(status)
	var p problem
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil || p.Status != status || p.Title == "" || p.Type == "" || p.RequestID == "" ||
		a.Header.Get("Content-Type") != "application/problem+json" || a.Header.Get("Cache-Control") != "no-store" {
		a.t.Errorf("no problem document: %v %s", a.Header, a.Body)
	}
	return p
}

// connect gives u a connection with a card, a brokerage account and n transactions on the card, and says their ids.
func (b *bundle) connect(u auth.User, n int) (connection, card uuid.UUID) {
	b.t.Helper()
	connection = uuid.Must(uuid.NewV7())
	if _, err := b.DB.Exec(b.t.Context(), `
		INSERT INTO connections (user_id, id, provider, name, status) VALUES ($1, $2, 'sandbox', 'My bank', 'healthy')`, u.ID, connection); err != nil {
		b.t.Fatal(err)
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	usd := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "USD"} }
	price, limit := decimal.RequireFromString("101.25"), usd(500000)
	batch := ledger.Batch{ConnectionID: connection, Accounts: []ledger.BankAccount{
		{ExternalID: "card", Kind: ledger.Card, Name: "Card", Mask: "4417", Balance: usd(-8427), Limit: &limit, BalanceAsOf: today, From: today.AddDate(0, 0, -n), To: today},
		{ExternalID: "broker", Kind: ledger.Brokerage, Name: "Broker", Balance: usd(20250), BalanceAsOf: today, Holdings: []ledger.BankHolding{
			{ExternalID: "h1", Symbol: "VTI", Name: "Total market", Quantity: decimal.RequireFromString("2"), Price: &price, Value: usd(20250), AsOf: today},
		}},
	}}
	for i := range n {
		day := today.AddDate(0, 0, -i)
		batch.Accounts[0].Transactions = append(batch.Accounts[0].Transactions, ledger.BankTransaction{
			ExternalID: "t" + day.Format(time.DateOnly), Status: ledger.Posted, BookedOn: day, HappenedAt: day, Amount: usd(-100 - int64(i)), Payee: "Shop",
		})
	}
	if _, err := ledger.Apply(b.t.Context(), b.DB, actor.ForJob(u.ID, "test"), batch); err != nil {
		b.t.Fatal(err)
	}
	if err := b.DB.QueryRow(b.t.Context(), `SELECT id FROM accounts WHERE user_id = $1 AND external_id = 'card'`, u.ID).Scan(&card); err != nil {
		b.t.Fatal(err)
	}
	return connection, card
}
