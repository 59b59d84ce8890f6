package sandbox

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"dashtam/services/sandbox"
	"dashtam/static"
)

// Deps is what the bank stands on.
type Deps struct {
	Bank   *sandbox.Service
	Issuer string // its address, without a slash at the end: http://127.0.0.1:8081
	Now    func() time.Time
	Log    *slog.Logger
}

type bank struct {
	Deps
	provider *op.Provider
	shelf    *shelf
}

// New is the bank's whole HTTP surface. An issuer that is neither https nor on a loopback address is an error.
func New(d Deps) (http.Handler, error) {
	u, err := url.Parse(d.Issuer)
	if err != nil {
		return nil, fmt.Errorf("sandbox: issuer: %w", err)
	}
	if u.Scheme != "https" && !loopback(u) {
		return nil, fmt.Errorf("sandbox: issuer %s is neither https nor on a loopback address", d.Issuer)
	}
	b := &bank{Deps: d, shelf: newShelf(d.Now)}
	if b.provider, err = newProvider(d.Issuer, &storage{bank: d.Bank}); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return guard(b.routes()), nil
}

func loopback(u *url.URL) bool {
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}

func (b *bank) routes() http.Handler {
	mux := http.NewServeMux()
	own := http.NewCrossOriginProtection().Handler // what only the bank's own pages, and programs, may send

	mux.HandleFunc("GET /.well-known/openid-configuration", b.discovery)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", b.discovery) // RFC 8414
	mux.HandleFunc("/authorize", b.authorize)
	mux.Handle("GET /authorize/callback", b.ownVisit(b.provider))
	mux.HandleFunc("POST /oauth/token", b.token)
	mux.Handle("POST /revoke", b.provider)
	mux.Handle("GET /userinfo", b.provider)
	mux.Handle("POST /userinfo", b.provider)
	mux.Handle("GET /keys", b.provider)

	mux.HandleFunc("GET /{$}", b.home)
	mux.HandleFunc("GET /login", b.loginForm)
	mux.Handle("POST /login", own(http.HandlerFunc(b.login)))
	mux.HandleFunc("GET /consent", b.consentForm)
	mux.Handle("POST /consent", own(http.HandlerFunc(b.consent)))

	mux.HandleFunc("GET /fdx/v6/customers/current", b.api(b.customer, scopeCustomer))
	mux.HandleFunc("GET /fdx/v6/accounts", b.api(b.accounts, scopeBasic, scopeDetailed))
	mux.HandleFunc("GET /fdx/v6/accounts/{id}", b.api(b.account, scopeDetailed))
	mux.HandleFunc("GET /fdx/v6/accounts/{id}/transactions", b.api(b.transactions, scopeTransactions))
	mux.HandleFunc("/fdx/v6/", noSuchData)

	mux.Handle("POST /clients", own(http.HandlerFunc(b.register)))
	mux.HandleFunc("GET /stats", b.stats)
	mux.HandleFunc("GET /faults", b.faults)
	mux.Handle("POST /faults", own(http.HandlerFunc(b.setFault)))

	mux.Handle("GET /static/", static.Handler())
	mux.HandleFunc("GET /favicon.ico", noIcon)
	mux.HandleFunc("/", b.noSuchPage)
	return mux
}
