package tokens

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"dashtam/services/encryption"
	"dashtam/services/profile"
)

// dataKeyID stands in the envelopes of tokens. One name serves all data keys: which one it is follows from the row, and
// the row is part of what is authenticated.
const dataKeyID = "data"

func (o owner) keyAAD() encryption.AAD {
	return encryption.AAD{
		Purpose: "data-key", Table: "data_keys", Column: "wrapped", Row: o.connection.String(), User: o.user.String(),
	}
}

func (o owner) tokenAAD(column, provider string, generation int64) encryption.AAD {
	return encryption.AAD{
		Purpose: "bank-token", Table: "connection_tokens", Column: column, Row: o.connection.String(), User: o.user.String(),
		Provider: provider, Generation: generation,
	}
}

// aesSeal is encryption.Seal, timed.
func (s *Service) aesSeal(key encryption.Key, plain []byte, about encryption.AAD) ([]byte, error) {
	defer s.c.Profile.Start(profile.Seal)()
	return encryption.Seal(key, plain, about)
}

// aesOpen is encryption.Open, timed.
func (s *Service) aesOpen(key encryption.Key, envelope []byte, about encryption.AAD) ([]byte, error) {
	defer s.c.Profile.Start(profile.Open)()
	return encryption.Open(key, envelope, about)
}

// newDataKey makes a data key and wraps it under the current key-encryption key, bound to its place.
func (s *Service) newDataKey(ctx context.Context, tx pgx.Tx, about encryption.AAD) (key encryption.Key, wrapped []byte, keyID string, err error) {
	if key, err = encryption.GenerateKey(dataKeyID); err != nil {
		return key, nil, "", fmt.Errorf("tokens: %w", err)
	}
	current, err := s.writable(ctx, tx)
	if err != nil {
		return key, nil, "", err
	}
	if wrapped, err = s.aesSeal(current, key.Reveal(), about); err != nil {
		return key, nil, "", fmt.Errorf("tokens: wrapping a data key: %w", err)
	}
	return key, wrapped, current.ID(), nil
}

// unwrap opens the data key that is bound to a place.
func (s *Service) unwrap(about encryption.AAD, wrapped []byte, keyID string) (encryption.Key, error) {
	kek, ok := s.key(keyID)
	if !ok {
		return encryption.Key{}, encryption.ErrKeyID
	}
	raw, err := s.aesOpen(kek, wrapped, about)
	if err != nil {
		return encryption.Key{}, err
	}
	return encryption.NewKey(dataKeyID, raw)
}

// sealed is a connection's tokens as they are stored.
type sealed struct {
	access, refresh []byte // refresh is nil when there is none
}

func (s *Service) seal(key encryption.Key, o owner, provider string, generation int64, t Tokens) (box sealed, err error) {
	if box.access, err = s.aesSeal(key, []byte(t.Access.Reveal()), o.tokenAAD("access_token", provider, generation)); err != nil {
		return sealed{}, fmt.Errorf("tokens: %w", err)
	}
	if t.Refresh == "" {
		return box, nil
	}
	if box.refresh, err = s.aesSeal(key, []byte(t.Refresh.Reveal()), o.tokenAAD("refresh_token", provider, generation)); err != nil {
		return sealed{}, fmt.Errorf("tokens: %w", err)
	}
	return box, nil
}

// opened is a connection's tokens in the clear, and what the next store needs.
type opened struct {
	Tokens
	key        encryption.Key
	provider   string
	generation int64
}

// open checks the row against the access ledger and opens it: the data key, then both tokens. Any doubt is one error.
func (s *Service) open(o owner, r row) (opened, error) {
	if r.Newest == nil || *r.Newest != r.Generation {
		return opened{}, fmt.Errorf("generation %d is not the newest", r.Generation)
	}
	key, err := s.unwrap(o.keyAAD(), r.Wrapped, r.KeyID)
	if err != nil {
		return opened{}, fmt.Errorf("data key: %w", err)
	}
	access, err := s.aesOpen(key, r.AccessToken, o.tokenAAD("access_token", r.Provider, r.Generation))
	if err != nil {
		return opened{}, fmt.Errorf("access token: %w", err)
	}
	open := opened{Tokens: Tokens{Access: encryption.Secret(access)}, key: key, provider: r.Provider, generation: r.Generation}
	if r.RefreshToken == nil {
		return open, nil
	}
	refresh, err := s.aesOpen(key, r.RefreshToken, o.tokenAAD("refresh_token", r.Provider, r.Generation))
	if err != nil {
		return opened{}, fmt.Errorf("refresh token: %w", err)
	}
	open.Refresh = encryption.Secret(refresh)
	return open, nil
}
