package connections

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/errs"
	"dashtam/services/jobs"
	"dashtam/services/limits"
	"dashtam/services/postgres"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// What can go wrong. All but ErrNotFound and ErrNoAttempt are Conflict: to be told on the page the person came from.
var (
	ErrNotFound  = errs.New(errs.NotFound, "There is no such connection.")
	ErrNoAttempt = errs.New(errs.Forbidden, "This visit to the bank was not started here, is over, or was already used. Start again.")

	ErrDenied      = errs.New(errs.Conflict, "You did not give permission at the bank. Nothing was connected.")
	ErrBankAway    = errs.New(errs.Conflict, "The bank could not answer just now. Nothing was connected. Try again in a few minutes.")
	ErrBankRefuses = errs.New(errs.Conflict, "The bank does not accept Dashtam. Nothing was connected. The administrator has to look into it.")
	ErrBadAnswer   = errs.New(errs.Conflict, "The bank's answer could not be used. Nothing was connected. Start again.")
	ErrOtherLogin  = errs.New(errs.Conflict, "You signed in at the bank with another login than this connection was made with, so nothing was changed. Connect that login on its own, or renew with the first one.")
	ErrTooMuch     = errs.New(errs.Conflict, "The bank gave more access than Dashtam asked for, so nothing was kept.")
	ErrGone        = errs.New(errs.Conflict, "This connection has ended. Connect the bank again first.")
)

// startRule bounds how often one person can send us to a bank (RL-1).
var startRule = limits.Rule{Name: "connect", Max: 60, Window: time.Hour}

// attemptLife is how long a person has at the bank (OA-1).
const attemptLife = 10 * time.Minute

// Config is what a Service needs.
type Config struct {
	DB        postgres.DB // a pool
	Tokens    *tokens.Service
	Providers *providers.Registry
	Limits    *limits.Service
	Jobs      *jobs.Queue
	// Key derives states and PKCE verifiers: Keyring.Derive("connect").
	Key []byte
	// Enqueue queues the first sync of a connection (the whole history) in the caller's transaction: syncer.Enqueue.
	Enqueue func(ctx context.Context, tx pgx.Tx, who actor.Actor, connection uuid.UUID) error
	// Ask bounds everything asked of the bank while a person waits. 0 = 45 s.
	Ask time.Duration
	// Tell bounds one try of telling a bank that its tokens are not needed any more. 0 = 5 s.
	Tell time.Duration
}

// Service keeps connections.
type Service struct{ c Config }

// New makes a Service. It does no I/O.
func New(c Config) *Service {
	if c.Ask == 0 {
		c.Ask = 45 * time.Second
	}
	if c.Tell == 0 {
		c.Tell = 5 * time.Second
	}
	return &Service{c}
}

// Providers lists the banks that can be connected.
func (s *Service) Providers() []providers.Profile { return s.c.Providers.Profiles() }

// Provider finds one of them by its slug, or providers.ErrUnknown.
func (s *Service) Provider(slug string) (providers.Profile, error) {
	p, err := s.c.Providers.Get(slug)
	return p.Profile, err
}
