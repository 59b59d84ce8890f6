package syncer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/encryption"
	"dashtam/services/jobs"
	"dashtam/services/limits"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/providers"
	"dashtam/services/providers/fdx"
	"dashtam/services/syncer"
	"dashtam/services/tokens"
)

// dueConnections are due at the same moment in BenchmarkDue.
const dueConnections = 10_000

// benchNode is what a process that is a node of BenchmarkDue is told.
type benchNode struct{ Database, Key, Bank string }

const benchNodeEnv = "DASHTAM_BENCH_NODE"

// TestMain runs the tests, or one node where this is the process of one.
func TestMain(m *testing.M) {
	if told := os.Getenv(benchNodeEnv); told != "" {
		if err := runNode(told); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// startNode starts a process that is a node. stop has it end what it works at, and waits for that.
func startNode(t testing.TB, n benchNode) (node *exec.Cmd, stop func()) {
	t.Helper()
	told, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	node = exec.Command(os.Args[0])
	node.Env, node.Stderr = append(os.Environ(), benchNodeEnv+"="+string(told)), os.Stderr
	in, err := node.StdinPipe()
	if err == nil {
		err = node.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = in.Close()
		_ = node.Wait()
	})
	t.Cleanup(func() {
		_ = node.Process.Kill()
		stop()
	})
	return node, stop
}

// runNode works jobs until its input ends. It looks for what is due every second, where an installation does every minute.
func runNode(told string) error {
	var n benchNode
	if err := json.Unmarshal([]byte(told), &n); err != nil {
		return err
	}
	ctx := context.Background()
	pool, err := postgres.Open(ctx, n.Database)
	if err != nil {
		return err
	}
	defer pool.Close()
	keys, err := encryption.ParseKeyring(n.Key)
	if err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	queue, err := jobs.NewQueue(pool.Pool, quiet)
	if err != nil {
		return err
	}
	vault, registry, limiter := tokens.New(tokens.Config{DB: pool, Keys: keys}), providers.NewRegistry(fastProvider(n.Bank)), limits.New(pool, time.Now)
	banks := connections.New(connections.Config{
		DB: pool, Tokens: vault, Providers: registry, Limits: limiter, Jobs: queue, Key: keys.Derive("connect"), Enqueue: syncer.Enqueue(queue),
	})
	workers := river.NewWorkers()
	syncer.New(syncer.Config{DB: pool, Connections: banks, Tokens: vault, Providers: registry, Queue: queue, Limits: limiter}).AddWorkers(workers)
	runner, err := jobs.NewRunner(pool.Pool, jobs.RunnerConfig{
		Workers: workers, Log: quiet, Periodic: []jobs.Periodic{{Every: time.Second, Args: jobs.SyncDue{}}},
	})
	if err != nil {
		return err
	}
	if err := runner.Start(ctx); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return runner.Stop(ctx)
}

func fastProvider(bank string) providers.Provider {
	return fdx.New(fdx.Config{
		Profile: providers.Profile{
			Slug: slug, Name: "Fast Bank", Kind: "fdx", Issuer: bank, API: bank + "/fdx/v6", ClientID: "dashtam",
			Scopes: []string{"openid", "offline_access", "fdx:transactions:read"}, HistoryDays: 30, ConsentDays: 180,
		},
		RedirectURI: "http://localhost/x", Client: providers.NewClient(true), Private: true,
	})
}

// fastBank keeps nothing but which refresh token of each customer is the living one: "r-CUSTOMER-GENERATION".
type fastBank struct {
	*httptest.Server
	mu      sync.Mutex
	living  []int // generation, by customer
	posts   atomic.Int64
	reused  atomic.Int64 // shown although it had been used
	fetched atomic.Int64
}

func newFastBank(b *testing.B) *fastBank {
	f := &fastBank{living: make([]int, dueConnections)}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, status int, text string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, fmt.Sprintf(`{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q}`, f.URL, f.URL+"/authorize", f.URL+"/token"))
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		f.posts.Add(1)
		parts := strings.Split(r.PostFormValue("refresh_token"), "-")
		customer, _ := strconv.Atoi(parts[1])
		generation, _ := strconv.Atoi(parts[2])
		f.mu.Lock()
		fresh := f.living[customer] == generation
		if fresh {
			f.living[customer]++
		}
		f.mu.Unlock()
		if !fresh {
			f.reused.Add(1)
			answer(w, http.StatusBadRequest, `{"error":"invalid_grant"}`)
			return
		}
		answer(w, http.StatusOK, fmt.Sprintf(`{"access_token":"a-%d","refresh_token":"r-%d-%d","token_type":"Bearer","expires_in":3600}`, customer, customer, generation+1))
	})
	mux.HandleFunc("GET /fdx/v6/accounts", func(w http.ResponseWriter, _ *http.Request) {
		f.fetched.Add(1)
		answer(w, http.StatusOK, `{"accounts":[]}`)
	})
	f.Server = httptest.NewServer(mux)
	b.Cleanup(f.Close)
	return f
}

