package doctor

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"dashtam/services/actor"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/postgres"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// State is how a check went.
type State string

// The states. Only Fail keeps something from working.
const (
	OK   State = "ok"
	Warn State = "warn"
	Fail State = "fail"
)

// Check is what was found about one part.
type Check struct {
	Name  string
	State State
	Found string // in plain words
	Do    string // empty = nothing
	Copy  []Line // values to be entered elsewhere
}

// Line is a value with its name.
type Line struct{ Label, Value string }

// ErrNotAdmin is what everybody else is told.
var ErrNotAdmin = errs.New(errs.Forbidden, "Only administrators can do this.")

// Config is what is looked at.
type Config struct {
	BaseURL    *url.URL
	SelfSigned bool           // the certificate of BaseURL is one nobody vouches for, on purpose
	Proxies    []netip.Prefix // whose X-Forwarded-* count
	Key        []byte         // Keyring.Derive("doctor"): by it a Dashtam knows its own; nil where there are no keys

	Tokens    *tokens.Service // nil where KeysFault says why there are no keys
	KeysFault error           // never repeats a key
	KeyFile   string          // empty = the keys stand in the environment

	DB        *postgres.Pool
	Embedded  bool // the database lies in the data directory
	DataDir   string
	Mail      func(ctx context.Context) (email.Sender, error)
	MailKind  string // outbox, smtp, ses
	Providers func() []providers.Profile
	Banks     *http.Client                           // asks banks
	Free      func(directory string) (uint64, error) // bytes on its disk; nil = as the system says
	Now       func() time.Time                       // nil = time.Now
}

// Service is the doctor.
type Service struct {
	c    Config
	self *http.Client
}

// New makes a Service. It does no I/O.
func New(c Config) *Service {
	if c.Free == nil {
		c.Free = free
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c, newClient(c.SelfSigned)}
}

const (
	// deadline is what a check may take.
	deadline = 5 * time.Second
	// patience is when a check that does not heed its deadline is given up: one that waits for a disk cannot.
	patience = deadline + time.Second
)

// Run carries out all checks, for administrators and the command line. Its only error is ErrNotAdmin.
func (s *Service) Run(ctx context.Context, who actor.Actor) ([]Check, error) {
	if who.Kind != actor.Admin && who.Kind != actor.System {
		return nil, ErrNotAdmin
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	visit := sync.OnceValue(func() visit { return s.visit(ctx) }) // two checks look at one answer
	checks := []struct {
		name string
		look func() Check
	}{
		{"Base URL", func() Check { return s.base(visit()) }},
		{"Proxy headers", func() Check { return s.proxy(visit()) }},
		{"Callback", func() Check { return s.callback(ctx) }},
		{"Mail", func() Check { return s.mail(ctx) }},
		{"Clock", func() Check { return s.clock(ctx) }},
		{"Keys", func() Check { return s.keys(ctx) }},
		{"Database", func() Check { return s.database(ctx) }},
		{"Disk", func() Check { return s.disk() }},
	}
	found := make([]Check, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			found[i] = within(patience, c.look)
			found[i].Name = c.name
		})
	}
	all.Wait()
	return found, nil
}

// within is what look finds, unless that takes longer than limit; look then ends on its own or not at all.
func within(limit time.Duration, look func() Check) Check {
	done := make(chan Check, 1)
	go func() { done <- look() }()
	select {
	case c := <-done:
		return c
	case <-time.After(limit):
		return Check{State: Fail, Found: "There was no answer in time.", Do: "See whether what this part stands on hangs: a disk, or a server on the network."}
	}
}
