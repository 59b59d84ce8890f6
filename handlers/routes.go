package handlers

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/connections"
	"dashtam/services/errs"
	"dashtam/services/limits"
	"dashtam/views/pages"
)

// access says who may call a route.
type access uint8

// The levels. What a person may see of the data behind a route is decided by the services.
const (
	public access = iota
	user          // signed in
	admin         // signed in, and an administrator as the database says now (AZ-4)
)

// route is one line of the table of URLs.
type route struct {
	method, path string
	access       access
	handle       echo.HandlerFunc
	slow         bool        // may take the whole of longest: a queued sign-in, an export, an exchange with a bank
	stranger     error       // what a signed-out visitor gets in place of the way to the sign-in
	fresh        string      // the page to come back to from /reauth, where a proof of the last 15 minutes is asked for; empty = it is not
	limit        limits.Rule // how often; zero = as the service says that does it
}

// usual is how long a route that is not slow may wait for what it needs.
const usual = 15 * time.Second

// routes is the one table of URLs.
func (d Deps) routes() []route {
	gates := &gates{d.Auth, d.Sessions, d.Passwords, web.NewCookies(d.BaseURL), d.Outbox, d.BaseURL.String()}
	speed := &speed{d.Review}
	settings := &settings{d.Auth, d.Sessions, web.NewCookies(d.BaseURL), d.Tokens, d.Connections}
	table := []route{
		{method: http.MethodGet, path: "/", access: public, handle: gates.landing},
		{method: http.MethodGet, path: "/signup", access: public, handle: gates.newAccount},
		{method: http.MethodPost, path: "/signup", access: public, handle: gates.createAccount, slow: true},
		{method: http.MethodPost, path: "/signup/strength", access: public, handle: gates.strength, limit: limits.Hints},
		{method: http.MethodGet, path: "/signup/sent", access: public, handle: gates.sent},
		{method: http.MethodGet, path: "/login", access: public, handle: gates.newLogin},
		{method: http.MethodPost, path: "/login", access: public, handle: gates.login, slow: true},
		{method: http.MethodPost, path: "/login/slow", access: public, handle: speed.feltSlow},
		{method: http.MethodGet, path: "/setup/:token", access: public, handle: gates.showSetup},
		{method: http.MethodPost, path: "/setup/:token", access: public, handle: gates.setUp, slow: true, limit: limits.Links},
		{method: http.MethodGet, path: "/invite/:token", access: public, handle: gates.showInvite},
		{method: http.MethodPost, path: "/invite/:token", access: public, handle: gates.acceptInvite, slow: true, limit: limits.Links},
		{method: http.MethodPost, path: "/logout", access: user, handle: gates.logout},
		{method: http.MethodGet, path: "/reauth", access: user, handle: gates.newReauth},
		{method: http.MethodPost, path: "/reauth", access: user, handle: gates.reauth, slow: true},

		{method: http.MethodGet, path: "/settings/profile", access: user, handle: settings.profile},
		{method: http.MethodPost, path: "/settings/profile", access: user, handle: settings.updateProfile},
		{method: http.MethodGet, path: "/settings/security", access: user, handle: settings.security},
		{method: http.MethodGet, path: "/settings/security/password", access: user, handle: settings.security},
		{method: http.MethodPost, path: "/settings/security/password", access: user, handle: settings.changePassword, slow: true},
		{method: http.MethodGet, path: sessionsPath, access: user, handle: settings.listSessions},
		{method: http.MethodPost, path: sessionsPath + "/:id/revoke", access: user, handle: settings.endSession, fresh: sessionsPath},
		{method: http.MethodPost, path: sessionsPath + "/revoke-others", access: user, handle: settings.endOtherSessions, fresh: sessionsPath},
		{method: http.MethodGet, path: emailPath, access: user, handle: settings.email},
		{method: http.MethodPost, path: emailPath, access: user, handle: settings.changeEmail, slow: true},
		{method: http.MethodGet, path: "/settings/activity", access: user, handle: settings.activity},
		{method: http.MethodGet, path: "/settings/activity/banks", access: user, handle: settings.bankUses},
		{method: http.MethodPost, path: "/settings/theme", access: user, handle: settings.setTheme},
		{method: http.MethodPost, path: "/settings/rail", access: user, handle: settings.setRail},
	}
	table = append(table, mailRoutes(gates)...)
	table = append(table, d.wellKnownRoutes()...)
	table = append(table, d.moneyRoutes()...)
	table = append(table, d.bankRoutes()...)
	table = append(table, d.officeRoutes()...)
	if d.Outbox != nil {
		table = append(table, route{method: http.MethodGet, path: "/dev/outbox", access: public, handle: gates.outboxPage})
	}
	for i := range table {
		if table[i].limit.Max > 0 {
			table[i].handle = d.limited(table[i])
		}
	}
	return table
}

