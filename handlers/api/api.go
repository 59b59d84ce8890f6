package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/connections"
	"dashtam/services/errs"
	"dashtam/services/ledger"
	"dashtam/services/limits"
	"dashtam/services/syncer"
)

// Deps is what the API needs; all of it.
type Deps struct {
	Auth        *auth.Service
	Ledger      *ledger.Service
	Connections *connections.Service
	Syncer      *syncer.Service
	Limits      *limits.Service
}

// access says who may call a route.
type access uint8

const (
	public access = iota
	user
)

// route is one line of the API's table of URLs.
type route struct {
	method, path string
	access       access
	handle       echo.HandlerFunc
}

// routes is the one table of the API's URLs.
func (a *api) routes() []route {
	return []route{
		{http.MethodPost, "/api/v1/auth/register", public, a.register},
		{http.MethodPost, "/api/v1/auth/login", public, a.login},
		{http.MethodPost, "/api/v1/auth/refresh", public, a.refresh},
		{http.MethodPost, "/api/v1/auth/logout", user, a.logout},
		{http.MethodGet, "/api/v1/me", user, a.me},
		{http.MethodGet, "/api/v1/accounts", user, a.accounts},
		{http.MethodGet, "/api/v1/accounts/:id", user, a.account},
		{http.MethodGet, "/api/v1/transactions", user, a.transactions},
		{http.MethodGet, "/api/v1/holdings", user, a.holdings},
		{http.MethodGet, "/api/v1/connections", user, a.connections},
		{http.MethodPost, "/api/v1/connections/:id/sync", user, a.sync},
	}
}

type api struct{ Deps }

// New is everything under /api/. It stands behind the outer stack of handlers.New.
func New(d Deps) http.Handler {
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect() // nobody should ask Echo, and it must not believe a header (RL-3)
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if c.Response().Committed {
			panic(http.ErrAbortHandler) // part of an answer is out: nobody may take it for whole
		}
		if web.Status(err) == http.StatusUnauthorized {
			c.Response().Header().Set("WWW-Authenticate", "Bearer")
		}
		web.Problem(c.Response(), c.Request(), err)
	}
	a := &api{d}
	e.Pre(a.limited)
	for _, rt := range a.routes() {
		e.Add(rt.method, rt.path, a.guard(rt))
		if rt.method == http.MethodGet {
			e.Add(http.MethodHead, rt.path, a.guard(rt))
		}
	}
	return e
}

// usual is how long a call may wait for what it needs. Those that hash a password may take as long as the outer stack lets
// them.
const usual = 15 * time.Second

var (
	errNoToken    = errs.New(errs.Unauthenticated, "Send an access token in the Authorization header: Bearer, then the token.")
	errTokenInURL = errs.New(errs.Unauthenticated, "A token belongs in the Authorization header, never in an address. This one should be given up.")
)

// limited counts every call by address, before anything is looked up, and refuses tokens in the query whatever else
// would have happened: addresses end up in logs (RFC 6750, 2.3; AP-3).
func (a *api) limited(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if err := a.Limits.Allow(r.Context(), limits.API, limits.AddressSubject(web.InfoFrom(r.Context()).IP)); err != nil {
			return err
		}
		for name := range r.URL.Query() {
			if strings.HasSuffix(strings.ToLower(name), "token") {
				return errTokenInURL
			}
		}
		return next(c)
	}
}

// guard is what stands before every call: whose token it is, and how long it may take.
func (a *api) guard(rt route) echo.HandlerFunc {
	return func(c echo.Context) error {
		web.InfoFrom(c.Request().Context()).Route = rt.path
		c.Response().Header().Set("Cache-Control", "no-store")
		if rt.access == public {
			return rt.handle(c)
		}
		r := c.Request()
		ctx, cancel := context.WithTimeout(r.Context(), usual)
		defer cancel()
		visitor, err := a.authenticate(ctx, r.Header)
		if err != nil {
			return err
		}
		c.SetRequest(r.WithContext(auth.WithVisitor(ctx, visitor)))
		defer c.SetRequest(r) // an error is answered after this, when ctx has ended
		return rt.handle(c)
	}
}

// authenticate finds out whose token the request carries. The token's family takes the place of a browser's session.
func (a *api) authenticate(ctx context.Context, header http.Header) (*auth.Visitor, error) {
	scheme, token, _ := strings.Cut(header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(header.Values(echo.HeaderAuthorization)) > 1 {
		return nil, errNoToken
	}
	who, person, err := a.Auth.Authenticate(ctx, token)
	if err != nil {
		return nil, err
	}
	return &auth.Visitor{SessionID: who.SessionID, User: &person}, nil
}
