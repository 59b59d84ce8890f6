package syncer

import (
	"context"

	"dashtam/services/encryption"
	"dashtam/services/providers"
)

// ask makes one request; when the bank refuses the access token, it is renewed and the request repeated, once (OA-15).
func (r *running) ask(ctx context.Context, request func(encryption.Secret) error) error {
	err := request(r.access.Token)
	f := providers.FailureOf(err)
	if f == nil || f.Class != providers.Unauthorized || r.renewed {
		return err
	}
	r.renewed = true
	if r.access, err = r.s.c.Tokens.RefreshToken(ctx, r.who, r.connection, r.access.Generation, r.provider.Access.Refresh); err != nil {
		return err
	}
	return request(r.access.Token)
}
