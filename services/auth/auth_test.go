package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/jobs"
	"dashtam/services/jwt"
	"dashtam/services/limits"
	"dashtam/services/password"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

// cost is bcrypt's least, so that tests take no time; what is hashed, and how often, does not depend on it.
const cost = 4

// good is a registration that is accepted. The password is the seed's.
var good = auth.Registration{Name: "Test User", Email: "test@example.com", Password: "SecurePass123!"}

// stranger is somebody before they signed in.
var stranger = actor.Actor{IP: netip.MustParseAddr("203.0.113.7"), UserAgent: "test", RequestID: "req_test"}

// bench is an auth.Service on a database of its own, with what tests ask beside it.
type bench struct {
	*auth.Service
	t    testing.TB
	db   *postgres.Pool
	log  *bytes.Buffer
	pool *hashpool.Pool
	now  time.Time // what the service takes for the time; the database has its own

	statements atomic.Int64 // so many the service sent
	inFind     func()       // runs once, in the middle of the next login, when its account is looked up
	inVerify   func()       // runs once, when the next password has been verified
	config     auth.Config
}

func newBench(t testing.TB, change ...func(*auth.Config)) *bench {
	t.Helper()
	db := pgtest.New(t)
	queue, err := jobs.NewQueue(db.Pool, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	passwords := password.New(cost)
	b := &bench{t: t, db: db, log: &bytes.Buffer{}, pool: hashpool.New(passwords, 0), now: time.Now()}
	b.pool.Observe = func(op string, _, _ time.Duration) {
		if f := b.inVerify; f != nil && op == "verify" {
			b.inVerify = nil
			f()
		}
	}
	clock := func() time.Time { return b.now }
	c := auth.Config{
		DB: db, Passwords: passwords, Hashes: b.pool, Limits: limits.New(db, clock), Jobs: queue, Now: clock,
		Tokens:    jwt.New(bytes.Repeat([]byte{7}, 32), "http://localhost", clock),
		DeviceKey: bytes.Repeat([]byte{9}, 32), Log: slog.New(slog.NewTextHandler(b.log, nil)),
	}
	b.counted(&c)
	for _, f := range change {
		f(&c)
	}
	b.config = c
	b.Service = auth.New(c)
	return b
}

// withCost is the same service after the cost of hashing was raised.
func (b *bench) withCost(cost int) *auth.Service {
	c := b.config
	c.Passwords = password.New(cost)
	c.Hashes = hashpool.New(c.Passwords, 0)
	return auth.New(c)
}

// from is a stranger at another address, so that limits per address do not get in the way.
func from(n int) actor.Actor {
	who := stranger
	who.IP = netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)})
	return who
}

// registered signs up good; verified opens the mailed link, too.
func (b *bench) registered() auth.User {
	b.t.Helper()
	u, err := b.Register(b.t.Context(), stranger, good)
	if err != nil {
		b.t.Fatalf("register: %v", err)
	}
	return u
}

