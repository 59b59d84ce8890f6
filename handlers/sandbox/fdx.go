package sandbox

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"dashtam/services/errs"
	"dashtam/services/sandbox"
	"dashtam/services/sandbox/books"
)

// fdxError is FDX v6's error body.
type fdxError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Debug   string `json:"debugMessage,omitempty"`

	status int
}

func (e *fdxError) Error() string { return e.Message }

// FDX v6's error codes, as far as this bank needs them.
var (
	errToken       = &fdxError{"401", "Invalid access token", "The token is missing, unknown, expired or revoked.", http.StatusUnauthorized}
	errScope       = &fdxError{"602", "Customer not authorized", "The customer did not allow this: a scope is missing.", http.StatusForbidden}
	errNoAccount   = &fdxError{"701", "Account not found", "", http.StatusNotFound}
	errDate        = &fdxError{"702", "Invalid start or end date", "Dates look like 2026-11-24 or 2026-11-24T09:30:00Z.", http.StatusBadRequest}
	errDateRange   = &fdxError{"703", "Invalid date range", "startTime is after endTime.", http.StatusBadRequest}
	errPage        = &fdxError{"400", "Invalid page", "limit is a whole number above 0; offset and pageKey come from the answer before.", http.StatusBadRequest}
	errNoSuchData  = &fdxError{"404", "Data not found for request parameters", "There is nothing at this address.", http.StatusNotFound}
	errAway        = &fdxError{"501", "Subsystem unavailable", "", http.StatusServiceUnavailable}
	errInternal    = &fdxError{"500", "Internal server error", "", http.StatusInternalServerError}
	errMisbehaving = &fdxError{"500", "The bank was told to answer like this", "See /faults.", 0}
)

// visit is one authorised question: whose data it is about, and the books to answer from.
type visit struct {
	*http.Request
	grant sandbox.Grant
	books *books.Books
	at    time.Time
}

// outside is an account's id as this permission shows it, inside the bank's own; nobody's when it is of another.
func (v visit) outside(id string) string { return id + v.grant.AccountSalt }

func (v visit) inside(id string) string {
	if inner, ok := strings.CutSuffix(id, v.grant.AccountSalt); ok {
		return inner
	}
	return ""
}

func (v visit) may(scope string) bool { return slices.Contains(v.grant.Scopes, scope) }

// api checks the access token and that one of the scopes was granted, shows the faults that were asked for, and writes
// what answer says.
func (b *bank) api(answer func(visit) (any, error), scopes ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g, err := b.bearer(r)
		var list []sandbox.Fault
		if err == nil {
			list, err = b.Bank.AnswerFaults(r.Context(), g.Username, false)
		}
		if err != nil {
			b.fdxFailure(w, r, err)
			return
		}
		show(w, r, list, errMisbehaving, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := b.answer(r, g, answer, scopes)
			if err != nil {
				b.fdxFailure(w, r, err)
				return
			}
			writeJSON(w, http.StatusOK, body)
		}))
	}
}

func (b *bank) answer(r *http.Request, g sandbox.Grant, answer func(visit) (any, error), scopes []string) (any, error) {
	if !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(g.Scopes, s) }) {
		return nil, errScope
	}
	own, at, err := b.booksOf(r.Context(), g)
	if err != nil {
		return nil, err
	}
	return answer(visit{Request: r, grant: g, books: own, at: at})
}

// bearer finds what an access token (RFC 6750) opens.
func (b *bank) bearer(r *http.Request) (sandbox.Grant, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return sandbox.Grant{}, errToken
	}
	inner, err := opaque{}.Decrypt(strings.TrimSpace(token))
	if err != nil {
		return sandbox.Grant{}, errToken
	}
	id, subject, _ := strings.Cut(inner, ":")
	g, err := b.Bank.GrantByAccess(r.Context(), id)
	if errors.Is(err, sandbox.ErrInvalidGrant) || (err == nil && books.CustomerOf(g.Username).ID != subject) {
		return sandbox.Grant{}, errToken
	}
	return g, err
}

func (b *bank) fdxFailure(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*fdxError](err)
	if !ok {
		b.Log.ErrorContext(r.Context(), "sandbox bank: api", "error", err)
		e = errInternal
		if errs.KindOf(err) == errs.Unavailable {
			e = errAway
		}
	}
	switch e {
	case errAway:
		w.Header().Set("Retry-After", "5")
	case errToken:
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	case errScope:
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
	}
	writeJSON(w, e.status, e)
}

func noSuchData(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, errNoSuchData.status, errNoSuchData)
}

func (b *bank) customer(v visit) (any, error) {
	c := v.books.Customer
	out := fdxCustomer{CustomerID: c.ID, Name: fdxName{First: c.First, Last: c.Last}, Email: []string{c.Email}, Accounts: []fdxRelation{}}
	for _, a := range v.books.Accounts(v.at) {
		out.Accounts = append(out.Accounts, fdxRelation{AccountID: v.outside(a.ID), Relationship: "PRIMARY"})
	}
	return out, nil
}

func (b *bank) accounts(v visit) (any, error) {
	p, err := pageOf(v)
	if err != nil {
		return nil, err
	}
	all := v.books.Accounts(p.at)
	part, page := cut(p, all)
	list := make([]fdxAccount, len(part))
	for i, a := range part {
		a.ID = v.outside(a.ID)
		list[i] = fdxAccountOf(a, p.at, v.may(scopeDetailed), v.may(scopeInvestments))
	}
	return map[string]any{"page": page, "accounts": list}, nil
}

func (b *bank) account(v visit) (any, error) {
	a, ok := v.books.Account(v.inside(v.PathValue("id")), v.at)
	if !ok {
		return nil, errNoAccount
	}
	a.ID = v.outside(a.ID)
	return fdxAccountOf(a, v.at, true, v.may(scopeInvestments)), nil
}

func (b *bank) transactions(v visit) (any, error) {
	p, err := pageOf(v)
	if err != nil {
		return nil, err
	}
	from, to, err := period(v.FormValue("startTime"), v.FormValue("endTime"))
	if err != nil {
		return nil, err
	}
	account, ok := v.books.Account(v.inside(v.PathValue("id")), p.at)
	if !ok {
		return nil, errNoAccount
	}
	all, _ := v.books.Transactions(account.ID, p.at) // the account was just found
	all = slices.DeleteFunc(all, func(t books.Transaction) bool {
		return t.When().Before(from) || (!to.IsZero() && t.When().After(to))
	})
	part, page := cut(p, all)
	list := make([]fdxTransaction, len(part))
	for i, t := range part {
		list[i] = fdxTransactionOf(account, t)
	}
	return map[string]any{"page": page, "transactions": list}, nil
}

// period reads startTime and endTime, either of which may be missing. A plain date at the end means that whole day.
func period(start, end string) (from, to time.Time, err error) {
	if start != "" {
		if from, _, err = when(start); err != nil {
			return from, to, err
		}
	}
	if end != "" {
		var whole bool
		if to, whole, err = when(end); err != nil {
			return from, to, err
		}
		if whole {
			to = to.AddDate(0, 0, 1).Add(-time.Nanosecond)
		}
		if to.Before(from) {
			return from, to, errDateRange
		}
	}
	return from, to, nil
}

func when(s string) (t time.Time, wholeDay bool, err error) {
	if t, err = time.Parse(time.DateOnly, s); err == nil {
		return t, true, nil
	}
	if t, err = time.Parse(time.RFC3339, s); err == nil {
		return t, false, nil
	}
	return t, false, errDate
}
