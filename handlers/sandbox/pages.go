package sandbox

import (
	"bytes"
	"errors"
	"net/http"
	"slices"

	"github.com/a-h/templ"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"dashtam/services/errs"
	"dashtam/services/sandbox"
	views "dashtam/views/sandbox"
)

var errNoPage = errs.New(errs.NotFound, "There is no such page at this bank.")

func (b *bank) home(w http.ResponseWriter, r *http.Request) {
	b.page(w, r, http.StatusOK, views.Home(b.Issuer))
}

// noIcon: the icon among the static files is Dashtam's.
func noIcon(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func (b *bank) noSuchPage(w http.ResponseWriter, r *http.Request) { b.sorry(w, r, errNoPage) }

func (b *bank) loginForm(w http.ResponseWriter, r *http.Request) {
	visit, app, err := b.visit(r)
	if err != nil {
		b.sorry(w, r, err)
		return
	}
	b.page(w, r, http.StatusOK, views.Login(views.LoginForm{Request: visit.GetID(), App: app, Username: visit.Username}))
}

func (b *bank) login(w http.ResponseWriter, r *http.Request) {
	visit, app, err := b.visit(r)
	if err != nil {
		b.sorry(w, r, err)
		return
	}
	username := r.PostFormValue("username")
	err = b.Bank.SignIn(r.Context(), visit.ID, session(w, r), username)
	if problem := errs.FieldsOf(err)["username"]; problem != "" {
		form := views.LoginForm{Request: visit.GetID(), App: app, Username: username, Problem: problem}
		b.page(w, r, http.StatusUnprocessableEntity, views.Login(form))
		return
	}
	if err != nil {
		b.sorry(w, r, err)
		return
	}
	http.Redirect(w, r, "/consent?id="+visit.GetID(), http.StatusSeeOther) //nolint:gosec // a path of ours and an id from the database
}

func (b *bank) consentForm(w http.ResponseWriter, r *http.Request) {
	visit, app, err := b.visit(r)
	if err == nil && !visit.Of(sessionOf(r)) {
		err = sandbox.ErrOver
	}
	if err != nil {
		b.sorry(w, r, err)
		return
	}
	leadTo(r.Context(), w, visit.RedirectURI)
	b.page(w, r, http.StatusOK, views.Consent(b.consentOf(visit, app, "")))
}

func (b *bank) consentOf(visit authRequest, app, problem string) views.ConsentForm {
	drawn, now := b.shelf.of(visit.Username)
	form := views.ConsentForm{
		Request: visit.GetID(), App: app, Username: visit.Username, Problem: problem, Ends: now.Add(sandbox.GrantLasts), Days: int(sandbox.GrantLasts.Hours() / 24),
		Offline: slices.Contains(visit.Scopes, oidc.ScopeOfflineAccess), Accounts: drawn.Accounts(now),
	}
	for _, scope := range visit.Scopes {
		if sentence, ok := sentences[scope]; ok {
			form.May = append(form.May, sentence)
		}
	}
	return form
}

// sentences say what a scope lets an app do.
var sentences = map[string]views.Permission{
	scopeBasic:        {What: "Your accounts", Detail: "Names, kinds and the last four digits of their numbers"},
	scopeDetailed:     {What: "Your accounts and their balances", Detail: "Names, kinds, last four digits, balances, limits and interest rates"},
	scopeTransactions: {What: "Transactions", Detail: "All since an account was opened, pending ones too"},
	scopeInvestments:  {What: "Investments", Detail: "Holdings, with units, cost and value"},
	scopeCustomer:     {What: "Who you are", Detail: "Your name and e-mail address"},
	oidc.ScopeProfile: {What: "Your name", Detail: "As the bank has it"},
	oidc.ScopeEmail:   {What: "Your e-mail address", Detail: "As the bank has it"},
}

func (b *bank) consent(w http.ResponseWriter, r *http.Request) {
	visit, app, err := b.visit(r)
	if err == nil && !visit.Of(sessionOf(r)) {
		err = sandbox.ErrOver
	}
	if err != nil {
		b.sorry(w, r, err)
		return
	}
	decision := r.PostFormValue("decision")
	if decision != "allow" && decision != "deny" {
		leadTo(r.Context(), w, visit.RedirectURI)
		b.page(w, r, http.StatusUnprocessableEntity, views.Consent(b.consentOf(visit, app, "Choose Allow or Do not allow.")))
		return
	}
	if _, err := b.Bank.Decide(r.Context(), visit.ID, sessionOf(r), decision == "allow"); err != nil {
		b.sorry(w, r, err)
		return
	}
	next := op.AuthCallbackURL(b.provider)(op.ContextWithIssuer(r.Context(), b.Issuer), visit.GetID())
	if decision == "deny" {
		denied := oidc.ErrAccessDenied()
		denied.State = visit.State
		next, err = op.AuthResponseURL(visit.RedirectURI, oidc.ResponseTypeCode, visit.GetResponseMode(), denied, b.provider.Encoder())
		if err != nil {
			b.sorry(w, r, err)
			return
		}
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // the redirect URI is compared with the registered ones
}

// visit is the undecided request that a page's address names, and the name of the app behind it.
func (b *bank) visit(r *http.Request) (authRequest, string, error) {
	found, err := b.Bank.Request(r.Context(), r.URL.Query().Get("id"))
	if err != nil {
		return authRequest{}, "", err
	}
	if found.Decision != "" {
		return authRequest{}, "", sandbox.ErrOver
	}
	c, err := b.Bank.Client(r.Context(), found.ClientID)
	return authRequest{found}, c.Name, err
}

// ownVisit lets a request end in a code only in the browser that signed in to it.
func (b *bank) ownVisit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, err := b.Bank.Request(r.Context(), r.URL.Query().Get("id"))
		if err == nil && (!found.Of(sessionOf(r)) || found.Decision != "allow") {
			err = sandbox.ErrOver
		}
		if err != nil {
			b.sorry(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// page renders whole before anything is sent, so that a failure is not half a page.
func (b *bank) page(w http.ResponseWriter, r *http.Request, status int, body templ.Component) {
	var out bytes.Buffer
	if err := body.Render(r.Context(), &out); err != nil {
		b.Log.ErrorContext(r.Context(), "sandbox bank: page", "error", err)
		http.Error(w, "Something went wrong inside the bank.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // the reader went away: nobody is left to tell
}

// sorry is the page for what could not be done.
func (b *bank) sorry(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusInternalServerError, "Something went wrong inside the bank. Nothing was shared."
	switch errs.KindOf(err) {
	case errs.NotFound:
		status, text = http.StatusNotFound, errs.Message(err)
	case errs.Invalid:
		status, text = http.StatusBadRequest, errs.Message(err)
	case errs.Unavailable:
		status, text = http.StatusServiceUnavailable, "The bank cannot be reached at the moment. Nothing was shared."
		w.Header().Set("Retry-After", "5")
	default:
		b.Log.ErrorContext(r.Context(), "sandbox bank: page", "error", err)
	}
	b.page(w, r, status, views.Sorry(text))
}

var errUnknownApp = errs.New(errs.Invalid, "The app that sent you here made a request this bank cannot accept: it is not known here, "+
	"or the address it wants you to come back to is not one it named. Nothing was shared.")

// authorize begins a visit. The bank's own page takes the place of the library's plain text when a request cannot even
// be sent back; and the client is looked up first, because the library blames the app when the database is away.
func (b *bank) authorize(w http.ResponseWriter, r *http.Request) {
	if _, err := b.Bank.Client(r.Context(), r.FormValue("client_id")); err != nil && !errors.Is(err, sandbox.ErrNoClient) {
		b.sorry(w, r, err)
		return
	}
	held := &redirectOnly{ResponseWriter: w}
	b.provider.ServeHTTP(held, r)
	if held.refused {
		b.sorry(w, r, errUnknownApp)
	}
}

// redirectOnly passes redirects and swallows errors.
type redirectOnly struct {
	http.ResponseWriter
	refused bool
}

func (w *redirectOnly) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		w.refused = true
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *redirectOnly) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}
