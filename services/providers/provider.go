package providers

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/errs"
	"dashtam/services/ledger"
	"dashtam/services/tokens"
)

// Proof is how far Dashtam's claim to speak with a provider has been checked.
type Proof string

// The grades of proof. Only the last two count as support.
const (
	Declared Proof = "declared" // written down, never run
	Checked  Proof = "checked"  // against the provider's published specification
	Seen     Proof = "seen"     // run against the provider itself
)

// Profile is what is declared about a provider. It holds no secret.
type Profile struct {
	Slug     string // in URLs: [a-z][a-z0-9-]{1,30}
	Name     string
	Kind     string // which adapter: "fdx"
	Issuer   string // OAuth 2.0 issuer, exactly as its metadata says
	API      string // base URL of the data, without a slash at the end
	ClientID string
	Scopes   []string // the least that is needed (OA-18)

	HistoryDays int  // how far back the first sync asks
	WindowDays  int  // how many days one request may ask for; 0 = any number
	AtOnce      int  // how many connections one node reads at the same time; 0 = 8
	DailyReads  int  // requests a day for one connection, before the bank refuses or bans; 0 = no such limit
	ConsentDays int  // how long a permission lasts; 0 = until it is withdrawn
	SignInDays  int  // how long one sign-in at the bank lasts at all, whatever is renewed meanwhile; 0 = as long as the permission
	Sandbox     bool // invented customers and money
	Proof       Proof
	CheckedOn   time.Time
	Added       bool // by an administrator, not built in
	Off         bool // switched off: nothing is asked of it
}

// DueDays is after how many days the person has to be at the bank again: the permission's end or the sign-in's, whichever
// comes first. 0 = never.
func (p Profile) DueDays() int {
	if p.ConsentDays == 0 || p.SignInDays == 0 {
		return p.ConsentDays + p.SignInDays
	}
	return min(p.ConsentDays, p.SignInDays)
}

// Reads is what a permission lets us read besides accounts and balances.
type Reads struct{ Transactions, Holdings bool }

// Reads says what granted scopes allow. Something is left out only where the profile asks for a scope that is named after
// it and the person did not grant that; a bank with one scope for everything gives everything.
func (p Profile) Reads(granted []string) Reads {
	may := func(word string) bool {
		named := func(scope string) bool { return strings.Contains(strings.ToLower(scope), word) }
		return len(granted) == 0 || !slices.ContainsFunc(p.Scopes, named) || slices.ContainsFunc(granted, named)
	}
	return Reads{Transactions: may("transaction"), Holdings: may("investment")}
}

// Access is how permission to read is asked for, renewed and given back. Each call is at most one token request (OA-10).
type Access interface {
	// AuthorizeURL is where the person's browser goes.
	AuthorizeURL(ctx context.Context, a Attempt) (string, error)
	// Exchange turns the bank's answer into tokens, after it proved to be this bank's (OA-3).
	Exchange(ctx context.Context, a Attempt, answer Answer) (Grant, error)
	// Refresh asks for new tokens.
	Refresh(ctx context.Context, refresh encryption.Secret) (tokens.Tokens, error)
	// Revoke tells the bank that the tokens are not needed any more (RFC 7009).
	Revoke(ctx context.Context, t tokens.Tokens) error
}

// Data is how what the bank knows is read. Failures are *Failure.
type Data interface {
	// Accounts lists the accounts with balances and holdings, without transactions.
	Accounts(ctx context.Context, access encryption.Secret) ([]ledger.BankAccount, error)
	// Transactions reads one page of what happened on an account from..to (dates, both included). An empty cursor is the
	// first page; others come from the page before, perhaps of an earlier process.
	Transactions(ctx context.Context, access encryption.Secret, account Account, from, to time.Time, cursor string) (Page, error)
}

// Account is what has to be known of an account to ask for its transactions.
type Account struct {
	ID       string // the bank's
	Currency string
}

// Attempt is the secrets of one authorization on its way.
type Attempt struct {
	State    string
	Verifier string // PKCE, RFC 7636
	Nonce    string // of the identity token, OpenID Connect Core 3.1.2.1
}

// Answer is what the bank sent back through the browser.
type Answer struct {
	Code   string
	Issuer string // RFC 9207; may be empty
}

// Grant is what a person's permission brought.
type Grant struct {
	tokens.Tokens
	Subject string   // the bank login's stable id; empty when the bank has none to tell
	Scopes  []string // as granted, which may be less than was asked for
}

// Provider is one bank, ready to be spoken to.
type Provider struct {
	Profile Profile
	Access  Access
	Data    Data
	Probe   Probe // nil where there is nothing to be tested
}

// Probe tries what can be tried of a bank without a person; with client also, by one token request that must fail, whether
// the bank knows the client.
type Probe func(ctx context.Context, client bool) []Finding

// State is how a trial went.
type State string

// The states. Only Broken keeps people from connecting.
const (
	Works    State = "ok"
	Doubtful State = "warn"
	Broken   State = "fail"
)

// Finding is what was tried, what came of it and what to do; nothing in it is a bank's own text.
type Finding struct {
	Name  string
	State State
	Found string // in plain words
	Do    string // empty = nothing
	Field string // the field of the form that this proves wrong, whatever comes later; empty = none
}

// What is said of a bank that cannot be spoken to. ErrSwitchedOff is what a person reads; ErrNoRevocation is what Revoke
// answers where the bank takes no such request.
var (
	ErrUnknown     = errs.New(errs.NotFound, "There is no such bank.")
	ErrSwitchedOff = errs.New(errs.Conflict, "The administrator switched this bank off for now. What was fetched stays.")

	ErrNoRevocation = errs.New(errs.Conflict, "This bank cannot be told by a program.")
)

// Registry is the providers of this installation, in the order they are shown. Everybody who has one sees what Service
// puts into it.
type Registry struct{ list atomic.Pointer[[]Provider] }

// NewRegistry makes a Registry.
func NewRegistry(list ...Provider) *Registry {
	r := new(Registry)
	r.list.Store(&list)
	return r
}

func (r *Registry) all() []Provider { return *r.list.Load() }

// Get finds a provider by its slug, or ErrUnknown.
func (r *Registry) Get(slug string) (Provider, error) {
	list := r.all()
	i := slices.IndexFunc(list, func(p Provider) bool { return p.Profile.Slug == slug })
	if i < 0 {
		return Provider{}, ErrUnknown
	}
	return list[i], nil
}

// Profiles lists what is declared.
func (r *Registry) Profiles() []Profile {
	list := r.all()
	profiles := make([]Profile, len(list))
	for i, p := range list {
		profiles[i] = p.Profile
	}
	return profiles
}
