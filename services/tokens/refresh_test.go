package tokens_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/encryption"
	"dashtam/services/errs"
	"dashtam/services/tokens"
)

// answers is a bank that gives these tokens.
func answers(access, refresh string) tokens.Exchange {
	return func(context.Context, encryption.Secret) (tokens.Tokens, error) {
		return tokens.Tokens{Access: encryption.Secret(access), Refresh: encryption.Secret(refresh), ExpiresIn: time.Hour}, nil
	}
}

func fails(err error) tokens.Exchange {
	return func(context.Context, encryption.Secret) (tokens.Tokens, error) { return tokens.Tokens{}, err }
}

func TestSeed_Tokens_RefreshToken(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("old", "old-refresh", time.Hour)
	var given string
	a, err := b.vault.RefreshToken(t.Context(), who, id, 1, func(_ context.Context, refresh encryption.Secret) (tokens.Tokens, error) {
		given = refresh.Reveal()
		if n := b.count(`SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()`, nil); n != 0 {
			t.Errorf("%d transactions are open while the bank thinks", n)
		}
		return tokens.Tokens{Access: "new"}, nil
	})
	if err != nil || a.Token.Reveal() != "new" || a.Generation != 2 || given != "old-refresh" {
		t.Fatalf("RefreshToken = %q of generation %d, %v; the bank was given %q", a.Token.Reveal(), a.Generation, err, given)
	}
	b.opens(who, id, "new")
	// No new refresh token: the old one stays (RFC 6749 6).
	if _, err := b.vault.RefreshToken(t.Context(), who, id, 2, func(_ context.Context, refresh encryption.Secret) (tokens.Tokens, error) {
		given = refresh.Reveal()
		return tokens.Tokens{Access: "newer", Refresh: "new-refresh"}, nil
	}); err != nil || given != "old-refresh" {
		t.Fatalf("the second refresh: %v, with %q", err, given)
	}
}

// Break OA-12: services/tokens/refresh.go: in acquire, drop the comparison of fence and generation
func TestRefresh_OA12_ManyAtOnceAskOnce(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("old", "old-refresh", time.Hour)
	nodes := []*tokens.Service{b.vault, b.with(b.keys)}
	var posts atomic.Int32
	bank := func(ctx context.Context, _ encryption.Secret) (tokens.Tokens, error) {
		posts.Add(1)
		return answers("new", "new-refresh")(ctx, "")
	}
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			a, err := nodes[i%2].RefreshToken(t.Context(), who, id, 1, bank)
			for errs.KindOf(err) == errs.Unavailable && !errors.Is(err, tokens.ErrBusy) { // the database was too busy; as told, come back
				a, err = nodes[i%2].RefreshToken(t.Context(), who, id, 1, bank)
			}
			if err != nil || a.Token.Reveal() != "new" {
				t.Errorf("caller %d: %q, %v", i, a.Token.Reveal(), err)
			}
		})
	}
	all.Wait()
	if n := posts.Load(); n != 1 {
		t.Errorf("the bank was asked %d times", n)
	}
}

// Break OA-12: services/tokens/refresh.go: never take the case waited && r.Free
func TestRefresh_OA12_LosersShareTheFailure(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("old", "old-refresh", time.Hour)
	var posts atomic.Int32
	asked, answer := make(chan struct{}), make(chan struct{})
	refused := errors.New("refused")
	bank := func(context.Context, encryption.Secret) (tokens.Tokens, error) {
		if posts.Add(1) == 1 {
			close(asked)
		}
		<-answer
		return tokens.Tokens{}, refused
	}
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := b.vault.RefreshToken(t.Context(), who, id, 1, bank); !errors.Is(err, refused) {
			t.Errorf("the winner got %v", err)
		}
	})
	<-asked
	var looked sync.WaitGroup
	for range 20 {
		looked.Add(1)
		vault := b.over(&switchable{Pool: b.db.Pool, read: sync.OnceFunc(looked.Done)}, b.keys)
		all.Go(func() {
			if _, err := vault.RefreshToken(t.Context(), who, id, 1, bank); errs.KindOf(err) != errs.Unavailable {
				t.Errorf("a loser got %v", err)
			}
		})
	}
	looked.Wait() // each has seen the lease
	close(answer)
	all.Wait()
	if n := posts.Load(); n != 1 {
		t.Errorf("the bank was asked %d times", n)
	}
}

