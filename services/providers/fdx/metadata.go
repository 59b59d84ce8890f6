package fdx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dashtam/services/cache"
	"dashtam/services/providers"
)

// metadataKind is banks' metadata in services/cache, by issuer.
var metadataKind = cache.Kind{Name: "bank_metadata", Fresh: time.Hour}

// metadata is what is used of RFC 8414 and OpenID Connect Discovery.
type metadata struct {
	Issuer          string   `json:"issuer"`
	Authorization   string   `json:"authorization_endpoint"`
	Token           string   `json:"token_endpoint"`
	Revocation      string   `json:"revocation_endpoint"`
	Keys            string   `json:"jwks_uri"`
	ScopesSupported []string `json:"scopes_supported"`
	AuthMethods     []string `json:"token_endpoint_auth_methods_supported"`
	Challenges      []string `json:"code_challenge_methods_supported"`
	SendsIssuer     bool     `json:"authorization_response_iss_parameter_supported"`
}

// metadata gives the bank's metadata: a fresh copy from the cache, else a new one, else the last one there was.
func (a *Adapter) metadata(ctx context.Context) (*metadata, error) {
	m, err := cache.Load(ctx, a.c.Cache, metadataKind, a.c.Profile.Issuer, a.discover)
	if err == nil {
		a.last.Store(m)
		return m, nil
	}
	if last := a.last.Load(); last != nil {
		return last, nil
	}
	return nil, err
}

// moved drops the metadata because an endpoint is not where it says (OA-4): the next to need it asks the bank.
func (a *Adapter) moved(ctx context.Context) {
	_ = a.c.Cache.Forget(ctx, metadataKind, a.c.Profile.Issuer) // it is asked for again within the hour
}

// discover asks at OpenID's place, then at RFC 8414's.
func (a *Adapter) discover(ctx context.Context) (*metadata, error) {
	issuer, err := url.Parse(a.c.Profile.Issuer)
	if err != nil {
		return nil, misconfigured(err)
	}
	places := []string{strings.TrimSuffix(a.c.Profile.Issuer, "/") + "/.well-known/openid-configuration"}
	rfc8414 := *issuer
	rfc8414.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(issuer.Path, "/")
	places = append(places, rfc8414.String())
	var failed error
	for _, place := range places {
		var m metadata
		err := a.get(ctx, place, "", providers.TokenBytes, &m)
		if err == nil {
			return &m, a.check(&m)
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

// check refuses metadata of another issuer (mix-up, OA-4) or with endpoints no bank may have.
func (a *Adapter) check(m *metadata) error {
	if m.Issuer != a.c.Profile.Issuer {
		return misconfigured(errOtherIssuer)
	}
	for name, endpoint := range map[string]string{
		"authorization": m.Authorization, "token": m.Token, "revocation": m.Revocation, "jwks": m.Keys,
	} {
		if endpoint == "" && (name == "revocation" || name == "jwks") {
			continue
		}
		u, err := url.Parse(endpoint)
		if err != nil || providers.CheckURL(u, a.c.Private) != nil {
			return misconfigured(fmt.Errorf("the %s endpoint is unusable", name))
		}
	}
	return nil
}

// scopes is what to ask for. offline_access is left out where the bank lists its scopes and this is none of them.
func (a *Adapter) scopes(m *metadata) []string {
	return slices.DeleteFunc(slices.Clone(a.c.Profile.Scopes), func(s string) bool {
		return s == "offline_access" && len(m.ScopesSupported) > 0 && !slices.Contains(m.ScopesSupported, s)
	})
}

var errOtherIssuer = errors.New("the metadata is another issuer's")

func misconfigured(cause error) error {
	return &providers.Failure{Class: providers.Config, Code: "metadata", Cause: cause}
}

// get reads one JSON document, with the bearer token where there is one. Every failure is a *providers.Failure.
func (a *Adapter) get(ctx context.Context, place, bearer string, limit int64, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return misconfigured(err)
	}
	r.Header.Set("Accept", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := a.c.Client.Do(r)
	if err != nil {
		return unreachable(err, false)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return a.refusal(answer)
	}
	if !isJSON(answer.Header) {
		return &providers.Failure{Class: providers.Transient, Code: "not_json"}
	}
	body, err := providers.ReadAll(answer, limit)
	if err != nil {
		return &providers.Failure{Class: providers.Transient, Code: "broken_answer", Cause: err}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &providers.Failure{Class: providers.Nonsense, Code: "bad_json"} // the cause would quote the body
	}
	return nil
}
