package handlers

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/middleware"
	"dashtam/handlers/web"
	administration "dashtam/services/admin" // admin is an access level here
	"dashtam/services/auth"
	"dashtam/services/connections"
	"dashtam/services/doctor"
	"dashtam/services/email"
	"dashtam/services/ledger"
	"dashtam/services/limits"
	"dashtam/services/password"
	"dashtam/services/profile"
	"dashtam/services/providers"
	"dashtam/services/review"
	"dashtam/services/syncer"
	"dashtam/services/tokens"
	"dashtam/static"
)

// longest is how long any request may wait for what it needs; most routes allow themselves less.
const longest = time.Minute

// Deps is what the pages need. Everything is made by cmd/dashtam.
type Deps struct {
	BaseURL *url.URL       // the public URL: cookies, HSTS and links follow from it
	Proxies []netip.Prefix // whose X-Forwarded-For counts
	Log     *slog.Logger
	Observe middleware.Observe                  // told about every answered request; may be nil
	Ready   func(ctx context.Context) Condition // asked for /readyz
	API     http.Handler                        // serves /api/, without cookies; handlers/api
	Outbox  *email.Outbox                       // shown at /dev/outbox; nil unless the base URL is a localhost URL

	Sessions    *web.Sessions
	Auth        *auth.Service
	Limits      *limits.Service
	Passwords   *password.Service
	Ledger      *ledger.Service
	Connections *connections.Service
	Syncer      *syncer.Service
	Tokens      *tokens.Service
	Banks       *providers.Service
	Admin       *administration.Service
	Mailroom    *administration.Mailroom
	Backlog     *administration.Backlog
	Profile     *profile.Profile // may be nil
	Review      *review.Service
	Doctor      *doctor.Service
	Configured  []administration.Setting // what the environment decided, for /admin/settings
}

// Condition names, each in a word, what a node needs and cannot have (Down: it takes no requests) and what it only works
// slower without (Degraded).
type Condition struct {
	Status   string   `json:"status"` // ok or unavailable; follows from Down
	Down     []string `json:"down,omitempty"`
	Degraded []string `json:"degraded,omitempty"`
}

// New is the whole stack.
func New(d Deps) http.Handler {
	base := d.BaseURL
	pages := middleware.CrossOrigin(base)(d.Sessions.Load(newRouter(d.routes())))
	files := static.Handler()
	reports := middleware.CrossOrigin(base)(middleware.Reports())
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.InfoFrom(r.Context()).Profile = d.Profile
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/static/"), path == "/robots.txt", path == "/favicon.ico":
			web.InfoFrom(r.Context()).Route = "/static/"
			files.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/api/"):
			d.API.ServeHTTP(w, r)
		case path == "/livez":
			d.tell(w, r)
			health(w, r, nil)
		case path == "/readyz":
			health(w, r, d.Ready)
		case path == middleware.ReportPath:
			reports.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
	for _, wrap := range []func(http.Handler) http.Handler{ // the last stands outermost
		middleware.Limit(longest), middleware.Headers(base), middleware.Log(d.Observe), middleware.Recover, middleware.Identify(d.Log, d.Proxies),
	} {
		h = wrap(h)
	}
	return h
}

// newRouter puts the table into Echo. Every GET also answers HEAD.
func newRouter(table []route) *echo.Echo {
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect() // nobody should ask Echo, and it must not believe a header (RL-3)
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if c.Response().Committed {
			web.InfoFrom(c.Request().Context()).Log.ErrorContext(c.Request().Context(), "cut off", "error", err)
			panic(http.ErrAbortHandler) // part of an answer is out: nobody may take it for whole
		}
		web.Problem(c.Response(), c.Request(), err)
	}
	for _, rt := range table {
		e.Add(rt.method, rt.path, guard(rt))
		if rt.method == http.MethodGet {
			e.Add(http.MethodHead, rt.path, guard(rt))
		}
	}
	return e
}

// health answers /livez (the process answers) and /readyz (so does what it needs; RT-2). A restart mends neither a
// database that is away nor a full one, so only /readyz asks. It names what is down, and not why.
func health(w http.ResponseWriter, r *http.Request, ready func(context.Context) Condition) {
	web.InfoFrom(r.Context()).Route = r.URL.Path
	var is Condition
	if ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		is = ready(ctx)
	}
	status := http.StatusOK
	is.Status = "ok"
	if len(is.Down) > 0 {
		status, is.Status = http.StatusServiceUnavailable, "unavailable"
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(is) // the client has gone: nobody is left to tell
}
