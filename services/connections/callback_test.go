package connections_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/errs"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/providers"
)

func TestCallback_Connects(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	d := b.get(b.who, id)
	if d.Status != connections.Syncing || d.Name != "Test Bank" || d.ConsentEnds == nil || len(d.Days) != 14 || len(d.Scopes) != 4 {
		t.Errorf("connection %+v", d)
	}
	for what, sql := range map[string]string{
		"tokens":      `SELECT count(*) FROM connection_tokens WHERE connection_id = $1`,
		"queued runs": `SELECT count(*) FROM sync_runs WHERE connection_id = $1 AND cause = 'first' AND state = 'queued'`,
		"jobs":        `SELECT count(*) FROM river_job WHERE kind = 'sync' AND args->>'connection_id' = $1::text`,
		"audit rows":  `SELECT count(*) FROM audit_events WHERE act = 'connection.created' AND target = $1::text`,
	} {
		if n := b.count(sql, id.String()); n != 1 {
			t.Errorf("%d %s, want 1", n, what)
		}
	}
}

// Break OA-1: services/connections/callback.go: in consume, drop session_id, provider, consumed_at or expires_at from WHERE
// Break OA-6: services/connections/callback.go: in consume, drop user_id or session_id from WHERE
func TestCallback_OA1_OA6_OnlyTheOneItBelongsTo(t *testing.T) {
	whole := newBundle(t)
	for name, attack := range map[string]func(b *bundle, q url.Values) error{
		"missing state": func(b *bundle, q url.Values) error {
			q.Del("state")
			_, err := b.service.Callback(b.Context(), b.who, slug, answer(q))
			return err
		},
		"forged state": func(b *bundle, q url.Values) error {
			q.Set("state", strings.Repeat("A", 43))
			_, err := b.service.Callback(b.Context(), b.who, slug, answer(q))
			return err
		},
		"another session of the person": func(b *bundle, q url.Values) error {
			who := b.who
			who.SessionID = uuid.New()
			_, err := b.service.Callback(b.Context(), who, slug, answer(q))
			return err
		},
		"somebody else": func(b *bundle, q url.Values) error {
			_, err := b.service.Callback(b.Context(), b.person(), slug, answer(q))
			return err
		},
		"somebody else in the same session": func(b *bundle, q url.Values) error {
			who := b.person()
			who.SessionID = b.who.SessionID
			_, err := b.service.Callback(b.Context(), who, slug, answer(q))
			return err
		},
		"nobody": func(b *bundle, q url.Values) error {
			_, err := b.service.Callback(b.Context(), actor.Actor{SessionID: b.who.SessionID}, slug, answer(q))
			return err
		},
		"another bank": func(b *bundle, q url.Values) error {
			_, err := b.service.Callback(b.Context(), b.who, "otherbank", answer(q))
			return err
		},
		"too late": func(b *bundle, q url.Values) error {
			b.exec(`UPDATE connect_attempts SET expires_at = now()`, nil)
			_, err := b.service.Callback(b.Context(), b.who, slug, answer(q))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := whole.next(t)
			if err := attack(b, b.ask(b.who, uuid.Nil)); !errors.Is(err, connections.ErrNoAttempt) {
				t.Errorf("%v, want ErrNoAttempt", err)
			}
			if n := len(b.bank.Posts()); n != 0 {
				t.Errorf("the code was exchanged (%d requests)", n)
			}
		})
	}
}

