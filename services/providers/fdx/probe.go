package fdx

import (
	"context"
	"errors"
	"slices"
	"strings"

	"dashtam/services/providers"
)

// words say what keeps a bank from being asked.
var words = map[string]string{
	"refused_address": "lies in a private network, is our own, or has a port where no bank is.",
	"unreachable":     "cannot be reached.",

	"certificate_over":       "has a certificate that is over, or not valid yet.",
	"certificate_of_another": "has the certificate of another host.",
	"certificate_unknown":    "has a certificate that nobody vouches for.",
	"no_common_tls":          "does not speak TLS 1.2 or newer.",

	"server_error":  "answers with an error of its own.",
	"not_found":     "is not there.",
	"too_many":      "asks to come back later.",
	"broken_answer": "breaks off in the middle, or sends too much.",
	"not_json":      "does not answer in JSON.",
	"bad_json":      "does not answer in JSON that can be read.",
}

// inWords is a failure at place, for an administrator.
func inWords(place string, err error) string {
	f := providers.FailureOf(err)
	if f != nil && words[f.Code] != "" {
		return place + " " + words[f.Code]
	}
	return place + " does not answer as it should."
}

// Probe tries discovery, issuer, the API without a token, and with client the client at the token endpoint.
func (a *Adapter) Probe(ctx context.Context, client bool) []providers.Finding {
	m, err := a.discover(ctx)
	found := []providers.Finding{a.found(m, err)}
	if err != nil {
		return found
	}
	found = append(found, a.wanted(m))
	if client && found[1].State != providers.Broken {
		found = append(found, a.client(ctx))
	}
	return append(found, a.api(ctx))
}

// found is whether the metadata is there and this issuer's.
func (a *Adapter) found(m *metadata, err error) providers.Finding {
	is := providers.Finding{Name: "Metadata", State: providers.Works, Found: a.c.Profile.Issuer + " describes itself under its own name.", Field: "issuer"}
	f := providers.FailureOf(err)
	switch {
	case err == nil:
		return is
	case errors.Is(err, errOtherIssuer):
		is.Found, is.Do = "The metadata found there is another issuer's.", "Write the issuer letter by letter as its metadata does."
		if strings.TrimSuffix(m.Issuer, "/") == strings.TrimSuffix(a.c.Profile.Issuer, "/") {
			is.Do = "Only the slash at the end differs: write it as the metadata does."
		}
	case m != nil:
		is.Found, is.Do = "The metadata names an endpoint that cannot be a bank's.", "Ask the bank which issuer is meant for you."
	default:
		is.Found, is.Do = inWords(a.c.Profile.Issuer, err), "See whether it is written rightly. If it is, try again later."
		if f == nil || f.Code != "refused_address" {
			is.Field = "" // it may pass
		}
	}
	is.State = providers.Broken
	return is
}

// wanted is whether the bank supports what is asked of it.
func (a *Adapter) wanted(m *metadata) providers.Finding {
	how := a.method(m)
	is := providers.Finding{Name: "Sign-in", State: providers.Works, Found: "Dashtam proves itself with " + how + " and PKCE."}
	if how == none {
		is.Found = "Dashtam has no secret there, and proves itself by PKCE alone."
	}
	switch {
	case len(m.AuthMethods) > 0 && !slices.Contains(m.AuthMethods, how) && how == none:
		is.State, is.Field, is.Found, is.Do = providers.Broken, "client_secret", "The bank knows no clients without a secret.", "Write the client secret it gave you."
	case len(m.AuthMethods) > 0 && !slices.Contains(m.AuthMethods, how):
		is.State, is.Field, is.Found = providers.Broken, "client_secret", "The bank takes no client secret, but another proof, which Dashtam does not have yet."
	case len(m.Challenges) > 0 && !slices.Contains(m.Challenges, "S256"):
		is.State, is.Found, is.Do = providers.Doubtful, "The bank does not say that it takes PKCE with S256, which Dashtam always uses.", "Connect once to see whether it does."
	case len(a.unknown(m)) > 0:
		is.State, is.Found = providers.Doubtful, "The bank does not list these scopes: "+strings.Join(a.unknown(m), " ")+"."
		is.Do = "See whether they are written as in its documents."
	case m.Revocation == "":
		is.State, is.Found = providers.Doubtful, "The bank has no way to give tokens back: what people disconnect stays alive there until it ends by itself."
	}
	return is
}

// unknown are the scopes that will be asked for and that the bank does not list.
func (a *Adapter) unknown(m *metadata) []string {
	return slices.DeleteFunc(a.scopes(m), func(s string) bool { return len(m.ScopesSupported) == 0 || slices.Contains(m.ScopesSupported, s) })
}

// client asks for a renewal with a token that never was: a bank that knows the client says that the token is wrong.
func (a *Adapter) client(ctx context.Context) providers.Finding {
	is := providers.Finding{Name: "Client", State: providers.Works, Found: "The bank knows this client."}
	_, err := a.Refresh(ctx, "dashtam-is-testing-and-has-no-token")
	f := providers.FailureOf(err)
	switch {
	case f != nil && f.Code == "invalid_grant":
		return is
	case f != nil && f.Code == "invalid_client":
		is.State, is.Field, is.Found, is.Do = providers.Broken, "client_id", "The bank does not accept this client id with this secret.", "Compare both with what the bank gave you."
	case f != nil && f.Code == "unauthorized_client":
		is.State, is.Found, is.Do = providers.Doubtful, "The bank does not let this client renew its access.", "Allow refresh tokens for it at the bank, or people have to sign in again each time."
	default:
		is.State, is.Found, is.Do = providers.Doubtful, "Whether the bank knows this client cannot be told without a person.", "Connect once to see."
	}
	return is
}

// api asks without a token, and hopes to be refused.
func (a *Adapter) api(ctx context.Context) providers.Finding {
	place := a.c.Profile.API + "/accounts"
	is := providers.Finding{Name: "Data", State: providers.Works, Found: place + " asks for a token, as it should."}
	err := a.get(ctx, place, "", providers.TokenBytes, new(any))
	f := providers.FailureOf(err)
	switch {
	case err == nil:
		is.State, is.Found, is.Do = providers.Doubtful, place+" answers without a token.", "See whether this is the address of the data, and not of its documents."
	case f != nil && f.Class == providers.Unauthorized:
		return is
	case f != nil && f.Code == "refused_address":
		is.State, is.Field, is.Found, is.Do = providers.Broken, "api_base_url", inWords(place, err), "Write the address in the bank's documents."
	case f != nil && f.Code == "forbidden":
		is.Found = place + " is there, and closed without a token."
	default:
		is.State, is.Found, is.Do = providers.Doubtful, inWords(place, err), "See whether the address is written rightly, up to the part before /accounts."
	}
	return is
}
