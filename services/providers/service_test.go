package providers_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/encryption"
	"dashtam/services/errs"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
	"dashtam/services/providers/fdx"
	"dashtam/services/tokens"
)

var boss = actor.Actor{Kind: actor.Admin, UserID: uuid.New(), RequestID: "test"}

// office is one node's list of banks over db, with the sandbox built in.
type office struct {
	*providers.Service
	*providers.Registry
	t    *testing.T
	db   *postgres.Pool
	keys *encryption.Keyring
}

func newOffice(t *testing.T) *office {
	t.Helper()
	key, err := encryption.GenerateKey("k1")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := encryption.ParseKeyring(key.Line().Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return (&office{t: t, db: pgtest.New(t), keys: keys}).node()
}

// node is another node on the same database.
func (o *office) node() *office {
	n := &office{t: o.t, db: o.db, keys: o.keys, Registry: providers.NewRegistry()}
	n.Service = providers.New(providers.ServiceConfig{
		DB: o.db, Tokens: tokens.New(tokens.Config{DB: o.db, Keys: o.keys}), Registry: n.Registry, Private: true, Switched: connections.Switched,
		BuiltIn: []providers.Profile{providers.Sandbox("http://127.0.0.1:8081")},
		Client:  func(string) *http.Client { return providers.NewClient(true) },
		Kinds: providers.Kinds{"fdx": func(p providers.Profile, secret providers.Secret, client *http.Client) providers.Provider {
			return fdx.New(fdx.Config{Profile: p, Secret: secret, Client: client, RedirectURI: banktest.Redirect, Private: true})
		}},
	})
	n.load()
	return n
}

func (o *office) load() {
	o.t.Helper()
	if err := o.Load(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// alder is a form about b.
func alder(b *banktest.Bank) providers.Form {
	return providers.Form{
		Slug: "alder", Name: "Alder Bank", Kind: "fdx", Issuer: b.URL, API: b.URL + "/fdx/v6/", ClientID: "dashtam", ClientSecret: "canary-secret",
		Scopes: "openid  offline_access fdx:transactions:read", ConsentDays: "90",
	}
}

func (o *office) add(f providers.Form) {
	o.t.Helper()
	if _, err := o.Add(o.t.Context(), boss, f); err != nil {
		o.t.Fatalf("%v %v", err, errs.FieldsOf(err))
	}
}

// connection makes a person who is connected to a bank.
func (o *office) connection(provider, status string) uuid.UUID {
	o.t.Helper()
	user := uuid.New()
	for _, sql := range []string{
		`INSERT INTO users (id, email, email_key, name, password_hash) VALUES ($1::uuid, $1::text, $1::text, $2 || $3, 'none')`,
		`INSERT INTO connections (user_id, id, provider, name, status, next_sync_at, needed_since) VALUES ($1, $1, $2, 'x', $3, now(), CASE WHEN $3 = 'needs_you' THEN now() END)`,
	} {
		if _, err := o.db.Exec(o.t.Context(), sql, user, provider, status); err != nil {
			o.t.Fatal(err)
		}
	}
	return user
}

func (o *office) text(sql string, args ...any) (s string) {
	o.t.Helper()
	if err := o.db.QueryRow(o.t.Context(), sql, args...).Scan(&s); err != nil {
		o.t.Fatal(err)
	}
	return s
}

// A bank that was added is there for everybody, and its secret only for the bank.
// Break VT-7: services/providers/change.go: in Add, record audit.Event with Detail "secret": f.ClientSecret.Reveal()
func TestAdd_VT7_OnEveryNode(t *testing.T) {
	o, b := newOffice(t), banktest.New(t)
	other := o.node()
	var proved string
	b.Token = func(w http.ResponseWriter, r *http.Request) {
		proved = r.Header.Get("Authorization")
		b.Answer(w, r)
	}
	o.add(alder(b))
	for _, node := range []*office{o, other} {
		node.load()
		p, err := node.Get("alder")
		if err != nil || p.Profile.API != b.URL+"/fdx/v6" || p.Profile.DueDays() != 90 || len(p.Profile.Scopes) != 3 || p.Profile.Proof != providers.Declared || !p.Profile.Added {
			t.Fatalf("%+v, %v", p.Profile, err)
		}
		if _, err := p.Access.Refresh(t.Context(), "unknown"); providers.FailureOf(err) == nil {
			t.Error(err)
		}
		r := http.Request{Header: http.Header{"Authorization": {proved}}}
		if id, secret, ok := r.BasicAuth(); !ok || id != "dashtam" || secret != "canary-secret" {
			t.Errorf("the bank was shown %q", proved)
		}
	}
	dump := o.text(`SELECT (SELECT string_agg(p::text, '') FROM providers p) || (SELECT string_agg(s::text, '') FROM provider_secrets s) || (SELECT string_agg(a::text, '') FROM audit_events a)`)
	if strings.Contains(dump, "canary") || strings.Contains(dump, "63616e617279") {
		t.Error("the secret lies in the database")
	}
	if f, secret, err := o.Form(t.Context(), boss, "alder"); err != nil || !secret || f.ClientSecret != "" || f.ConsentDays != "90" || f.HistoryDays != "730" {
		t.Errorf("%+v, %v, %v", f, secret, err)
	}
	if _, err := o.Add(t.Context(), boss, alder(b)); errs.FieldsOf(err)["slug"] == "" {
		t.Errorf("a second one of that name: %v", err)
	}
}

func TestAdd_Invalid(t *testing.T) {
	o, b := newOffice(t), banktest.New(t)
	for field, change := range map[string]func(*providers.Form){
		"slug 1": func(f *providers.Form) { f.Slug = "new" }, "slug 2": func(f *providers.Form) { f.Slug = "Alder" }, "slug 3": func(f *providers.Form) { f.Slug = "a" },
		"slug 4": func(f *providers.Form) { f.Slug = "sandbox" }, "slug 5": func(f *providers.Form) { f.Slug = strings.Repeat("a", 32) },
		"name 1": func(f *providers.Form) { f.Name = " " }, "name 2": func(f *providers.Form) { f.Name = "a\nb" }, "kind": func(f *providers.Form) { f.Kind = "ofx" },
		"client_id": func(f *providers.Form) { f.ClientID = "" }, "client_secret": func(f *providers.Form) { f.ClientSecret = "a\nb" },
		"scopes 1": func(f *providers.Form) { f.Scopes = "" }, "scopes 2": func(f *providers.Form) { f.Scopes = `a "b"` },
		"issuer 1": func(f *providers.Form) { f.Issuer = "" }, "issuer 2": func(f *providers.Form) { f.Issuer = "ftp://x.example" }, "issuer 3": func(f *providers.Form) { f.Issuer = "https://u:p@x.example" },
		"issuer 4": func(f *providers.Form) { f.Issuer = "https://x.example?q" }, "issuer 5": func(f *providers.Form) { f.Issuer = b.URL + "/" },
		"api_base_url": func(f *providers.Form) { f.API = "alder" }, "history_days": func(f *providers.Form) { f.HistoryDays = "0" }, "consent_days": func(f *providers.Form) { f.ConsentDays = "soon" },
	} {
		f := alder(b)
		change(&f)
		_, err := o.Add(t.Context(), boss, f)
		field, _, _ = strings.Cut(field, " ")
		if wrong := errs.FieldsOf(err); wrong[field] == "" || len(wrong) != 1 {
			t.Errorf("%s: %v, %v", field, err, wrong)
		}
	}
	if got := o.text(`SELECT (SELECT count(*) FROM providers)::text || (SELECT count(*) FROM provider_secrets)::text`); got != "00" {
		t.Errorf("%s rows were kept", got)
	}
	for _, who := range []actor.Actor{{}, {Kind: actor.User, UserID: uuid.New()}, actor.ForJob(uuid.New(), "")} {
		_, err := o.Add(t.Context(), who, alder(b))
		_, err2 := o.Change(t.Context(), who, "sandbox", alder(b))
		_, err3 := o.Test(t.Context(), who, "sandbox")
		_, _, err4 := o.Form(t.Context(), who, "sandbox")
		for _, err := range []error{err, err2, err3, err4, o.Switch(t.Context(), who, "sandbox", true), o.Remove(t.Context(), who, "sandbox")} {
			if !errors.Is(err, providers.ErrNotAdmin) {
				t.Errorf("%s: %v", who.Kind, err)
			}
		}
	}
}

// What may pass does not keep a bank from being added.
func TestAdd_BankAway(t *testing.T) {
	o, b := newOffice(t), banktest.New(t)
	b.Down()
	found, err := o.Add(t.Context(), boss, alder(b))
	if err != nil || len(found) != 1 || found[0].State != providers.Broken || found[0].Field != "" || !strings.Contains(found[0].Found, "cannot be reached") {
		t.Errorf("%+v, %v", found, err)
	}
}

// While people are connected, their tokens go nowhere else, whoever asks for it.
// Break OA-16: services/providers/change.go: in Change, leave out stays
func TestChange_OA16_TokensStayWhereTheyAre(t *testing.T) {
	o, b, evil := newOffice(t), banktest.New(t), banktest.New(t)
	o.add(alder(b))
	o.connection("alder", "healthy")
	for field, change := range map[string]func(*providers.Form){
		"issuer": func(f *providers.Form) { f.Issuer = evil.URL }, "api_base_url": func(f *providers.Form) { f.API = evil.URL + "/fdx/v6" },
	} {
		f := alder(b)
		change(&f)
		if _, err := o.Change(t.Context(), boss, "alder", f); errs.FieldsOf(err)[field] == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	f := alder(b)
	f.Name, f.ClientSecret, f.API = "Alder & Sons", "", b.URL+"/fdx/v6"
	before := o.text(`SELECT secret_id::text FROM providers`)
	if _, err := o.Change(t.Context(), boss, "alder", f); err != nil || o.text(`SELECT secret_id::text FROM providers`) != before {
		t.Errorf("a name: %v, or the secret was lost", err)
	}
	f.ClientSecret = "another"
	if _, err := o.Change(t.Context(), boss, "alder", f); err != nil || o.text(`SELECT string_agg(id::text, ' ') FROM provider_secrets`) == before {
		t.Errorf("a secret: %v, or the old one is still there", err)
	}
	if got := o.text(`SELECT string_agg(detail ->> 'fields', ', ' ORDER BY id) FROM audit_events WHERE act = 'provider.changed'`); got != "name, client_secret" {
		t.Errorf("the audit says %s", got)
	}
	if p, _ := o.Get("alder"); p.Profile.Name != "Alder & Sons" {
		t.Errorf("the list says %s", p.Profile.Name)
	}
	if _, err := o.db.Exec(t.Context(), `UPDATE connections SET disconnected_at = now(), status = 'disconnected'`); err != nil {
		t.Fatal(err)
	}
	f.Issuer, f.API = evil.URL, evil.URL+"/fdx/v6"
	if _, err := o.Change(t.Context(), boss, "alder", f); err != nil {
		t.Errorf("when nobody is connected any more: %v", err)
	}
}

func TestRemove(t *testing.T) {
	o, b := newOffice(t), banktest.New(t)
	o.add(alder(b))
	user := o.connection("alder", "healthy")
	if err := o.Remove(t.Context(), boss, "alder"); !errors.Is(err, providers.ErrInUse) {
		t.Errorf("with a connection: %v", err)
	}
	if _, err := o.db.Exec(t.Context(), `DELETE FROM connections WHERE user_id = $1`, user); err != nil {
		t.Fatal(err)
	}
	if err := o.Remove(t.Context(), boss, "alder"); err != nil {
		t.Fatal(err)
	}
	if n := o.text(`SELECT count(*)::text FROM provider_secrets`); n != "0" {
		t.Errorf("%s secrets are left", n)
	}
	for slug, want := range map[string]error{"alder": providers.ErrUnknown, "sandbox": providers.ErrBuiltIn} {
		if err := o.Remove(t.Context(), boss, slug); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", slug, err, want)
		}
	}
}

// A bank that is switched off hears nothing, not even from who got hold of it before, but that its tokens are given back.
func TestSwitch(t *testing.T) {
	o, b := newOffice(t), banktest.New(t)
	other := o.node()
	o.add(alder(b))
	healthy, needs, elsewhere := o.connection("alder", "healthy"), o.connection("alder", "needs_you"), o.connection("sandbox", "healthy")
	held, err := o.Get("alder")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Switch(t.Context(), boss, "alder", true); err != nil {
		t.Fatal(err)
	}
	other.load()
	theirs, _ := other.Get("alder")
	for _, p := range []providers.Provider{held, theirs} {
		_, err := p.Access.Refresh(t.Context(), "refresh")
		_, err2 := p.Data.Accounts(t.Context(), "access")
		for _, err := range []error{err, err2} {
			if f := providers.FailureOf(err); f == nil || f.Code != providers.SwitchedOff || f.Class != providers.Config || f.Lost {
				t.Errorf("%v, want switched_off", err)
			}
		}
		if err := p.Access.Revoke(t.Context(), tokens.Tokens{Refresh: "given-back"}); err != nil || !slices.Contains(b.Revoked(), "given-back") {
			t.Errorf("giving back: %v", err)
		}
	}
	if len(b.Posts())+len(b.Queries()) != 0 {
		t.Errorf("it was asked: %v", b.Posts())
	}
	stand := func(user uuid.UUID) string {
		return o.text(`SELECT status || ' ' || cause || CASE WHEN next_sync_at IS NULL THEN '' ELSE ' due' END FROM connections WHERE user_id = $1`, user)
	}
	for user, want := range map[uuid.UUID]string{healthy: "paused switched_off", needs: "paused switched_off", elsewhere: "healthy  due"} {
		if got := stand(user); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if found, err := o.Test(t.Context(), boss, "alder"); err != nil || len(found) < 4 {
		t.Errorf("a test while it is off: %+v, %v", found, err)
	}
	for range 2 {
		if err := o.Switch(t.Context(), boss, "alder", false); err != nil {
			t.Fatal(err)
		}
	}
	for user, want := range map[uuid.UUID]string{healthy: "paused switched_off due", needs: "needs_you consent_ended"} {
		if got := stand(user); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := o.text(`SELECT string_agg(act, ' ' ORDER BY id) FROM audit_events WHERE act LIKE 'provider.o%'`); got != "provider.off provider.on" {
		t.Errorf("the audit says %s", got)
	}
	if err := o.Switch(t.Context(), boss, "nobank", true); !errors.Is(err, providers.ErrUnknown) {
		t.Error(err)
	}
}

// Each part of a test says what it found.
func TestTest(t *testing.T) {
	silent := httptest.NewServer(http.NotFoundHandler())
	defer silent.Close()
	for name, c := range map[string]struct {
		change func(*banktest.Bank)
		want   string // "part state" that must be found
	}{
		"all well":       {nil, "Client ok"},
		"closed data":    {nil, "Data ok"},
		"a moved issuer": {func(b *banktest.Bank) { b.Metadata = map[string]any{"issuer": "https://evil.example"} }, "Metadata fail"},
		"no metadata":    {func(b *banktest.Bank) { b.Broken = true }, "Metadata fail"},
		"a mad endpoint": {func(b *banktest.Bank) { b.Metadata = map[string]any{"token_endpoint": "file:///x"} }, "Metadata fail"},
		"another proof": {func(b *banktest.Bank) {
			b.Metadata = map[string]any{"token_endpoint_auth_methods_supported": []string{"private_key_jwt"}}
		}, "Sign-in fail"},
		"no way to give back": {func(b *banktest.Bank) { b.Metadata = map[string]any{"revocation_endpoint": ""} }, "Sign-in warn"},
		"unknown scopes":      {func(b *banktest.Bank) { b.Metadata = map[string]any{"scopes_supported": []string{"openid"}} }, "Sign-in warn"},
		"no S256": {func(b *banktest.Bank) {
			b.Metadata = map[string]any{"code_challenge_methods_supported": []string{"plain"}}
		}, "Sign-in warn"},
		"a wrong secret": {func(b *banktest.Bank) {
			b.Token = func(w http.ResponseWriter, _ *http.Request) {
				banktest.JSON(w, 401, map[string]string{"error": "invalid_client"})
			}
		}, "Client fail"},
		"a client that may not renew": {func(b *banktest.Bank) {
			b.Token = func(w http.ResponseWriter, _ *http.Request) {
				banktest.JSON(w, 400, map[string]string{"error": "unauthorized_client"})
			}
		}, "Client warn"},
		"a mute token endpoint": {func(b *banktest.Bank) {
			b.Token = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
		}, "Client warn"},
	} {
		t.Run(name, func(t *testing.T) {
			o, b := newOffice(t), banktest.New(t)
			o.add(alder(b))
			if c.change != nil {
				b.Do(c.change)
			}
			found, err := o.Test(t.Context(), boss, "alder")
			if err != nil || !slices.ContainsFunc(found, func(f providers.Finding) bool {
				return f.Name+" "+string(f.State) == c.want && f.Found != "" && !strings.Contains(f.Found+f.Do, "evil")
			}) {
				t.Errorf("%+v, %v; want %s", found, err, c.want)
			}
			if n := len(b.Posts()); n > 1 {
				t.Errorf("%d token requests", n)
			}
		})
	}
	o, b := newOffice(t), banktest.New(t)
	f := alder(b)
	f.API = silent.URL
	found, err := o.Add(t.Context(), boss, f)
	if err != nil || found[len(found)-1].Name != "Data" || found[len(found)-1].State != providers.Doubtful || len(b.Posts()) != 0 {
		t.Errorf("%+v, %v, %d token requests", found, err, len(b.Posts()))
	}
	b.Metadata = map[string]any{"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}}
	f.ClientSecret, f.Slug = "", "birch"
	if _, err := o.Add(t.Context(), boss, f); errs.FieldsOf(err)["client_secret"] == "" {
		t.Errorf("without a secret where one is needed: %v", err)
	}
}

// Without leave, no form leads inwards: neither an address nor a name.
// Break OA-20: services/providers/fdx/probe.go: in found, set is.Field to "" whatever the code
func TestAdd_OA20_NothingInside(t *testing.T) {
	o := newOffice(t)
	closed := providers.New(providers.ServiceConfig{
		DB: o.db, Registry: o.Registry, Client: func(string) *http.Client { return providers.NewClient(false, "money.example") },
		Kinds: providers.Kinds{"fdx": func(p providers.Profile, secret providers.Secret, client *http.Client) providers.Provider {
			return fdx.New(fdx.Config{Profile: p, Secret: secret, Client: client})
		}},
	})
	for _, issuer := range []string{
		"https://localhost", "https://127.0.0.1", "https://10.1.2.3", "https://[::1]", "https://169.254.169.254/latest", "https://money.example", "https://MONEY.example/x",
		"https://[::ffff:10.0.0.1]", "http://bank.example",
	} {
		_, err := closed.Add(t.Context(), boss, providers.Form{
			Slug: "alder", Name: "Alder", Kind: "fdx", Issuer: issuer, API: "https://api.example", ClientID: "x", Scopes: "x",
		})
		if errs.FieldsOf(err)["issuer"] == "" {
			u, _ := url.Parse(issuer)
			t.Errorf("%s: %v", u.Host, err)
		}
	}
}