// Break OA-1: services/connections/callback.go: in consume, drop consumed_at IS NULL from WHERE
func TestCallback_OA1_Twice(t *testing.T) {
	b := newBundle(t)
	q := b.ask(b.who, uuid.Nil)
	var worked, refused atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := b.service.Callback(t.Context(), b.who, slug, answer(q))
			for errs.KindOf(err) == errs.Unavailable { // too busy to look; as told, come back
				_, err = b.service.Callback(t.Context(), b.who, slug, answer(q))
			}
			switch {
			case err == nil:
				worked.Add(1)
			case errors.Is(err, connections.ErrNoAttempt):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if worked.Load() != 1 || refused.Load() != 19 || len(b.bank.Posts()) != 1 {
		t.Errorf("%d worked, %d refused, %d exchanges", worked.Load(), refused.Load(), len(b.bank.Posts()))
	}
}

// Break OA-2: services/connections/start.go: in secrets, derive the verifier with the label of the state
func TestContinue_OA2_ChangesNothingAndDerives(t *testing.T) {
	b := newBundle(t)
	if _, err := b.service.Continue(t.Context(), b.who, slug); !errors.Is(err, connections.ErrNoAttempt) {
		t.Fatalf("without an attempt: %v", err)
	}
	q := b.ask(b.who, uuid.Nil)
	before := b.count(`SELECT count(*) FROM audit_events`)
	one, err := b.service.Continue(t.Context(), b.who, slug)
	if err != nil {
		t.Fatal(err)
	}
	two, _ := b.service.Continue(t.Context(), b.who, slug)
	if one != two || b.count(`SELECT count(*) FROM audit_events`) != before {
		t.Error("loading the page twice changed something")
	}
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(q)); err != nil {
		t.Fatal(err)
	}
	verifier := b.bank.Posts()[0].Get("code_verifier")
	if len(verifier) < 43 || verifier == q.Get("state") || strings.Contains(one, verifier) {
		t.Errorf("verifier %q, state %q", verifier, q.Get("state"))
	}
	if n := b.count(`SELECT count(*) FROM connect_attempts a WHERE a::text LIKE '%' || $1 || '%' OR encode(state_hash, 'escape') LIKE '%' || $1 || '%'`, q.Get("state")); n != 0 {
		t.Error("the state lies in the database")
	}
	b.ask(b.who, uuid.Nil)
	if three, _ := b.service.Continue(t.Context(), b.who, slug); three == one {
		t.Error("two attempts share their secrets")
	}
}

// Break OA-3: services/providers/fdx/access.go: in Exchange, drop the look at answer.Issuer
func TestCallback_OA3_AnotherIssuer(t *testing.T) {
	b := newBundle(t)
	q := b.ask(b.who, uuid.Nil)
	q.Set("iss", "https://evil.example")
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(q)); !errors.Is(err, connections.ErrBadAnswer) {
		t.Errorf("%v, want ErrBadAnswer", err)
	}
	if len(b.bank.Posts()) != 0 {
		t.Error("the code was sent")
	}
}