// Break OA-13: services/tokens/refresh.go: in acquire, drop the case r.Lost >= inDoubt
func TestRefresh_OA13_LostAnswers(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("old", "old-refresh", time.Hour)
	posts := 0
	lost := func(context.Context, encryption.Secret) (tokens.Tokens, error) {
		posts++
		return tokens.Tokens{}, tokens.ErrAnswerLost
	}
	for try, want := range []error{tokens.ErrAnswerLost, tokens.ErrAnswerLost, tokens.ErrInDoubt, tokens.ErrInDoubt} {
		if _, err := b.vault.RefreshToken(t.Context(), who, id, 1, lost); !errors.Is(err, want) {
			t.Errorf("try %d: %v, want %v", try+1, err, want)
		}
	}
	if posts != 2 {
		t.Errorf("the bank was asked %d times, want 2: the lost one and one retry", posts)
	}
	// A clear no leaves no doubt, however often it comes.
	who, id = b.stored("old", "old-refresh", time.Hour)
	no := errors.New("503")
	for range 4 {
		if _, err := b.vault.RefreshToken(t.Context(), who, id, 1, fails(no)); !errors.Is(err, no) {
			t.Errorf("after clear refusals: %v", err)
		}
	}
	if _, err := b.vault.RefreshToken(t.Context(), who, id, 1, answers("new", "")); err != nil {
		t.Error(err)
	}
}

// A process that died holding the lease (F01): its lease runs out, and the next one asks once more.
//
// Break OA-13: services/tokens/refresh.go: in acquire, note the intent as audit.Done
func TestRefresh_OA13_AfterACrash(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("old", "old-refresh", time.Hour)
	crash := func() {
		ctx, cancel := context.WithCancel(t.Context())
		died := make(chan struct{})
		go func() {
			defer close(died)
			defer func() { _ = recover() }()
			_, _ = b.vault.RefreshToken(ctx, who, id, 1, func(context.Context, encryption.Secret) (tokens.Tokens, error) { panic("kill -9") })
		}()
		<-died
		cancel()
		b.exec(`UPDATE connection_tokens SET lease_until = now() - interval '1 second' WHERE connection_id = @id`, pgx.NamedArgs{"id": id})
	}
	crash()
	if a, err := b.vault.RefreshToken(t.Context(), who, id, 1, answers("new", "new-refresh")); err != nil || a.Token.Reveal() != "new" {
		t.Fatalf("after one crash: %v", err)
	}
	who, id = b.stored("old", "old-refresh", time.Hour)
	crash()
	crash()
	if _, err := b.vault.RefreshToken(t.Context(), who, id, 1, never); !errors.Is(err, tokens.ErrInDoubt) {
		t.Errorf("after two crashes: %v, want ErrInDoubt", err)
	}
}

