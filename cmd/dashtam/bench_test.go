package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
)

// BenchmarkPages measures the demo person's pages beside the least a page can be: a bare Echo handler with one query of
// the rows the page is mostly made of, printed as text. Both run as processes of their own on the same database; their
// turns alternate, three each.
//
//	go test -run '^$' -bench Pages -benchtime 1x ./cmd/dashtam
func BenchmarkPages(b *testing.B) {
	s := launch(b, "demo")
	bare := startBare(b, s.database)
	client := s.signedIn(b)
	for _, path := range slices.Sorted(maps.Keys(bareQueries)) {
		b.Run(path[1:], func(b *testing.B) {
			for range b.N {
				compare(b, client, s.url+path, bare+path)
			}
		})
	}
}

// Connections at once, seconds a turn, turns a side.
const (
	benchConns = 8
	benchTurn  = 4 * time.Second
	benchTurns = 3
)

func compare(b *testing.B, client *http.Client, ours, theirs string) {
	closedLoop(b, client, ours, time.Second)
	closedLoop(b, client, theirs, time.Second)
	var mine, bare, ratios []float64
	for range benchTurns {
		m, t := closedLoop(b, client, ours, benchTurn), closedLoop(b, client, theirs, benchTurn)
		mine, bare, ratios = append(mine, m), append(bare, t), append(ratios, m/t)
	}
	var p99 []float64
	for range benchTurns {
		took, failed := openLoop(median(mine)/2, benchTurn, func(int) error { return get(client, ours) })
		if failed > 0 {
			b.Errorf("%d requests failed", failed)
		}
		p99 = append(p99, percentile(took, 99))
	}
	b.ReportMetric(median(mine), "req/s")
	b.ReportMetric(median(bare), "bare-req/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(p99), "p99-ms-at-half")
	b.Logf("requests/s %s, bare %s, ratio %s, p99 at half of that rate %s ms", spread(mine), spread(bare), spread(ratios), spread(p99))
}

// closedLoop asks as fast as answers come, over a few connections, and returns requests per second.
func closedLoop(b *testing.B, client *http.Client, url string, length time.Duration) float64 {
	b.Helper()
	var done atomic.Int64
	var group sync.WaitGroup
	begin := time.Now()
	for range benchConns {
		group.Go(func() {
			for time.Since(begin) < length {
				if err := get(client, url); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds()
}

// openLoop asks at a fixed rate whether or not answers come, and returns the times from when each request was due to its
// answer, the shortest first, so that a stall counts for everybody it kept waiting; and how many had no good answer.
func openLoop(rate float64, length time.Duration, ask func(i int) error) (took []time.Duration, failed int) {
	n := int(rate * length.Seconds())
	took = make([]time.Duration, n)
	var bad atomic.Int64
	begin := time.Now()
	var group sync.WaitGroup
	for i := range n {
		due := begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		time.Sleep(time.Until(due))
		group.Go(func() {
			if ask(i) != nil {
				bad.Add(1)
			}
			took[i] = time.Since(due)
		})
	}
	group.Wait()
	slices.Sort(took)
	return took, int(bad.Load())
}

// percentile of times that are sorted, in milliseconds.
func percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[(len(sorted)-1)*p/100].Microseconds()) / 1000
}

// get reads one page, uncompressed: pages are packed only for requests that name their site.
func get(client *http.Client, url string) error {
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return nil
}

func median(list []float64) float64 { return slices.Sorted(slices.Values(list))[len(list)/2] }

func spread(list []float64) string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", median(list), slices.Min(list), slices.Max(list))
}

// signedIn is a client with the demo person's session.
func (s *instance) signedIn(b testing.TB) *http.Client {
	b.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: 30 * time.Second}
	res, err := client.PostForm(s.url+"/login", url.Values{"email": {s.email}, "password": {s.password}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.Request.URL.Path != "/overview" {
		b.Fatalf("signing in led to %s (%s)", res.Request.URL, res.Status)
	}
	return client
}

// bareEnv makes the test binary serve the baseline instead of running tests.
const bareEnv = "DASHTAM_BENCH_BARE"

// TestMain lets the test binary be what the benchmarks compare with, and the workers of a server that runs inside it.
func TestMain(m *testing.M) {
	switch {
	case slices.Equal(os.Args[1:], []string{"hash-worker"}): // of a server that runs in this process
		main()
		os.Exit(0)
	case os.Getenv(bareEnv) != "":
		fmt.Fprintln(os.Stderr, serveBare(os.Getenv(bareEnv)))
		os.Exit(1)
	case os.Getenv(goroutinesEnv) != "": // a baseline of BenchmarkStorm
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := (&app{getenv: os.Getenv, stdout: os.Stdout, log: newLog(os.Stderr), inGoroutines: true}).run(ctx, os.Args[1:])
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case os.Getenv(loopEnv) != "":
		loopHashes()
	}
	os.Exit(m.Run())
}

// bareQueries are the rows each page is mostly made of: nine accounts with their balances of half a year, and the newest
// transactions.
var bareQueries = map[string]string{
	"/overview": `SELECT a.id, a.bank_name, a.mask, a.balance_minor, d.days
		FROM accounts a CROSS JOIN LATERAL (SELECT array_agg(balance_minor ORDER BY day) AS days FROM balance_days
			WHERE user_id = a.user_id AND account_id = a.id AND day >= now() - interval '6 months') d
		WHERE a.user_id = $1`,
	"/transactions": `SELECT id, payee, description, category, amount_minor, currency, booked_on FROM transactions
		WHERE user_id = $1 ORDER BY booked_on DESC, id DESC LIMIT 50`,
}

// serveBare answers with the rows of one query, a line each.
func serveBare(database string) error {
	pool, err := pgxpool.New(context.Background(), database)
	if err != nil {
		return err
	}
	if _, err := pool.Exec(context.Background(), `ANALYZE`); err != nil { // test databases have no autovacuum
		return err
	}
	var user uuid.UUID
	if err := pool.QueryRow(context.Background(), `SELECT user_id FROM accounts LIMIT 1`).Scan(&user); err != nil {
		return err
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	for path, query := range bareQueries {
		e.GET(path, func(c echo.Context) error {
			rows, err := pool.Query(c.Request().Context(), query, user)
			if err != nil {
				return err
			}
			defer rows.Close()
			var text strings.Builder
			for rows.Next() {
				values, err := rows.Values()
				if err != nil {
					return err
				}
				fmt.Fprintln(&text, values...)
			}
			if err := rows.Err(); err != nil {
				return err
			}
			return c.String(http.StatusOK, text.String())
		})
	}
	return e.Start(os.Getenv(bareEnv + "_ADDR"))
}

func startBare(b *testing.B, database string) string {
	b.Helper()
	addr := freeAddress(b)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), bareEnv+"="+database, bareEnv+"_ADDR="+addr)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		if err := get(http.DefaultClient, "http://"+addr+"/transactions"); err == nil {
			return "http://" + addr
		}
	}
	b.Fatal("the baseline does not answer")
	return ""
}