// limited counts the acts of a route (RL-1): those of a person where somebody must be signed in, else those of a network
// address.
func (d Deps) limited(rt route) echo.HandlerFunc {
	return func(c echo.Context) error {
		who := web.Actor(c)
		subject := limits.AddressSubject(who.IP)
		if rt.access != public {
			subject = who.UserID.String()
		}
		if err := d.Limits.Allow(c.Request().Context(), rt.limit, rt.path+" "+subject); err != nil {
			return err
		}
		return rt.handle(c)
	}
}

// mailRoutes are where links in mails lead, and where one asks for such a mail. A GET of a link changes nothing and looks
// nothing up: programs open every link in a mail (RS-4).
func mailRoutes(gates *gates) []route {
	return []route{
		{method: http.MethodGet, path: "/verify/resend", access: public, handle: gates.newResend},
		{method: http.MethodPost, path: "/verify/resend", access: public, handle: gates.createResend},
		{method: http.MethodGet, path: "/verify/:token", access: public, handle: gates.showVerify},
		{method: http.MethodPost, path: "/verify/:token", access: public, handle: gates.verify, limit: limits.Links},
		{method: http.MethodGet, path: "/password/forgot", access: public, handle: gates.newForgot},
		{method: http.MethodPost, path: "/password/forgot", access: public, handle: gates.createForgot},
		{method: http.MethodGet, path: "/password/sent", access: public, handle: gates.forgotSent},
		{method: http.MethodGet, path: "/password/reset/:token", access: public, handle: gates.showReset},
		{method: http.MethodPost, path: "/password/reset/:token", access: public, handle: gates.reset, slow: true, limit: limits.Links},
		{method: http.MethodGet, path: emailPath + "/confirm/:token", access: public, handle: gates.showConfirmEmail},
		{method: http.MethodPost, path: emailPath + "/confirm/:token", access: public, handle: gates.confirmEmail, limit: limits.Links},
		{method: http.MethodGet, path: "/email/undo/:token", access: public, handle: gates.showUndoEmail},
		{method: http.MethodPost, path: "/email/undo/:token", access: public, handle: gates.undoEmail, limit: limits.Links},
	}
}

// wellKnownRoutes are for programs, not for people.
func (d Deps) wellKnownRoutes() []route {
	known := &wellKnown{d.BaseURL}
	return []route{
		{method: http.MethodGet, path: "/.well-known/change-password", access: public, handle: known.changePassword},
		{method: http.MethodGet, path: "/.well-known/security.txt", access: public, handle: known.security},
	}
}

// moneyRoutes are the pages about a person's money.
func (d Deps) moneyRoutes() []route {
	money := &money{d.Ledger}
	return []route{
		{method: http.MethodGet, path: "/overview", access: user, handle: money.overview},
		{method: http.MethodGet, path: "/accounts", access: user, handle: money.accounts},
		{method: http.MethodGet, path: "/accounts/:id", access: user, handle: money.account},
		{method: http.MethodGet, path: "/holdings", access: user, handle: money.holdings},
		{method: http.MethodGet, path: "/transactions", access: user, handle: money.transactions},
		{method: http.MethodGet, path: "/transactions.csv", access: user, handle: money.exportTransactions, slow: true, limit: limits.Export},
		{method: http.MethodGet, path: "/transactions/:id", access: user, handle: money.transaction},
		{method: http.MethodPost, path: "/transactions/:id/note", access: user, handle: money.note},
	}
}

