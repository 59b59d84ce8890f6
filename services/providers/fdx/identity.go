package fdx

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"dashtam/services/providers"
)

// identityAlgs is how an identity token may be signed. None of them lets a secret that the bank shares, or nothing at all,
// stand in for its key.
var identityAlgs = []string{"RS256", "PS256", "ES256"}

// identitySkew is how far the bank's clock may be off ours.
const identitySkew = 5 * time.Minute

// subject is who the permission is of: the subject of the identity token, which is checked (OA-9), else FDX's current
// customer. A bank that does not tell has none; nothing depends on it but noticing a second login (OA-7). OpenID's userinfo
// is not asked: without an identity token to compare it with it must not be used (OpenID Connect Core 5.3.2), and with one
// it is not needed.
func (a *Adapter) subject(ctx context.Context, m *metadata, t providers.Attempt, answer tokenAnswer) (string, error) {
	if answer.identity != "" && m.Keys != "" && slices.Contains(a.c.Profile.Scopes, "openid") {
		return a.identity(ctx, m, t, answer)
	}
	var who struct {
		Customer string `json:"customerId"`
	}
	_ = a.get(ctx, a.c.Profile.API+"/customers/current", answer.Access.Reveal(), providers.TokenBytes, &who) // or it does not tell
	return who.Customer, nil
}

// identity checks an identity token as OpenID Connect Core 3.1.3.7 has it and gives its subject. One that was not made by
// this bank, for this client, in answer to this attempt, or not just now is a Permanent Failure.
func (a *Adapter) identity(ctx context.Context, m *metadata, t providers.Attempt, answer tokenAnswer) (string, error) {
	keys := &keySet{adapter: a, place: m.Keys}
	claims := new(oidc.IDTokenClaims)
	payload, err := oidc.ParseToken(answer.identity, claims)
	err = cmp.Or(err,
		oidc.CheckSignature(ctx, answer.identity, payload, claims, identityAlgs, keys),
		oidc.CheckIssuerWithISSVerifier(claims, m.Issuer, nil),
		oidc.CheckAudience(claims, a.c.Profile.ClientID),
		oidc.CheckAuthorizedParty(claims, a.c.Profile.ClientID),
		oidc.CheckNonce(claims, t.Nonce),
		oidc.CheckExpiration(claims, -identitySkew),
		oidc.CheckIssuedAt(claims, 0, identitySkew),
		rp.VerifyAccessToken(answer.Access.Reveal(), claims.AccessTokenHash, claims.SignatureAlg),
		oidc.CheckSubject(claims),
	)
	switch {
	case keys.failed != nil:
		return "", keys.failed
	case err != nil:
		return "", &providers.Failure{Class: providers.Permanent, Code: "identity_token"} // the cause would quote the token
	}
	return claims.Subject, nil
}

// keySet is the bank's public keys. They are asked for at every connecting, which is rare: nothing is kept that could be
// stale, or be another's.
type keySet struct {
	adapter *Adapter
	place   string
	failed  error // why they could not be had
}

// VerifySignature gives the payload of jws if one of the keys has signed it.
func (k *keySet) VerifySignature(ctx context.Context, jws *jose.JSONWebSignature) ([]byte, error) {
	var set jose.JSONWebKeySet
	if k.failed = k.adapter.get(ctx, k.place, "", providers.TokenBytes, &set); k.failed != nil {
		return nil, k.failed
	}
	id, alg := oidc.GetKeyIDAndAlg(jws)
	key, err := oidc.FindMatchingKey(id, oidc.KeyUseSignature, alg, set.Keys...)
	if err != nil {
		return nil, errors.New("fdx: no key of the bank fits")
	}
	return jws.Verify(&key)
}
