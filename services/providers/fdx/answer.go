package fdx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// longestLife bounds expires_in. What a bank promises beyond ten years is a mistake, not a promise.
const longestLife = 10 * 366 * 24 * time.Hour

// tokenAnswer is a token endpoint's answer, read strictly.
type tokenAnswer struct {
	tokens.Tokens
	scope    string
	identity string // the identity token, unread
}

// judge stands between x/oauth2 and the wire for one token request. It alone decides what the answer means: whatever is
// not a usable answer becomes a *providers.Failure, and x/oauth2, whose errors quote bodies and whose reading is laxer here
// and stricter there, is only ever shown a body of ours.
type judge struct {
	adapter *Adapter
	asked   bool
	answer  tokenAnswer
}

// RoundTrip sends the one token request.
func (j *judge) RoundTrip(r *http.Request) (*http.Response, error) {
	if j.asked {
		return nil, &providers.Failure{Class: providers.Transient, Code: "asked_twice"} // OA-10
	}
	j.asked = true
	var sent atomic.Bool // a handshake that failed has carried nothing, and so spent nothing (F17)
	trace := &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}
	answer, err := j.adapter.c.Client.Transport.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		return nil, unreachable(err, sent.Load())
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := providers.ReadAll(answer, providers.TokenBytes)
	if err != nil {
		return nil, &providers.Failure{Class: providers.Transient, Code: "broken_answer", Lost: true, Cause: err}
	}
	if answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusGone {
		j.adapter.moved(r.Context())
	}
	if answer.StatusCode != http.StatusOK {
		return nil, j.adapter.tokenRefusal(answer, body)
	}
	if j.answer, err = decodeToken(answer.Header, body); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(strings.NewReader(`{"access_token":"judged","token_type":"Bearer"}`))
	return answer, nil
}

// decodeToken reads a 200 of a token endpoint (RFC 6749 5.1). The errors say what is wrong in words of ours only. An
// answer that cannot be used counts as lost: the bank may well have used up the old refresh token for it.
func decodeToken(h http.Header, body []byte) (tokenAnswer, error) {
	bad := func(code string) (tokenAnswer, error) {
		return tokenAnswer{}, &providers.Failure{Class: providers.Transient, Code: code, Lost: true}
	}
	if !isJSON(h) {
		return bad("not_json")
	}
	fields, err := object(body)
	if err != nil {
		return bad("bad_json")
	}
	var t struct{ access, refresh, kind, scope, code, identity string }
	for name, into := range map[string]*string{
		"access_token": &t.access, "refresh_token": &t.refresh, "token_type": &t.kind, "scope": &t.scope, "error": &t.code, "id_token": &t.identity,
	} {
		if raw, ok := fields[name]; ok && string(raw) != "null" && json.Unmarshal(raw, into) != nil {
			return bad("bad_" + name)
		}
	}
	switch {
	case t.code != "": // some servers say no with status 200
		return tokenAnswer{}, oauthFailure(t.code)
	case t.access == "":
		return bad("no_access_token")
	case !strings.EqualFold(t.kind, "bearer"):
		return bad("bad_token_type")
	}
	return tokenAnswer{
		Tokens: tokens.Tokens{
			Access: encryption.Secret(t.access), Refresh: encryption.Secret(t.refresh), ExpiresIn: lifetime(fields["expires_in"]),
		},
		scope: t.scope, identity: t.identity,
	}, nil
}

// lifetime reads expires_in: whole seconds, as a number or (seen in the field) as a string. One that is not there, or
// beyond reason, counts as unsaid: the token is then renewed when the bank refuses it. Throwing the whole answer away for
// it would throw away the only refresh token that still lives.
func lifetime(raw json.RawMessage) time.Duration {
	var n int64
	if err := json.Unmarshal(bytes.Trim(raw, `"`), &n); err != nil || n <= 0 || n > int64(longestLife/time.Second) {
		return 0
	}
	return time.Duration(n) * time.Second
}

// object splits one JSON object into its fields and refuses a field that comes twice: two readers could choose
// differently. Nothing may follow it.
func object(body []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("fdx: not a JSON object")
	}
	fields := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errors.New("fdx: broken JSON")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errors.New("fdx: broken JSON")
		}
		key := fmt.Sprint(name)
		if _, twice := fields[key]; twice {
			return nil, errors.New("fdx: a field comes twice")
		}
		fields[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("fdx: broken JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("fdx: something follows the JSON")
	}
	return fields, nil
}

// tokenRefusal classifies every answer of a token endpoint that is not 200 (OA-11).
func (a *Adapter) tokenRefusal(answer *http.Response, body []byte) error {
	switch {
	case answer.StatusCode == http.StatusTooManyRequests:
		return a.tooMany(answer.Header)
	case answer.StatusCode >= 500:
		return &providers.Failure{Class: providers.Transient, Code: "server_error"}
	case answer.StatusCode < 400: // a redirect would carry the secrets elsewhere
		return &providers.Failure{Class: providers.Transient, Code: "unexpected_status"}
	}
	var said struct {
		Error string `json:"error"`
	}
	if !isJSON(answer.Header) || json.Unmarshal(body, &said) != nil || said.Error == "" {
		return &providers.Failure{Class: providers.Transient, Code: "unexplained_refusal"} // "Access Denied" pages of a proxy
	}
	return oauthFailure(said.Error)
}

// oauthFailure knows the codes of RFC 6749 5.2; any other is a refusal without a reason, which may pass.
func oauthFailure(code string) error {
	switch code {
	case "invalid_grant":
		return &providers.Failure{Class: providers.Permanent, Code: code}
	case "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_request":
		return &providers.Failure{Class: providers.Config, Code: code}
	case "temporarily_unavailable", "server_error", "slow_down":
		return &providers.Failure{Class: providers.Transient, Code: code}
	}
	return &providers.Failure{Class: providers.Transient, Code: "unexplained_refusal"}
}
