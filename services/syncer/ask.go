package syncer

import (
	"context"

	"dashtam/services/encryption"
	"dashtam/services/providers"
)

// ask makes one request that carries the access token; call names it in the access ledger. When the bank refuses the
// token, it is renewed and the request repeated, once a run (OA-15).
func (r *running) ask(ctx context.Context, call string, request func(ctx context.Context, token encryption.Secret) error) error {
	generation, err := r.carry(ctx, call, request)
	f := providers.FailureOf(err)
	if f == nil || f.Class != providers.Unauthorized || r.renewed {
		return err
	}
	r.renewed = true
	if _, err := r.s.c.Tokens.RefreshToken(ctx, r.who, r.connection, generation, r.provider.Access.Refresh); err != nil {
		return err
	}
	_, err = r.carry(ctx, call, request)
	return err
}

func (r *running) carry(ctx context.Context, call string, request func(ctx context.Context, token encryption.Secret) error) (int64, error) {
	return r.s.c.Tokens.Use(ctx, r.who, r.connection, call, r.provider.Access.Refresh, func(ctx context.Context, token encryption.Secret) (int64, error) {
		counted, bytes := providers.Counted(ctx)
		err := request(counted, token)
		return bytes.Load(), err
	})
}
