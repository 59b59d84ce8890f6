package handlertest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	bank "dashtam/handlers/sandbox"
	"dashtam/services/admin"
	"dashtam/services/auth"
	"dashtam/services/connections"
	"dashtam/services/doctor"
	"dashtam/services/email"
	"dashtam/services/encryption"
	"dashtam/services/jobs"
	"dashtam/services/ledger"
	"dashtam/services/limits"
	"dashtam/services/providers"
	"dashtam/services/providers/fdx"
	"dashtam/services/sandbox"
	"dashtam/services/syncer"
	"dashtam/services/tokens"
)

// DoctorKey is by what the doctor knows this installation.
var DoctorKey = bytes.Repeat([]byte{3}, 32)

// wireBanks makes the services about banks, and the Sandbox Bank, which serves from its first request on.
func (app *App) wireBanks(queue *jobs.Queue, limits *limits.Service) {
	server := httptest.NewUnstartedServer(nil)
	app.BankURL = "http://" + server.Listener.Addr().String()
	open := sync.OnceValue(func() http.Handler {
		h, err := bank.New(bank.Deps{Bank: sandbox.New(app.bank), Issuer: app.BankURL, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			panic(err) // the address is a loopback one
		}
		return h
	})
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { open().ServeHTTP(w, r) })
	server.Start()
	app.t.Cleanup(server.Close)

	key, err := encryption.GenerateKey("test")
	app.must(err)
	app.KeyLine = key.Line()
	keys, err := encryption.ParseKeyring(app.KeyLine.Reveal())
	app.must(err)
	profile := providers.Sandbox(app.BankURL)
	app.Ledger = ledger.New(app.DB)
	app.Tokens = tokens.New(tokens.Config{DB: app.DB, Keys: keys})
	registry := providers.NewRegistry()
	app.Banks = providers.New(providers.ServiceConfig{
		DB: app.DB, Tokens: app.Tokens, Registry: registry, BuiltIn: []providers.Profile{profile}, Private: true,
		Switched: connections.Switched, Changed: connections.Changed,
		Client: func(string) *http.Client { return providers.NewClient(true) },
		Kinds: providers.Kinds{"fdx": func(p providers.Profile, secret providers.Secret, client *http.Client) providers.Provider {
			return fdx.New(fdx.Config{Profile: p, Secret: secret, Client: client, RedirectURI: app.URL + "/connections/" + p.Slug + "/callback", Private: true})
		}},
	})
	app.Connections = connections.New(connections.Config{
		DB: app.DB, Tokens: app.Tokens, Providers: registry, Limits: limits, Jobs: queue, Key: keys.Derive("connect"), Enqueue: syncer.Enqueue(queue),
	})
	app.Syncer = syncer.New(syncer.Config{
		DB: app.DB, Connections: app.Connections, Tokens: app.Tokens, Providers: registry, Queue: queue, Limits: limits,
	})
	app.Examined = doctor.Config{
		BaseURL: app.BaseURL, Proxies: app.Proxies, Key: DoctorKey, Tokens: app.Tokens, DB: app.DB, DataDir: app.t.TempDir(),
		Mail: func(context.Context) (email.Sender, error) { return app.Outbox, nil }, MailKind: "outbox",
		Providers: registry.Profiles, Banks: providers.NewClient(true),
	}
	app.Doctor = doctor.New(app.Examined)
	app.Deps.Admin, app.Mailroom = admin.New(app.DB, auth.NewSessions(app.DB, auth.SessionConfig{})), admin.NewMailroom(app.DB, queue)
	app.Backlog = admin.NewBacklog(app.DB, queue)
}

// Allow and Deny are what a customer can decide at the Sandbox Bank.
const (
	Allow = "allow"
	Deny  = "deny"
)

// Connect leads b to the Sandbox Bank, decides there as its customer username, and gives the path and query with which
// the bank sends the browser back.
func (b *Browser) Connect(username, decision string) string {
	b.t.Helper()
	away := b.Post("/connections/sandbox/connect").WantRedirect("/connections/sandbox/continue").Follow().Want(200)
	return b.Decide(away.WantOne("a#continue").AttrOr("href", ""), username, decision)
}

// Decide is Connect from the bank's own address on.
func (b *Browser) Decide(authorize, username, decision string) string {
	b.t.Helper()
	at := b.visit(http.MethodGet, authorize, nil)
	for _, form := range []url.Values{{"username": {username}}, {"decision": {decision}}} {
		action := at.Find("form").AttrOr("action", "")
		if action == "" {
			b.t.Fatalf("the bank shows no form: %d %s", at.Status, at.Said())
		}
		at = b.visit(http.MethodPost, b.app.BankURL+action, form)
	}
	back, ok := strings.CutPrefix(at.Header.Get("Location"), b.app.URL)
	if !ok {
		b.t.Fatalf("the bank sends the browser to %q: %s", at.Header.Get("Location"), at.Said())
	}
	return back
}

// visit asks the bank, following its redirects but not the one that leads back.
func (b *Browser) visit(method, address string, form url.Values) *Page {
	b.t.Helper()
	for {
		r, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
		b.app.must(err)
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		at := b.Send(r)
		next, err := r.URL.Parse(at.Header.Get("Location"))
		b.app.must(err)
		if at.Status/100 != 3 || !strings.HasPrefix(next.String(), b.app.BankURL) {
			return at
		}
		method, address, form = http.MethodGet, next.String(), nil
	}
}

// Connected is a signed-in person with the accounts of the bank's customer username, fetched; connection is the path.
func (app *App) Connected(name, username string) (b *Browser, connection string) {
	app.t.Helper()
	b = app.SignedIn(name)
	connection = b.Get(b.Connect(username, Allow)).Header.Get("Location")
	app.AwaitSync(b, connection)
	return b, connection
}

// AwaitSync works the jobs until no run of the connection is on.
func (app *App) AwaitSync(b *Browser, connection string) {
	app.t.Helper()
	app.runJobs()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		page := b.HX(http.MethodGet, connection+"/progress").Want(200)
		if page.Header.Get("HX-Refresh") == "true" {
			return
		}
		if time.Now().After(deadline) {
			app.t.Fatalf("the sync does not end: %s", page.Said())
		}
	}
}