// bankRoutes are the pages about a person's connections.
func (d Deps) bankRoutes() []route {
	banks := &banks{d.Connections, d.Syncer, d.Ledger, d.Tokens, d.BaseURL}
	return []route{
		{method: http.MethodGet, path: "/connections", access: user, handle: banks.index},
		{method: http.MethodGet, path: "/connections/new", access: user, handle: banks.picker},
		{method: http.MethodGet, path: "/connections/calendar.ics", access: user, handle: banks.calendar},
		{method: http.MethodGet, path: "/connections/:provider/about", access: user, handle: banks.about},
		{method: http.MethodPost, path: "/connections/:provider/connect", access: user, handle: banks.connect},
		{method: http.MethodGet, path: "/connections/:provider/continue", access: user, handle: banks.continueTo, slow: true},
		{method: http.MethodGet, path: "/connections/:provider/callback", access: user, handle: banks.callback, slow: true, stranger: connections.ErrNoAttempt, limit: limits.Links},
		{method: http.MethodGet, path: "/connections/:id", access: user, handle: banks.show},
		{method: http.MethodGet, path: "/connections/:id/progress", access: user, handle: banks.progress},
		{method: http.MethodPost, path: "/connections/:id/sync", access: user, handle: banks.sync},
		{method: http.MethodPost, path: "/connections/:id/sync/cancel", access: user, handle: banks.cancel},
		{method: http.MethodGet, path: "/connections/:id/syncs/:run", access: user, handle: banks.run},
		{method: http.MethodPost, path: "/connections/:id/rename", access: user, handle: banks.rename},
		{method: http.MethodPost, path: "/connections/:id/reconnect", access: user, handle: banks.reconnect},
		{method: http.MethodPost, path: "/connections/:id/accounts/:question", access: user, handle: banks.decide},
		{method: http.MethodPost, path: "/connections/:id/merges/:merge/undo", access: user, handle: banks.split},
		{method: http.MethodGet, path: "/connections/:id/disconnect", access: user, handle: banks.askDisconnect},
		{method: http.MethodPost, path: "/connections/:id/disconnect", access: user, handle: banks.disconnect},
	}
}

// officeRoutes are the pages for administrators.
func (d Deps) officeRoutes() []route {
	office, speed, mailroom, backlog := &office{d.Admin, d.Connections}, &speed{d.Review}, &mailroom{d.Mailroom}, &backlog{d.Backlog}
	table := []route{
		{method: http.MethodGet, path: "/admin", access: admin, handle: office.index},
		{method: http.MethodGet, path: "/admin/connections", access: admin, handle: office.connections},
		{method: http.MethodGet, path: pages.JobsPath, access: admin, handle: backlog.index},
		{method: http.MethodPost, path: pages.JobsPath + "/retry", access: admin, handle: backlog.retry},
		{method: http.MethodPost, path: pages.JobsPath + "/cancel", access: admin, handle: backlog.cancel},
		{method: http.MethodGet, path: pages.MailPath, access: admin, handle: mailroom.index},
		{method: http.MethodPost, path: pages.MailPath + "/retry", access: admin, handle: mailroom.retry},
		{method: http.MethodGet, path: pages.DoctorPath, access: admin, handle: d.examine},
		{method: http.MethodGet, path: "/admin/audit", access: admin, handle: office.audit},
		{method: http.MethodGet, path: "/admin/audit.csv", access: admin, handle: office.exportAudit, slow: true, limit: limits.Export},
		{method: http.MethodGet, path: pages.PerformancePath, access: admin, handle: speed.show},
		{method: http.MethodGet, path: pages.PerformancePath + "/live", access: admin, handle: speed.live},
	}
	return slices.Concat(table, d.staffRoutes(), d.sourceRoutes())
}

// sourceRoutes are where administrators add banks. Whoever changes one can lead people's tokens astray, so it asks for a
// recent proof.
func (d Deps) sourceRoutes() []route {
	const one, form = pages.ProvidersPath + "/:provider", pages.ProvidersPath + "/new"
	sources := &sources{d.Banks, d.Connections, d.BaseURL}
	off := sources.turn(true, "The bank is switched off. It is asked nothing any more, and its connections rest.")
	on := sources.turn(false, "The bank is switched on. Its connections are due now, one after the other.")
	return []route{
		{method: http.MethodGet, path: pages.ProvidersPath, access: admin, handle: sources.index},
		{method: http.MethodPost, path: pages.ProvidersPath, access: admin, fresh: form, handle: sources.create, slow: true, limit: limits.Trials},
		{method: http.MethodGet, path: form, access: admin, fresh: form, handle: sources.new},
		{method: http.MethodGet, path: one, access: admin, handle: sources.show},
		{method: http.MethodPost, path: one + "/test", access: admin, fresh: one, handle: sources.test, slow: true, limit: limits.Trials},
		{method: http.MethodGet, path: one + "/change", access: admin, fresh: one + "/change", handle: sources.edit},
		{method: http.MethodPost, path: one + "/change", access: admin, fresh: one + "/change", handle: sources.change, slow: true, limit: limits.Trials},
		{method: http.MethodPost, path: one + "/off", access: admin, fresh: one, handle: off},
		{method: http.MethodPost, path: one + "/on", access: admin, fresh: one, handle: on},
		{method: http.MethodGet, path: one + "/remove", access: admin, fresh: one + "/remove", handle: sources.askRemove},
		{method: http.MethodPost, path: one + "/remove", access: admin, fresh: one + "/remove", handle: sources.remove},
	}
}

