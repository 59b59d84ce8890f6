package tokens

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"dashtam/services/encryption"
	"dashtam/services/errs"
	"dashtam/services/postgres"
	"dashtam/services/profile"
)

// What can go wrong with a connection's tokens. None of their texts holds a token.
var (
	// ErrNone says that there are no tokens: never stored, or destroyed.
	ErrNone = errs.New(errs.NotFound, "Dashtam holds no access to this bank any more.")
	// ErrTampered says that what is stored does not open, or is not the newest that was stored. An audit row says so too.
	ErrTampered = errs.New(errs.Conflict, "The stored access to this bank could not be opened.")
	// ErrNoRefresh says that the bank gave no refresh token, so only the person can renew the access.
	ErrNoRefresh = errs.New(errs.Conflict, "The bank gave no way to renew the access.")
	// ErrInDoubt says that two answers to refreshes were lost, so the stored refresh token may be worthless (OA-13).
	ErrInDoubt = errs.New(errs.Conflict, "The bank's answer was lost twice.")
	// ErrBusy says that another worker's refresh failed or is still going on; try again later.
	ErrBusy = errs.Retry(errs.Unavailable, "The access to this bank is being renewed.", 10*time.Second)
	// ErrAnswerLost is what an exchange's error matches when the request went out and no whole answer came back.
	ErrAnswerLost = errors.New("tokens: the answer was lost")
)

// Tokens is what a bank hands out.
type Tokens struct {
	Access    encryption.Secret
	Refresh   encryption.Secret // empty: none was given, or (at a refresh) the old one stays
	ExpiresIn time.Duration     // of the access token; 0 when the bank did not say
}

// Access is an opened access token and the generation it belongs to.
type Access struct {
	Token      encryption.Secret
	Generation int64
}

// Exchange asks the bank for new tokens, exactly once. It is called outside any transaction, with a context that the
// caller's cancellation does not reach: an answer on its way must not be thrown away (RL-6).
type Exchange func(ctx context.Context, refresh encryption.Secret) (Tokens, error)

// Config is what a Service needs. Zero durations become the production values.
type Config struct {
	DB    postgres.DB // a pool: answers are committed on their own
	Keys  *encryption.Keyring
	Lease time.Duration // 60 s: how long one refresher keeps others away; longer than Post
	Post  time.Duration // 25 s: how long the bank may take
	Keep  time.Duration // 2 min: how long storing an answer is retried while the database is away
	Wait  time.Duration // 50 ms: between looks at somebody else's refresh

	// Spool is the directory for answers that cannot be stored because the database is away; empty = there is none.
	Spool string

	// Reload looks for keys that were added since, when a key is met that is not in Keys; nil = there is nowhere to look.
	Reload func() error

	Profile *profile.Profile // times sealing and opening; may be nil
}

// Service keeps tokens.
type Service struct {
	db   postgres.DB
	keys *encryption.Keyring
	c    Config
}

// New makes a Service. It does no I/O; CheckKeys must have succeeded before anything is stored.
func New(c Config) *Service {
	c.Lease, c.Post = orDefault(c.Lease, time.Minute), orDefault(c.Post, 25*time.Second)
	c.Keep, c.Wait = orDefault(c.Keep, 2*time.Minute), orDefault(c.Wait, 50*time.Millisecond)
	return &Service{db: c.DB, keys: c.Keys, c: c}
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}

// owner is the row everything here is about.
type owner struct{ user, connection uuid.UUID }