// Break OA-14: services/tokens/refresh.go: in keep, return err at once
func TestRefresh_OA14_StoredWhenTheDatabaseIsBack(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("old", "old-refresh", time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	done := make(chan error)
	go func() {
		_, err := b.vault.RefreshToken(ctx, who, id, 1, func(ctx context.Context, _ encryption.Secret) (tokens.Tokens, error) {
			b.db.away.Store(true)
			cancel() // the one who asked is gone, too (RL-6)
			close(asked)
			return answers("new", "new-refresh")(ctx, "")
		})
		done <- err
	}()
	<-asked
	if n := b.count(`SELECT generation FROM connection_tokens WHERE connection_id = @id`, pgx.NamedArgs{"id": id}); n != 1 {
		t.Fatal("the answer was stored while the database was away")
	}
	b.db.away.Store(false)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.opens(who, id, "new")
}

// The database is away when the bank answers, and stays away until the process has ended: the answer waits in a file, which
// holds nothing in the clear, and lands when the next process starts or refreshes.
//
// Break OA-14: services/tokens/refresh.go: in keep, leave out the case that spools
func TestRefresh_OA14_F03_AnAnswerOutlivesItsProcess(t *testing.T) {
	for name, next := range map[string]func(b *bundle, vault *tokens.Service, who actor.Actor, id uuid.UUID) error{
		"at the start": func(b *bundle, vault *tokens.Service, _ actor.Actor, _ uuid.UUID) error {
			return vault.RecoverSpool(b.Context())
		},
		"at the next refresh": func(b *bundle, vault *tokens.Service, who actor.Actor, id uuid.UUID) error {
			_, err := vault.RefreshToken(b.Context(), who, id, 1, never)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			who, id := b.stored("old", "old-refresh", time.Hour)
			dir := filepath.Join(t.TempDir(), "spool")
			vault := func() *tokens.Service {
				return tokens.New(tokens.Config{DB: b.db, Keys: b.keys, Keep: 50 * time.Millisecond, Wait: 10 * time.Millisecond, Spool: dir})
			}
			_, err := vault().RefreshToken(t.Context(), who, id, 1, func(ctx context.Context, _ encryption.Secret) (tokens.Tokens, error) {
				b.db.away.Store(true)
				return answers("new-canary", "new-refresh-canary")(ctx, "")
			})
			if err == nil {
				t.Fatal("stored without a database")
			}
			files, _ := filepath.Glob(filepath.Join(dir, "*"))
			if len(files) != 1 {
				t.Fatalf("%d files in the spool", len(files))
			}
			text, err := os.ReadFile(files[0])
			info, _ := os.Stat(files[0])
			if err != nil || strings.Contains(string(text), "canary") || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, mode %s, or a token in the clear", err, info.Mode())
			}
			b.db.away.Store(false)
			b.exec(`UPDATE connection_tokens SET lease_until = now() - interval '1 second' WHERE connection_id = @id`, pgx.NamedArgs{"id": id})
			if err := next(b, vault(), who, id); err != nil {
				t.Fatal(err)
			}
			b.opens(who, id, "new-canary")
			if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 0 {
				t.Errorf("left in the spool: %v", files)
			}
			// An older answer never comes back over a newer one.
			if err := os.WriteFile(files[0], text, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := b.vault.RefreshToken(t.Context(), who, id, 2, answers("newest", "newest-refresh")); err != nil {
				t.Fatal(err)
			}
			if err := vault().RecoverSpool(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.opens(who, id, "newest")
		})
	}
}

// A database that cannot write, because its disk is full, stops a refresh before the bank is asked.
//
// Break OA-13: services/tokens/refresh.go: in acquire, return l where the transaction failed
func TestRefresh_OA13_F12_NoLeaseNoRequest(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("old", "old-refresh", time.Hour)
	b.exec(`CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$`, nil)
	b.exec(`CREATE TRIGGER disk_full BEFORE UPDATE ON connection_tokens EXECUTE FUNCTION disk_full()`, nil)
	asked := false
	bank := func(ctx context.Context, _ encryption.Secret) (tokens.Tokens, error) {
		asked = true
		return answers("new", "new-refresh")(ctx, "")
	}
	if _, err := b.vault.RefreshToken(t.Context(), who, id, 1, bank); err == nil || asked {
		t.Errorf("on a full disk: %v, the bank was asked: %t", err, asked)
	}
	b.exec(`DROP TRIGGER disk_full ON connection_tokens`, nil)
	if _, err := b.vault.RefreshToken(t.Context(), who, id, 1, bank); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	b.opens(who, id, "new")
}

// A refresher that slept through its lease (F07) must not overwrite what somebody else stored meanwhile.
//
// Break OA-12: services/tokens/refresh.go: in store, drop the case r.Generation != l.generation
func TestRefresh_OA12_FenceAgainstASleeper(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("old", "old-refresh", time.Hour)
	a, err := b.vault.RefreshToken(t.Context(), who, id, 1, func(ctx context.Context, _ encryption.Secret) (tokens.Tokens, error) {
		b.exec(`UPDATE connection_tokens SET lease_until = now() - interval '1 second' WHERE connection_id = @id`, pgx.NamedArgs{"id": id})
		if _, err := b.with(b.keys).RefreshToken(ctx, who, id, 1, answers("theirs", "their-refresh")); err != nil {
			t.Error(err)
		}
		return answers("sleeper's", "sleeper's-refresh")(ctx, "")
	})
	if err != nil || a.Token.Reveal() != "theirs" {
		t.Errorf("the sleeper got %q, %v; want the other's result", a.Token.Reveal(), err)
	}
	b.opens(who, id, "theirs")
}

// Break OA-11: services/tokens/refresh.go: in giveUp, drop the look at r.Generation
func TestRefresh_OA11_RefusedButRenewedMeanwhile(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("old", "old-refresh", time.Hour)
	a, err := b.vault.RefreshToken(t.Context(), who, id, 1, func(ctx context.Context, _ encryption.Secret) (tokens.Tokens, error) {
		b.exec(`UPDATE connection_tokens SET lease_until = now() - interval '1 second' WHERE connection_id = @id`, pgx.NamedArgs{"id": id})
		if _, err := b.with(b.keys).RefreshToken(ctx, who, id, 1, answers("theirs", "their-refresh")); err != nil {
			t.Error(err)
		}
		return tokens.Tokens{}, errors.New("invalid_grant")
	})
	if err != nil || a.Token.Reveal() != "theirs" {
		t.Errorf("%q, %v; want the newer token", a.Token.Reveal(), err)
	}
}

// Break OA-15: services/tokens/store.go: in early, leave out the tenth
func TestAccessToken_OA15_RenewsEarly(t *testing.T) {
	b := newBundle(t)
	for name, c := range map[string]struct {
		life, left time.Duration
		want       string
	}{
		"an hour, 10 minutes left":   {time.Hour, 10 * time.Minute, "old"},
		"an hour, 5 minutes left":    {time.Hour, 5 * time.Minute, "new"},
		"5 minutes, 50 seconds left": {5 * time.Minute, 50 * time.Second, "new"},
		"5 minutes, 70 seconds left": {5 * time.Minute, 70 * time.Second, "old"},
		"90 seconds, all left":       {90 * time.Second, 90 * time.Second, "old"},
		"no life said":               {0, 0, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			who, id := b.stored("old", "old-refresh", c.life)
			b.exec(`UPDATE connection_tokens SET stored_at = stored_at - @ago::interval, expires_at = expires_at - @ago::interval WHERE connection_id = @id`,
				pgx.NamedArgs{"id": id, "ago": (c.life - c.left).String()})
			a, err := access(t.Context(), b.vault, who, id, answers("new", ""))
			if err != nil || a.Token.Reveal() != c.want {
				t.Errorf("%q, %v; want %q", a.Token.Reveal(), err, c.want)
			}
		})
	}
}
