package sandbox

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres/pgtest"
)

// bundle is the bank on a transaction that is rolled back, and a request whose customer has allowed it.
type bundle struct {
	*Service
	t       *testing.T
	tx      pgx.Tx
	request Request
}

const browser, code = "the browser", "the code"

func allowed(t *testing.T) *bundle {
	t.Helper()
	tx := pgtest.Tx(t)
	b := &bundle{Service: New(tx), t: t, tx: tx}
	ask := Ask{ClientID: "dashtam", RedirectURI: "http://localhost/cb", Scopes: []string{"openid"}}
	var err error
	if b.request, err = b.Begin(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	b.must(b.SignIn(t.Context(), b.request.ID, browser, " Ada "))
	if b.request, err = b.Decide(t.Context(), b.request.ID, browser, true); err != nil {
		t.Fatal(err)
	}
	b.must(b.SaveCode(t.Context(), b.request.ID.String(), code))
	return b
}

func (b *bundle) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// age makes a table's rows expire.
func (b *bundle) age(table string) {
	b.t.Helper()
	_, err := b.tx.Exec(b.t.Context(), `UPDATE sandbox.`+table+` SET expires_at = now() - interval '1 second'`)
	b.must(err)
}

// Break expiry: requests.go: remove "case !r.Live" from RequestByCode.
func TestAnOldCodeIsRefused(t *testing.T) {
	b := allowed(t)
	b.age("requests")
	if _, err := b.RequestByCode(t.Context(), code); !errors.Is(err, ErrInvalidGrant) {
		t.Errorf("found: %v", err)
	}
	if _, err := b.Exchange(t.Context(), b.request.ID, true); !errors.Is(err, ErrInvalidGrant) {
		t.Errorf("exchanged: %v", err)
	}
}

func TestAnOldAccessTokenIsRefused(t *testing.T) {
	b := allowed(t)
	issued, err := b.Exchange(t.Context(), b.request.ID, true)
	b.must(err)
	g, err := b.GrantByAccess(t.Context(), issued.Access)
	b.must(err)
	if g.Username != "Ada" || g.ClientID != "dashtam" || !slices.Equal(g.Scopes, []string{"openid"}) {
		t.Errorf("%+v", g)
	}
	b.age("access_tokens")
	if _, err := b.GrantByAccess(t.Context(), issued.Access); !errors.Is(err, ErrInvalidGrant) {
		t.Errorf("%v", err)
	}
}

func TestAnOldGrantOpensNothing(t *testing.T) {
	b := allowed(t)
	issued, err := b.Exchange(t.Context(), b.request.ID, true)
	b.must(err)
	b.age("grants")
	_, reads := b.GrantByAccess(t.Context(), issued.Access)
	_, found := b.GrantByRefresh(t.Context(), issued.Refresh)
	_, turned := b.Rotate(t.Context(), issued.Refresh, nil)
	for what, err := range map[string]error{"reads": reads, "is found": found, "rotates": turned} {
		if !errors.Is(err, ErrInvalidGrant) {
			t.Errorf("%s: %v", what, err)
		}
	}
	stats, err := b.Stats(t.Context())
	if b.must(err); len(stats.Live) != 0 {
		t.Errorf("%+v", stats.Live)
	}
}

// A refresh token may ask for less than was allowed; what was allowed stays.
func TestNarrowerScopes(t *testing.T) {
	b := allowed(t)
	first, err := b.Exchange(t.Context(), b.request.ID, true)
	b.must(err)
	second, err := b.Rotate(t.Context(), first.Refresh, []string{})
	b.must(err)
	g, err := b.GrantByAccess(t.Context(), second.Access)
	if b.must(err); len(g.Scopes) != 0 {
		t.Errorf("the token opens %v", g.Scopes)
	}
	if g, err = b.GrantByRefresh(t.Context(), second.Refresh); err != nil || !slices.Equal(g.Scopes, []string{"openid"}) {
		t.Errorf("%v, %v", g.Scopes, err)
	}
}

// Break VT-6: services/sandbox/service.go: hash returns []byte(secret)
func TestNoSecretIsKept_VT6(t *testing.T) {
	b := allowed(t)
	issued, err := b.Exchange(t.Context(), b.request.ID, true)
	b.must(err)
	client, secret, err := b.Register(t.Context(), Registration{RedirectURIs: []string{"https://app.example/cb"}})
	b.must(err)
	for _, table := range []string{"clients", "requests", "grants", "refresh_tokens", "access_tokens"} {
		for what, text := range map[string]string{"access": issued.Access, "refresh": issued.Refresh, "code": code, "session": browser, "secret": secret} {
			var n int
			b.must(b.tx.QueryRow(t.Context(), `SELECT count(*) FROM sandbox.`+table+` r WHERE strpos(r::text, $1) > 0
				OR strpos(r::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0`, text).Scan(&n))
			if n != 0 {
				t.Errorf("%s stands in %s", what, table)
			}
		}
	}
	b.must(b.CheckSecret(t.Context(), client.ID, secret))
	b.must(b.CheckSecret(t.Context(), "dashtam", ""))
	for id, wrong := range map[string]string{client.ID: "", "dashtam": "x", "nobody": "", "nul\x00": ""} {
		if err := b.CheckSecret(t.Context(), id, wrong); !errors.Is(err, ErrNoClient) {
			t.Errorf("%q with %q: %v", id, wrong, err)
		}
	}
}

func TestRequestsAreForgottenADayAfterTheyEnd(t *testing.T) {
	b := allowed(t)
	_, err := b.tx.Exec(t.Context(), `UPDATE sandbox.requests SET expires_at = now() - interval '25 hours'`)
	b.must(err)
	_, err = b.Begin(t.Context(), b.request.Ask)
	b.must(err)
	var n int
	b.must(b.tx.QueryRow(t.Context(), `SELECT count(*) FROM sandbox.requests`).Scan(&n))
	if n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestARequestEndsOnce(t *testing.T) {
	b := allowed(t)
	for what, err := range map[string]error{
		"a second sign-in": b.SignIn(t.Context(), b.request.ID, browser, "noor"),
		"a second code":    b.SaveCode(t.Context(), b.request.ID.String(), "another"),
		"no request":       b.SaveCode(t.Context(), uuid.NewString(), "another"),
		"no id":            b.SaveCode(t.Context(), "x", "another"),
	} {
		if !errors.Is(err, ErrOver) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := b.Decide(t.Context(), b.request.ID, browser, false); !errors.Is(err, ErrOver) {
		t.Errorf("a second decision: %v", err)
	}
}
