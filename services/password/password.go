package password

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"dashtam/services/errs"
)

const (
	// DefaultCost is bcrypt's cost for new hashes: 2^12 rounds, from the document Dashtam began with.
	DefaultCost = 12
	// MinLength is counted in characters after normalisation.
	MinLength = 8
	// MaxBytes are counted as they were typed.
	MaxBytes = 1024

	// label keys the digest, so that our hashes match nobody else's. It is no secret and must never change.
	label = "dashtam/password/v1"
	// dummyTail is salt and digest of no password: comparing with it takes the same work and never succeeds.
	dummyTail = "N9qo8uLOickgx2ZMRZoMyePmRgVAeHMYa8bR1dbDqyX8vQ0FhTqTu"
)

// Service hashes with one cost. It holds nothing else and may be used by any number of goroutines.
type Service struct{ cost int }

// New makes a Service whose new hashes have cost (0 = DefaultCost). A cost bcrypt does not know makes hashing fail.
func New(cost int) *Service {
	if cost == 0 {
		cost = DefaultCost
	}
	return &Service{cost}
}

// HashPassword gives the bcrypt string to store. A text that can be no password (too long, NUL, invalid UTF-8) is an
// Invalid error for the field "password"; whether it is a good one is ValidatePasswordStrength's question.
func (s *Service) HashPassword(password string) (string, error) {
	digest, sentence := digest(password)
	if sentence != "" {
		return "", errs.Field("password", sentence)
	}
	hash, err := bcrypt.GenerateFromPassword(digest, s.cost)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	return string(hash), nil
}

// VerifyPassword reports whether plain is the password that was hashed. A text that can be no password never is. It takes
// as long as against a hash of today's cost, however old and cheap hashed is: else whoever has had an account for long
// could be told from an unknown address (LG-2).
func (s *Service) VerifyPassword(plain, hashed string) bool {
	digest, sentence := digest(plain)
	if sentence != "" {
		return false
	}
	right := bcrypt.CompareHashAndPassword([]byte(hashed), digest) == nil
	for _, rest := range s.RestOfWork(hashed) {
		_ = bcrypt.CompareHashAndPassword([]byte(rest), digest) // never succeeds; it only takes its time
	}
	return right
}

// NeedsRehash reports whether hashed is weaker than today's cost, so that a login should store a new hash (PW-7).
func (s *Service) NeedsRehash(hashed string) bool {
	cost, err := bcrypt.Cost([]byte(hashed))
	return err != nil || cost < s.cost
}

// DummyHash is a hash of no password at today's cost: verifying against it for an unknown address takes as long as
// for a known one (LG-2, PW-7).
func (s *Service) DummyHash() string { return dummy(s.cost) }

// RestOfWork are hashes of no password. Verifying against hashed and then against each of them takes as long as against
// DummyHash, however old and cheap hashed is: 2^10 + 2^10 + 2^11 rounds are 2^12.
func (s *Service) RestOfWork(hashed string) []string {
	cost, err := bcrypt.Cost([]byte(hashed))
	if err != nil {
		return []string{s.DummyHash()} // nothing was computed
	}
	var rest []string
	for ; cost < s.cost; cost++ {
		rest = append(rest, dummy(cost))
	}
	return rest
}

// IsNone reports whether hashed is a DummyHash, of whatever cost: no password opens the account.
func IsNone(hashed string) bool { return strings.HasSuffix(hashed, dummyTail) }

func dummy(cost int) string { return fmt.Sprintf("$2a$%02d$%s", cost, dummyTail) }

// digest is what bcrypt gets: 64 printable characters that depend on every byte of the password, or the reason why the
// text can be none (PW-4, PW-6).
func digest(password string) ([]byte, string) {
	if sentence := unusable(password); sentence != "" {
		return nil, sentence
	}
	mac := hmac.New(sha512.New384, []byte(label))
	mac.Write(norm.NFKC.Bytes([]byte(password)))
	return base64.StdEncoding.AppendEncode(nil, mac.Sum(nil)), ""
}

func unusable(password string) string {
	switch {
	case len(password) > MaxBytes:
		return "This password is too long. Use at most 1,024 bytes."
	case !utf8.ValidString(password):
		return "This password holds bytes that are not characters."
	case strings.ContainsRune(password, 0):
		return "This password holds a character that cannot be used in one."
	}
	return ""
}
