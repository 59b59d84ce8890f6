package banktest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/ledger"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// Dialect is an adapter and how its banks write. Amounts and days are as in "12.34" and "2026-11-20".
type Dialect struct {
	Adapter func(b *Bank) providers.Provider
	Move    func(id, amount, day string) string       // a posted transaction
	Page    func(moves []string, next string) string  // a page of them; next is empty on the last
	Account func(id, currency, balance string) string // an account
	List    func(accounts []string) string            // the only page of them
}

// Conform runs an adapter through everything a bank can do wrong: requests for tokens (OA-10, OA-11, F13 to F16), answers
// that are no data (F13 to F16), and data that cannot be true (OA-22).
func Conform(t *testing.T, d Dialect) {
	t.Helper()
	t.Run("tokens", d.tokens)
	t.Run("answers", d.answers)
	t.Run("pages", d.pages)
	t.Run("amounts", d.amounts)
}

// canary is a secret that must come out nowhere.
const canary = "refresh-canary"

// renew has an adapter of its own ask a bank of its own for new tokens, once, whatever the bank says.
func (d Dialect) renew(t *testing.T, script http.HandlerFunc) (tokens.Tokens, error) {
	t.Helper()
	b := New(t)
	p := d.Adapter(b)
	b.Do(func(b *Bank) { b.Token = script })
	got, err := p.Access.Refresh(t.Context(), canary)
	if n := len(b.Posts()); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, providers.FailureOf(err)), "canary") {
		t.Errorf("the error repeats what was sent: %v", err)
	}
	if err != nil && got != (tokens.Tokens{}) {
		t.Error("a failure comes with tokens")
	}
	return got, err
}

// verdict is what a Failure must be.
type verdict struct {
	class providers.Class
	lost  bool
	after time.Duration
}

func (v verdict) judge(t *testing.T, err error) {
	t.Helper()
	f := providers.FailureOf(err)
	if f == nil || f.Class != v.class || f.Lost != v.lost || f.RetryAfter != v.after || errors.Is(err, tokens.ErrAnswerLost) != v.lost {
		t.Errorf("%v (%+v), want %+v", err, f, v)
	}
}

// says answers every request with status, body and headers, as JSON where they do not say otherwise.
func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func html(status int) http.HandlerFunc {
	return says(status, "<h1>Access Denied canary</h1>", "Content-Type", "text/html")
}

var (
	transient, lost = verdict{class: providers.Transient}, verdict{class: providers.Transient, lost: true}
	nonsense        = verdict{class: providers.Nonsense}
)

func limited(after time.Duration) verdict {
	return verdict{class: providers.RateLimited, after: after}
}

// tokenScripts are a token endpoint's answers and what they mean.
func tokenScripts(elsewhere string) map[string]struct {
	script http.HandlerFunc
	want   verdict
} {
	permanent, config := verdict{class: providers.Permanent}, verdict{class: providers.Config}
	return map[string]struct {
		script http.HandlerFunc
		want   verdict
	}{
		"invalid_grant":          {says(400, `{"error":"invalid_grant","error_description":"canary"}`), permanent},
		"invalid_grant with 200": {says(200, `{"error":"invalid_grant"}`), permanent},
		"invalid_client":         {says(401, `{"error":"invalid_client"}`), config},
		"unauthorized_client":    {says(400, `{"error":"unauthorized_client"}`), config},
		"unknown error":          {says(400, `{"error":"<script>canary"}`), transient},
		"400 without a body":     {says(400, ``), transient},
		"403 page":               {html(403), transient},
		"429 seconds":            {says(429, `{}`, "Retry-After", "60"), limited(time.Minute)},
		"429 huge":               {says(429, `{}`, "Retry-After", "1000000000"), limited(24 * time.Hour)},
		"429 junk":               {says(429, `{}`, "Retry-After", "soon"), limited(0)},
		"429 negative":           {says(429, `{}`, "Retry-After", "-5"), limited(0)},
		"500":                    {says(500, `{"error":"invalid_grant"}`), transient},
		"502 page":               {html(502), transient},
		"302":                    {says(302, ``, "Location", elsewhere), transient},
		"307":                    {says(307, ``, "Location", elsewhere), transient},
		"308":                    {says(308, ``, "Location", elsewhere), transient},
		"200 page":               {html(200), lost},
		"200 form":               {says(200, `access_token=canary`, "Content-Type", "text/plain"), lost},
		"200 cut":                {says(200, `{"access_token":"canary","token_ty`), lost},
		"200 empty":              {says(200, ``), lost},
		"200 list":               {says(200, `[]`), lost},
		"no access token":        {says(200, `{"token_type":"Bearer"}`), lost},
		"an empty access token":  {says(200, `{"access_token":"","token_type":"Bearer"}`), lost},
		"no token type":          {says(200, `{"access_token":"canary"}`), lost},
		"another token type":     {says(200, `{"access_token":"canary","token_type":"mac"}`), lost},
		"a number for a token":   {says(200, `{"access_token":7,"token_type":"Bearer"}`), lost},
		"an object for a token":  {says(200, `{"access_token":{"canary":1},"token_type":"Bearer"}`), lost},
		"a field twice":          {says(200, `{"access_token":"canary","access_token":"b","token_type":"Bearer"}`), lost},
		"two objects":            {says(200, `{"access_token":"canary","token_type":"Bearer"}{}`), lost},
		"over the cap":           {says(200, `{"access_token":"`+strings.Repeat("a", 1<<20)+`","token_type":"Bearer"}`), lost},
		"broken off":             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, lost},
		"endless":                {endless, lost},
		"a gzip bomb":            {bomb, lost},
		"a header bomb":          {headerBomb, lost},
	}
}

