package jwt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"dashtam/services/errs"
)

// Lifetime is how long an access token is good for (the public contract).
const Lifetime = 15 * time.Minute

const (
	tokenType = "at+jwt" // RFC 9068
	audience  = "dashtam-api"
	leeway    = 5 * time.Second // for the clocks of several nodes
	longest   = 4096            // bytes of a token that are looked at
	leastKey  = 32              // bytes, RFC 7518 section 3.2
)

// ErrToken is every way in which a token is not one of ours, or no longer good. The cause tells the log which.
var ErrToken = errs.New(errs.Unauthenticated, "This access token is not valid. Sign in again, or refresh it.")

// Subject is what a token says.
type Subject struct {
	UserID        uuid.UUID
	Email         string    // for display; the id is what counts
	Epoch         int64     // Unix time of the person's last change of password; a token of an older one is dead
	SessionFamily uuid.UUID // the chain of refresh tokens it belongs to
}

// Service signs and checks with one key. It may be used by any number of goroutines.
type Service struct {
	key    []byte
	issuer string
	now    func() time.Time
	parser *jwt.Parser
}

// New makes a Service. It panics on a key of under 32 bytes, which no configuration can lead to: keys are derived.
func New(key []byte, issuer string, now func() time.Time) *Service {
	if len(key) < leastKey {
		panic("jwt: a key of under 32 bytes")
	}
	return &Service{key: bytes.Clone(key), issuer: issuer, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(), jwt.WithTimeFunc(now), jwt.WithLeeway(leeway),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithIssuedAt(), jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired())}
}

// claims are a token's body, by RFC 9068 with three of our own.
type claims struct {
	jwt.RegisteredClaims
	Email  string    `json:"email"`
	Epoch  int64     `json:"pwd"`
	Family uuid.UUID `json:"sid"`
}

// CreateAccessToken signs a token for sub and says when it ends.
func (s *Service) CreateAccessToken(sub Subject) (token string, expires time.Time, err error) {
	now := s.now()
	expires = now.Add(Lifetime).Truncate(time.Second)
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.issuer, Subject: sub.UserID.String(), Audience: jwt.ClaimStrings{audience}, ID: uuid.NewString(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		Email: sub.Email, Epoch: sub.Epoch, Family: sub.SessionFamily,
	})
	t.Header["typ"] = tokenType
	token, err = t.SignedString(s.key)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("jwt: %w", err)
	}
	return token, expires, nil
}

// VerifyAccessToken gives back what a good token says; any other is ErrToken with the cause for the log.
func (s *Service) VerifyAccessToken(token string) (Subject, error) {
	sub, err := s.verify(token)
	if err != nil {
		return Subject{}, ErrToken.Because(err)
	}
	return sub, nil
}

func (s *Service) verify(token string) (Subject, error) {
	if len(token) > longest {
		return Subject{}, errors.New("jwt: token too long")
	}
	var c claims
	t, err := s.parser.ParseWithClaims(token, &c, s.keyFor)
	if err != nil {
		return Subject{}, fmt.Errorf("jwt: %w", err)
	}
	for part := range strings.SplitSeq(token[:strings.LastIndexByte(token, '.')], ".") {
		decoded, err := s.parser.DecodeSegment(part)
		if err != nil {
			return Subject{}, fmt.Errorf("jwt: %w", err)
		}
		if err := unique(decoded); err != nil {
			return Subject{}, err
		}
	}
	if c.IssuedAt == nil || t.Method != jwt.SigningMethodHS256 {
		return Subject{}, errors.New("jwt: no iat")
	}
	id, err := uuid.Parse(c.Subject)
	if err != nil || id == uuid.Nil {
		return Subject{}, errors.New("jwt: sub is no user id")
	}
	return Subject{UserID: id, Email: c.Email, Epoch: c.Epoch, SessionFamily: c.Family}, nil
}

// keyFor gives out the one key there is, and only for a header that says alg and typ and nothing more: whatever else a
// header can say (kid, jku, jwk, x5u, crit, b64) asks for a behaviour we do not have.
func (s *Service) keyFor(t *jwt.Token) (any, error) {
	if typ, _ := t.Header["typ"].(string); typ != tokenType || len(t.Header) != 2 {
		return nil, errors.New("header is not ours")
	}
	return s.key, nil
}

// unique refuses a JSON object that says something twice, which two readers could understand in two ways.
func unique(object []byte) error {
	d := json.NewDecoder(bytes.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errors.New("jwt: not an object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("jwt: %w", err)
		}
		name := strings.ToLower(fmt.Sprint(token)) // encoding/json does not tell "exp" from "EXP"
		if seen[name] {
			return fmt.Errorf("jwt: %q is said twice", name)
		}
		seen[name] = true
		if err := d.Decode(new(json.RawMessage)); err != nil {
			return fmt.Errorf("jwt: %w", err)
		}
	}
	return nil
}