// ceiling is how many customers a second the bank serves to a client that does nothing else: a token request and a list
// of accounts each.
func (f *fastBank) ceiling(b *testing.B) float64 {
	b.Helper()
	const customers = 2000
	bank := fastProvider(f.URL)
	begin := time.Now()
	var group errgroup.Group
	group.SetLimit(16)
	for i := range customers {
		group.Go(func() error {
			t, err := bank.Access.Refresh(b.Context(), encryption.Secret(fmt.Sprintf("r-%d-0", i)))
			if err == nil {
				_, err = bank.Data.Accounts(b.Context(), t.Access)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	rate := customers / time.Since(begin).Seconds()
	f.living = make([]int, dueConnections)
	f.posts.Store(0)
	f.fetched.Store(0)
	return rate
}

// seedDue makes people with a connection each, whose access tokens have ended.
func seedDue(b *testing.B, pool *postgres.Pool, keys *encryption.Keyring) {
	b.Helper()
	vault := tokens.New(tokens.Config{DB: pool, Keys: keys})
	if err := vault.CheckKeys(b.Context()); err != nil {
		b.Fatal(err)
	}
	var group errgroup.Group
	group.SetLimit(8)
	for i := range dueConnections {
		group.Go(func() error {
			who, id := actor.Actor{Kind: actor.User, UserID: uuid.New(), RequestID: "bench"}, uuid.New()
			return pgx.BeginFunc(b.Context(), pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(b.Context(), `INSERT INTO users (id, email, email_key, name, password_hash) VALUES (@id, @email, @email, 'Due', 'none')`,
					pgx.NamedArgs{"id": who.UserID, "email": who.UserID.String() + "@example.com"}); err != nil {
					return err
				}
				if _, err := tx.Exec(b.Context(), `INSERT INTO connections (user_id, id, provider, name, status) VALUES (@user, @id, @provider, 'Due', 'healthy')`,
					pgx.NamedArgs{"user": who.UserID, "id": id, "provider": slug}); err != nil {
					return err
				}
				_, err := vault.StoreTokens(b.Context(), tx, who, id, slug, tokens.Tokens{
					Access: "old", Refresh: encryption.Secret(fmt.Sprintf("r-%d-0", i)), ExpiresIn: time.Second,
				})
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	if _, err := pool.Exec(b.Context(), `ANALYZE`); err != nil { // test databases have no autovacuum
		b.Fatal(err)
	}
}

// BenchmarkDue: ten thousand connections are due at once and two nodes work them. Each is refreshed with exactly one token
// request, and the rate stands beside what the bank serves to a client that does nothing else.
func BenchmarkDue(b *testing.B) {
	for b.Loop() {
		pool, bank := pgtest.New(b), newFastBank(b)
		key, err := encryption.GenerateKey("k1")
		if err != nil {
			b.Fatal(err)
		}
		keys, err := encryption.ParseKeyring(key.Line().Reveal())
		if err != nil {
			b.Fatal(err)
		}
		seedDue(b, pool, keys)
		ceiling := bank.ceiling(b)
		for range 2 {
			_, stop := startNode(b, benchNode{pool.Config().ConnString(), key.Line().Reveal(), bank.URL})
			defer stop()
		}
		if _, err := pool.Exec(b.Context(), `UPDATE connections SET next_sync_at = now()`); err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		for done := 0; done < dueConnections; time.Sleep(100 * time.Millisecond) {
			if err := pool.QueryRow(b.Context(), `SELECT count(*) FROM connections WHERE last_success_at IS NOT NULL`).Scan(&done); err != nil {
				b.Fatal(err)
			}
			if time.Since(begin) > 10*time.Minute {
				b.Fatalf("%d of %d are done", done, dueConnections)
			}
		}
		rate := dueConnections / time.Since(begin).Seconds()
		if posts, reused := bank.posts.Load(), bank.reused.Load(); posts != dueConnections || reused != 0 {
			b.Errorf("%d token requests, %d with a used token; want one for each of %d connections", posts, reused, dueConnections)
		}
		b.ReportMetric(rate, "connections/s")
		b.ReportMetric(ceiling, "bank-connections/s")
		b.ReportMetric(rate/ceiling, "of-the-bank")
		b.ReportMetric(float64(bank.posts.Load())/dueConnections, "token-requests/connection")
	}
}