// Break OA-7: services/connections/finish.go: in sameLogin, drop the case subject != g.Subject
func TestReconnect_OA7_AnotherLogin(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	b.bank.Do(func(b *banktestBank) { b.Subject = "eve" })
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(b.ask(b.who, id))); !errors.Is(err, connections.ErrOtherLogin) {
		t.Fatalf("%v, want ErrOtherLogin", err)
	}
	if n := b.count(`SELECT generation FROM connection_tokens`); n != 1 {
		t.Error("the tokens of the other login were kept")
	}
	if len(b.bank.Revoked()) != 2 {
		t.Error("the bank was not told that the tokens are not needed")
	}
	b.bank.Do(func(b *banktestBank) { b.Subject = "ada" })
	got, err := b.service.Callback(t.Context(), b.who, slug, answer(b.ask(b.who, id)))
	if err != nil || got != id {
		t.Errorf("the same login: %s, %v; want %s", got, err, id)
	}
	if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'connection.renewed'`); n != 1 {
		t.Errorf("%d audit rows", n)
	}
}

// A login that is connected already is renewed, not connected twice: its money would count twice.
func TestConnect_SameLoginTwice(t *testing.T) {
	b := newBundle(t)
	first := b.connect(b.who)
	if second := b.connect(b.who); second != first {
		t.Errorf("two connections, %s and %s, for one login", first, second)
	}
	other := b.person()
	if b.connect(other) == first {
		t.Error("two people share a connection")
	}
}

// Two tabs at a bank that does not tell whose login it was make one connection; the second has to start again.
func TestConnect_F31_TwoTabsWithoutASubject(t *testing.T) {
	b := newBundle(t)
	b.bank.Do(func(bank *banktestBank) { bank.Subject = "" })
	one, two := b.ask(b.who, uuid.Nil), b.ask(b.who, uuid.Nil)
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(two)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(one)); !errors.Is(err, connections.ErrNoAttempt) {
		t.Errorf("%v, want ErrNoAttempt", err)
	}
	if n := b.count(`SELECT count(*) FROM connections`); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestReconnect_SomebodyElses(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	if err := b.service.Start(t.Context(), b.person(), slug, id); !errors.Is(err, connections.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
	if err := b.service.Start(t.Context(), b.who, "otherbank", id); !errors.Is(err, connections.ErrNotFound) {
		t.Errorf("with another bank: %v, want ErrNotFound", err)
	}
	if err := b.service.Start(t.Context(), b.who, "nobank", uuid.Nil); !errors.Is(err, providers.ErrUnknown) {
		t.Errorf("an unknown bank: %v, want ErrUnknown", err)
	}
}

// Break OA-8: services/connections/callback.go: in consume, record answer.Error instead of known(answer.Error)
func TestCallback_OA8_Errors(t *testing.T) {
	whole := newBundle(t)
	for code, want := range map[string]error{
		"access_denied": connections.ErrDenied, "server_error": connections.ErrBankAway, "temporarily_unavailable": connections.ErrBankAway,
		"invalid_scope": connections.ErrBankRefuses, "<script>alert(1)</script>": connections.ErrBadAnswer, "": connections.ErrBadAnswer,
	} {
		b := whole.next(t)
		q := b.ask(b.who, uuid.Nil)
		q.Del("code")
		q.Set("error", code)
		_, err := b.service.Callback(t.Context(), b.who, slug, answer(q))
		if !errors.Is(err, want) || strings.Contains(err.Error(), "script") {
			t.Errorf("%q: %v, want %v", code, err, want)
		}
		if b.count(`SELECT count(*) FROM audit_events e WHERE e::text LIKE '%script%'`) != 0 {
			t.Errorf("%q stands in the audit log", code)
		}
		if _, err := b.service.Callback(t.Context(), b.who, slug, answer(q)); !errors.Is(err, connections.ErrNoAttempt) {
			t.Errorf("%q: the attempt is still alive", code)
		}
	}
}

// Break OA-11: services/connections/callback.go: in inWords, leave out the case of Config
func TestCallback_OA11_ExchangeFails(t *testing.T) {
	whole := newBundle(t)
	for status, want := range map[int]error{400: connections.ErrBadAnswer, 401: connections.ErrBankRefuses, 503: connections.ErrBankAway} {
		b := whole.next(t)
		q := b.ask(b.who, uuid.Nil)
		b.bank.Do(func(b *banktestBank) {
			b.Token = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				code := map[int]string{400: "invalid_grant", 401: "invalid_client"}[status]
				_, _ = w.Write([]byte(`{"error":"` + code + `","error_description":"canary ` + r.PostForm.Get("code") + `"}`))
			}
		})
		_, err := b.service.Callback(t.Context(), b.who, slug, answer(q))
		if !errors.Is(err, want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("status %d: %v, want %v", status, err, want)
		}
		if b.count(`SELECT count(*) FROM connections`) != 0 || b.count(`SELECT count(*) FROM audit_events WHERE act = 'connection.exchange' AND result = 'failed' AND user_id = $1`, b.who.UserID) != 1 {
			t.Errorf("status %d: half a connection, or no audit row", status)
		}
	}
}

// Break OA-18: services/connections/callback.go: let tooMuch return false
func TestCallback_OA18_Scopes(t *testing.T) {
	b := newBundle(t)
	b.bank.Scope = "openid fdx:transactions:read payments:write"
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(b.ask(b.who, uuid.Nil))); !errors.Is(err, connections.ErrTooMuch) {
		t.Errorf("wider: %v, want ErrTooMuch", err)
	}
	if len(b.bank.Revoked()) == 0 || b.count(`SELECT count(*) FROM connections`) != 0 {
		t.Error("wider: kept, or not given back")
	}
	b.bank.Scope = "openid"
	if d := b.get(b.who, b.connect(b.who)); strings.Join(d.Scopes, " ") != "openid" {
		t.Errorf("narrower: stored as %v", d.Scopes)
	}
}

// Break RL-6: services/connections/callback.go: in Callback, leave WithoutCancel out
func TestCallback_RL6_BrowserGone(t *testing.T) {
	b := newBundle(t)
	q := b.ask(b.who, uuid.Nil)
	ctx, gone := context.WithCancel(t.Context())
	b.bank.Do(func(bank *banktestBank) {
		bank.Token = func(w http.ResponseWriter, r *http.Request) {
			gone()
			bank.Answer(w, r)
		}
	})
	id, err := b.service.Callback(ctx, b.who, slug, answer(q))
	if err != nil {
		t.Fatal(err)
	}
	b.get(b.who, id)
}

// Break OA-14: services/connections/finish.go: in keep, return id, err whatever the kind
func TestCallback_OA14_DatabaseAwayForAMoment(t *testing.T) {
	b := newBundle(t)
	q := b.ask(b.who, uuid.Nil)
	var held []*pgxpool.Conn
	b.bank.Do(func(bank *banktestBank) {
		bank.Token = func(w http.ResponseWriter, r *http.Request) {
			for range b.db.Config().MaxConns { // nothing is left for whoever wants to keep the answer
				c, err := b.db.Pool.Acquire(t.Context())
				if err != nil {
					t.Error(err)
				}
				held = append(held, c)
			}
			time.AfterFunc(2500*time.Millisecond, func() { // the pool says "unavailable" after two seconds
				for _, c := range held {
					c.Release()
				}
			})
			bank.Answer(w, r)
		}
	})
	id, err := b.service.Callback(t.Context(), b.who, slug, answer(q))
	if err != nil {
		t.Fatal(err)
	}
	b.get(b.who, id)
	if len(b.bank.Revoked()) != 0 {
		t.Error("the tokens that were kept were given back")
	}
}

// Everything or nothing: when the first sync cannot be queued there is no connection, and the bank gets its tokens back.
func TestCallback_OneTransaction(t *testing.T) {
	b := newBundle(t)
	q := b.ask(b.who, uuid.Nil)
	b.exec(`ALTER TABLE river_job RENAME TO gone`, nil)
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(q)); err == nil {
		t.Fatal("no error")
	}
	if n := b.count(`SELECT (SELECT count(*) FROM connections) + (SELECT count(*) FROM connection_tokens) + (SELECT count(*) FROM data_keys)
		+ (SELECT count(*) FROM sync_runs) + (SELECT count(*) FROM audit_events WHERE act = 'connection.created')`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if len(b.bank.Revoked()) == 0 {
		t.Error("the bank was not told")
	}
}

// The connection to the database breaks while a permission is being kept, which is tried again: it is one connection, also
// at a bank that does not tell whose login it was, and the tokens that were stored are the ones that live.
func TestConnect_F09_KeptOnce(t *testing.T) {
	proxy := pgtest.NewProxy(t, pgtest.URL(t))
	db, err := postgres.Open(t.Context(), proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	whole := over(t, db)
	for _, subject := range []string{"ada", ""} {
		for name, done := range map[string]bool{"the answer to the commit is lost": true, "the commit is lost": false} {
			t.Run(subject+" "+name, func(t *testing.T) {
				b := whole.next(t)
				b.bank.Do(func(bank *banktestBank) { bank.Subject = subject })
				q := b.ask(b.who, uuid.Nil)
				happened := proxy.CutCommit("INSERT INTO connections", done)
				id, err := b.service.Callback(t.Context(), b.who, slug, answer(q))
				if err != nil || !happened() {
					t.Fatalf("%v, cut %t", err, happened())
				}
				connections, open := b.count(`SELECT count(*) FROM connections WHERE user_id = $1`, b.who.UserID),
					b.count(`SELECT count(*) FROM sync_runs WHERE user_id = $1 AND state = 'queued'`, b.who.UserID)
				if connections != 1 || open != 1 || b.get(b.who, id).ID != id {
					t.Errorf("%d connections, %d syncs wait", connections, open)
				}
				if n := b.count(`SELECT count(*) FROM audit_events WHERE user_id = $1 AND act IN ('connection.created', 'connection.renewed')`, b.who.UserID); n != 1 {
					t.Errorf("it is told %d times", n)
				}
			})
		}
	}
}
