package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"dashtam/services/errs"
	"dashtam/services/postgres"
)

// How long things last.
const (
	visitLasts  = 10 * time.Minute // from the authorization request to the customer's decision
	codeLasts   = time.Minute
	accessLasts = 15 * time.Minute
	GrantLasts  = 180 * 24 * time.Hour // what a customer allows in one consent
)

// Errors of this package that callers tell apart.
var (
	ErrNoClient     = errs.New(errs.NotFound, "The bank does not know this app.")
	ErrOver         = errs.New(errs.NotFound, "This request is over. Go back to the app you came from and start again.")
	ErrInvalidGrant = errs.New(errs.Unauthenticated, "This code or token is not good, or not good any more.")
	ErrWrongClient  = errs.New(errs.Forbidden, "This token was given to another app.")
)

// Service keeps the bank's state in db.
type Service struct {
	db postgres.DB
}

// New makes a Service over db.
func New(db postgres.DB) *Service { return &Service{db: db} }

// newSecret is 256 bits of chance as base64url.
func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// hash is the form in which secrets of this package are kept. They are random and long, so one plain hash is enough.
func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// storable reports whether PostgreSQL can keep every text.
func storable(texts ...string) bool {
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.ContainsRune(t, 0) {
			return false
		}
	}
	return true
}