// personPath is one person's page for administrators. What is done there asks for a recent proof (AZ-4).
const personPath = "/admin/users/:id"

// staffRoutes are what administrators do.
func (d Deps) staffRoutes() []route {
	staff, rules := &staff{d.Admin, d.Auth, d.Connections}, &rules{d.Auth, d.Configured}
	return []route{
		{method: http.MethodGet, path: "/admin/users", access: admin, handle: staff.index},
		{method: http.MethodGet, path: personPath, access: admin, handle: staff.show},
		{method: http.MethodPost, path: personPath + "/role", access: admin, fresh: personPath, handle: staff.setRole},
		{method: http.MethodPost, path: personPath + "/disable", access: admin, fresh: personPath, handle: staff.act(d.Auth.Disable, "The account is disabled. Whatever they were signed in with has ended.")},
		{method: http.MethodPost, path: personPath + "/enable", access: admin, fresh: personPath, handle: staff.act(d.Auth.Enable, "The account can be used again, with the password it had.")},
		{method: http.MethodPost, path: personPath + "/sign-out", access: admin, fresh: personPath, handle: staff.act(d.Auth.SignOut, "Whatever they were signed in with has ended.")},
		{method: http.MethodPost, path: personPath + "/reset", access: admin, fresh: personPath, handle: staff.act(d.Auth.StartReset, "A link to choose a new password is on its way to them.")},
		{method: http.MethodGet, path: personPath + "/delete", access: admin, fresh: personPath + "/delete", handle: staff.askDelete},
		{method: http.MethodPost, path: personPath + "/delete", access: admin, fresh: personPath + "/delete", handle: staff.remove, slow: true},
		{method: http.MethodGet, path: "/admin/settings", access: admin, handle: rules.show},
		{method: http.MethodPost, path: "/admin/settings", access: admin, fresh: "/admin/settings", handle: rules.invite},
		{method: http.MethodPost, path: "/admin/invitations/:id/revoke", access: admin, fresh: "/admin/settings", handle: rules.revoke},
	}
}

var (
	errSignedOut = errs.New(errs.Unauthenticated, "Sign in first.")
	errNotAdmin  = errs.New(errs.Forbidden, "This page is for administrators.")
	errUnclear   = errs.New(errs.Invalid, "The address holds characters that cannot be read.")
)

// guard is what stands before every handler: who may come in and how long ago they proved it, how long it may take, and
// for addresses that hold a token that the address goes nowhere else.
func guard(rt route) echo.HandlerFunc {
	limit := usual
	if rt.slow {
		limit = longest
	}
	return func(c echo.Context) error {
		r := c.Request()
		web.InfoFrom(r.Context()).Route = rt.path
		discreet(rt, c.Response().Header())
		visitor := auth.VisitorFrom(r.Context())
		if err := admit(rt, visitor.User); err != nil {
			return err
		}
		if err := readable(r.URL); err != nil {
			return err
		}
		if rt.fresh != "" && !visitor.Fresh {
			return toReauth(c, rt.fresh)
		}
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		defer c.SetRequest(r) // an error's page is made after the handler, when its time may be over
		c.SetRequest(r.WithContext(ctx))
		return rt.handle(c)
	}
}

// discreet keeps private pages out of search engines, and an address that holds a token from going anywhere else.
func discreet(rt route, h http.Header) {
	if rt.access != public {
		h.Set("X-Robots-Tag", "noindex")
	}
	if strings.Contains(rt.path, ":token") {
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
	}
}

// admit decides whether person, nil for a stranger, may call rt.
func admit(rt route, person *auth.User) error {
	switch {
	case rt.access == public:
		return nil
	case person == nil && rt.stranger != nil:
		return rt.stranger
	case person == nil:
		return errSignedOut
	case rt.access == admin && !person.Admin():
		return errNotAdmin
	}
	return nil
}

// readable refuses text the database cannot be asked about: in the path it names nothing there could be, in the query it
// is bad input.
func readable(u *url.URL) error {
	query, err := url.QueryUnescape(u.RawQuery)
	switch {
	case !storable(u.Path):
		return web.ErrNoPage
	case err != nil || !storable(query):
		return errUnclear
	}
	return nil
}

func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