func (d Dialect) tokens(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("a redirect was followed: %s", r.Method) }))
	t.Cleanup(elsewhere.Close)
	for name, c := range tokenScripts(elsewhere.URL) {
		t.Run(name, func(t *testing.T) {
			bounded(t, func() {
				_, err := d.renew(t, c.script)
				c.want.judge(t, err)
			})
		})
	}
	t.Run("expires_in", func(t *testing.T) {
		for text, want := range map[string]time.Duration{
			`3600`: time.Hour, `"3600"`: time.Hour, `-1`: 0, `0`: 0, `1e18`: 0, `1000000000000000000`: 0, `99999999999999999999999`: 0, `null`: 0, `"soon"`: 0, `3600.5`: 0, `{}`: 0,
		} {
			got, err := d.renew(t, says(200, fmt.Sprintf(`{"access_token":"a","token_type":"bearer","expires_in":%s}`, text)))
			if err != nil || got.ExpiresIn != want || got.Refresh != "" {
				t.Errorf("expires_in %s: %s, %v; want %s", text, got.ExpiresIn, err, want)
			}
		}
	})
	t.Run("cut at every byte", func(t *testing.T) {
		whole := `{"access_token":"a-canary","token_type":"Bearer","refresh_token":"r-canary","expires_in":3600}`
		for n := range len(whole) {
			_, err := d.renew(t, cut(whole, n))
			lost.judge(t, err)
		}
	})
	t.Run("hanging", func(t *testing.T) {
		b := New(t)
		p := d.Adapter(b)
		if _, err := p.Access.AuthorizeURL(t.Context(), providers.Attempt{State: "s", Verifier: strings.Repeat("v", 43)}); err != nil { // learns the metadata
			t.Fatal(err)
		}
		for name, script := range map[string]http.HandlerFunc{"silent": hang, "dripping": drip} {
			b.Do(func(b *Bank) { b.Token = script })
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if _, err := p.Access.Refresh(ctx, canary); !errors.Is(err, tokens.ErrAnswerLost) {
				t.Errorf("%s: %v, want a lost answer", name, err)
			}
			cancel()
		}
	})
}

// cut sends n bytes of an answer that was to have all of them.
func cut(whole string, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
		_, _ = w.Write([]byte(whole[:n]))
		panic(http.ErrAbortHandler)
	}
}

// most bounds what one hostile answer may cost in memory, both ends of it together.
const most = 256 << 20

// bounded fails the test when do takes memory or time like what it was sent.
func bounded(t *testing.T, do func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	do()
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > most {
		t.Errorf("%d MB were spent", spent>>20)
	}
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
}

// read walks through the transactions of the bank's one account, as a sync does.
func read(t *testing.T, p providers.Provider, token encryption.Secret) (all []ledger.BankTransaction, err error) {
	t.Helper()
	var walk providers.Walk
	from, to := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for cursor := ""; ; {
		page, err := p.Data.Transactions(t.Context(), token, providers.Account{ID: "chk", Currency: "USD"}, from, to, cursor)
		if err != nil {
			return all, err
		}
		ids := make([]string, len(page.Transactions))
		for i, m := range page.Transactions {
			ids[i] = m.ExternalID
		}
		all, cursor = append(all, page.Transactions...), page.Next
		if err := walk.Read(cursor, ids); err != nil || cursor == "" {
			return all, err
		}
	}
}

// permitted is a bank, its adapter, and an access token that it takes.
func (d Dialect) permitted(t *testing.T) (*Bank, providers.Provider, encryption.Secret) {
	t.Helper()
	b := New(t)
	p, attempt := d.Adapter(b), providers.Attempt{State: strings.Repeat("s", 43), Verifier: strings.Repeat("v", 43), Nonce: strings.Repeat("n", 43)}
	address, err := p.Access.AuthorizeURL(t.Context(), attempt)
	if err != nil {
		t.Fatal(err)
	}
	back := b.Consent(t, address)
	g, err := p.Access.Exchange(t.Context(), attempt, providers.Answer{Code: back.Get("code"), Issuer: back.Get("iss")})
	if err != nil {
		t.Fatal(err)
	}
	return b, p, g.Access
}