func (b *bench) verified() auth.User {
	b.t.Helper()
	u := b.registered()
	if err := b.Verify(b.t.Context(), stranger, b.link(u.ID)); err != nil {
		b.t.Fatalf("verify: %v", err)
	}
	u, err := b.GetUserByEmail(b.t.Context(), good.Email) // whose id is another one now
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// person is somebody else who is verified.
func (b *bench) person(address string) auth.User {
	b.t.Helper()
	u, err := b.Register(b.t.Context(), from(len(address)), auth.Registration{Name: "Somebody", Email: address, Password: good.Password})
	if err == nil {
		err = b.Verify(b.t.Context(), stranger, b.link(u.ID))
	}
	if err == nil {
		u, err = b.GetUserByEmail(b.t.Context(), address)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// mailed is what the newest queued mail of a purpose would hold; tried is the same where there may be none any more.
func (b *bench) mailed(purpose string) email.Facts {
	b.t.Helper()
	facts, err := b.tried(purpose)
	if err != nil {
		b.t.Fatalf("mail %s: %v", purpose, err)
	}
	return facts
}

func (b *bench) tried(purpose string) (email.Facts, error) {
	b.t.Helper()
	var user, about uuid.UUID
	var asked time.Time
	err := b.db.QueryRow(b.t.Context(), `
		SELECT (args ->> 'user_id')::uuid, coalesce((args ->> 'about')::uuid, '00000000-0000-0000-0000-000000000000'), created_at
		FROM river_job WHERE kind = 'mail' AND args ->> 'purpose' = $1 ORDER BY id DESC LIMIT 1`, purpose).Scan(&user, &about, &asked)
	if err != nil {
		b.t.Fatalf("no mail %s: %v", purpose, err)
	}
	return b.MailFacts(b.t.Context(), actor.ForJob(user, "req_test"), purpose, about, asked)
}

// in is u, signed in.
func in(u auth.User) actor.Actor {
	who := stranger
	who.Kind, who.UserID, who.SessionID = actor.User, u.ID, uuid.New()
	return who
}

// link is what the mail's worker would put into the mail.
func (b *bench) link(user uuid.UUID) string {
	b.t.Helper()
	facts, err := b.MailFacts(b.t.Context(), actor.ForJob(user, "req_test"), email.Verify, uuid.Nil, time.Now())
	if err != nil {
		b.t.Fatalf("mail facts: %v", err)
	}
	return facts.Token
}

// login tries good's address with a password; noSession stands for a caller that starts none.
func (b *bench) login(who actor.Actor, pass, device string) (auth.Login, error) {
	return b.Login(b.t.Context(), who, auth.Credentials{Email: good.Email, Password: pass, Device: device}, noSession)
}

func noSession(context.Context, auth.User) error { return nil }

// exec changes the database behind the service's back.
func (b *bench) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.db.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

// count asks the database for one number.
func (b *bench) count(sql string, args ...any) int {
	b.t.Helper()
	return query[int](b, sql, args...)
}

func query[T any](b *bench, sql string, args ...any) T {
	b.t.Helper()
	rows, err := b.db.Query(b.t.Context(), sql, args...)
	if err != nil {
		b.t.Fatal(err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// mails is how many mails of a purpose to a person who exists are queued.
func (b *bench) mails(purpose string) int {
	b.t.Helper()
	return b.count(`SELECT count(*) FROM river_job j JOIN users u ON u.id = (j.args->>'user_id')::uuid
		WHERE j.kind = 'mail' AND j.args->>'purpose' = $1`, purpose)
}

func (b *bench) audited(act, result string) int {
	b.t.Helper()
	return b.count(`SELECT count(*) FROM audit_events WHERE act = $1 AND result = $2`, act, result)
}

// meanwhile has acts begin while another transaction holds what hold selects of user's, and lets that one go on with other
// once all of them wait for it or for each other. It gives what became of each.
func (b *bench) meanwhile(user uuid.UUID, hold string, other []string, acts ...func() error) []error {
	b.t.Helper()
	ends := make([]error, len(acts))
	var all sync.WaitGroup
	err := pgx.BeginFunc(b.t.Context(), b.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(b.t.Context(), hold, user); err != nil {
			return err
		}
		for i, act := range acts {
			all.Go(func() { ends[i] = act() })
		}
		b.waiting(len(acts))
		for _, sql := range other {
			if _, err := tx.Exec(b.t.Context(), sql, user); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.t.Errorf("meanwhile: %v", err)
	}
	all.Wait()
	return ends
}

// waiting waits until so many acts wait for a lock.
func (b *bench) waiting(n int) {
	b.t.Helper()
	for begin := time.Now(); b.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) < n; {
		if time.Since(begin) > 20*time.Second {
			b.t.Fatalf("%d acts do not wait", n)
		}
	}
}

// patient repeats f while it is told to come back later, as a client does: more tests at once than there are
// connections is load, not failure (RL-7).
func patient(f func() error) error {
	for {
		if err := f(); errs.KindOf(err) != errs.Unavailable {
			return err
		}
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func wantField(t testing.TB, err error, field string) {
	t.Helper()
	if errs.KindOf(err) != errs.Invalid || errs.FieldsOf(err)[field] == "" {
		t.Errorf("got %v, want a sentence about %s", err, field)
	}
}
