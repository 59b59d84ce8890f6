package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres/pgtest"
)

// program is a running dashtam, started as main starts it.
type program struct {
	base, bank, setup, sign string
	stop                    context.CancelFunc // the signal
	ended                   chan error
}

// environment is that of a program of its own on any free ports, over a fresh database; more pairs change it.
func environmentFor(t *testing.T, pairs ...string) func(string) string {
	t.Helper()
	return with(append([]string{
		"DASHTAM_ADDR", "127.0.0.1:0", "DASHTAM_SANDBOX_ADDR", "127.0.0.1:0", "DASHTAM_ADMIN_ADDR", "off",
		"DASHTAM_DATABASE_URL", pgtest.URL(t), "DASHTAM_DATA_DIR", t.TempDir(),
	}, pairs...)...)
}

// serve starts dashtam serve and waits until it has said where it is.
func serve(t *testing.T, getenv func(string) string) *program {
	t.Helper()
	p := start(t, getenv, "serve")
	if p.setup == "" {
		t.Fatal("it offers no set-up")
	}
	return p
}

// start starts a command that serves and waits until it has said everything.
func start(t *testing.T, getenv func(string) string, name string) *program {
	t.Helper()
	return startBy(t, nil, getenv, name)
}

// startBy is start on a machine with another clock.
func startBy(t *testing.T, now func() time.Time, getenv func(string) string, name string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	p := &program{stop: cancel, ended: make(chan error, 1)}
	go func() {
		err := (&app{getenv: getenv, stdout: write, log: newLog(os.Stderr), now: now}).run(ctx, []string{name})
		_ = write.CloseWithError(errors.Join(err, io.EOF))
		p.ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-p.ended:
		case <-time.After(time.Minute):
			t.Error("it does not stop")
		}
	})
	lines := bufio.NewScanner(read)
	for p.setup+p.sign == "" && lines.Scan() {
		what, value, _ := strings.Cut(lines.Text(), ": ")
		switch what {
		case "Dashtam":
			p.base = value
		case "Sandbox Bank":
			p.bank = value
		case "set-up":
			p.setup = value
		}
		if strings.HasPrefix(what, "Sign in as ") {
			p.sign = what
		}
	}
	if p.setup+p.sign == "" {
		t.Fatalf("it does not start: %v", lines.Err())
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	return p
}

// end sends the signal and gives what run returned.
func (p *program) end(t *testing.T) error {
	t.Helper()
	p.stop()
	select {
	case err := <-p.ended:
		p.ended <- err // for the Cleanup
		return err
	case <-time.After(time.Minute):
		t.Fatal("it does not stop")
		return nil
	}
}

func status(t *testing.T, address string) int {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestServe_EverythingAnswersWhereItSays(t *testing.T) {
	operator := freeAddress(t)
	p := serve(t, environmentFor(t, "DASHTAM_ADMIN_ADDR", operator))
	for address, want := range map[string]int{
		p.base + "/": 200, p.base + "/livez": 200, p.base + "/readyz": 200, p.setup: 200,
		p.bank + "/.well-known/openid-configuration": 200,
		"http://" + operator + "/metrics":            200, "http://" + operator + "/debug/pprof/": 200,
		p.base + "/metrics": 404, p.base + "/debug/pprof/": 404, p.bank + "/metrics": 404, // AZ-7
	} {
		if got := status(t, address); got != want {
			t.Errorf("%s: %d, want %d", address, got, want)
		}
	}
	r, err := http.Get("http://" + operator + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	figures, _ := io.ReadAll(r.Body)
	if want := `dashtam_http_request_seconds_count{method="GET",route="/livez",status="200"} 1`; !strings.Contains(string(figures), want) {
		t.Errorf("the figures lack %s", want)
	}
	if !strings.HasPrefix(p.setup, p.base+"/setup/") {
		t.Errorf("set-up: %s", p.setup)
	}
	if err := p.end(t); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// Break RT-1: cmd/dashtam/listen.go: call server.Close in place of server.Shutdown.
func TestServe_RT1_FinishesWhatHasBegunAndTakesNothingNew(t *testing.T) {
	p := serve(t, environmentFor(t))
	u, _ := url.Parse(p.base)
	begun, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer begun.Close()
	form := "email=a%40example.org&password=wrong"
	head := "POST /login HTTP/1.1\r\nHost: " + u.Host + "\r\nExpect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 36\r\n\r\n"
	if _, err := io.WriteString(begun, head); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(begun)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") { // the handler reads now
		t.Fatalf("%q, %v", line, err)
	}
	_, _ = answers.ReadString('\n')
	p.stop()
	for { // until the listener is closed
		late, err := net.Dial("tcp", u.Host)
		if err != nil {
			break
		}
		late.Close()
		select {
		case err := <-p.ended:
			p.ended <- err
			t.Fatalf("it ended before its request did: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if _, err := io.WriteString(begun, form); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(answers, nil)
	if err != nil || r.StatusCode != http.StatusUnauthorized {
		t.Errorf("the request that had begun: %v, %v", r, err)
	}
	if err := p.end(t); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// Break RT-2: handlers/handlers.go: health asks d.Ready for /livez, too.
func TestServe_RT2_LivesWithoutADatabaseAndIsReadyAgainWithIt(t *testing.T) {
	getenv := environmentFor(t)
	p := serve(t, getenv)
	config, err := pgx.ParseConfig(getenv("DASHTAM_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	name := pgx.Identifier{config.Database}.Sanitize()
	config.Database = "postgres"
	other, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	do := func(sql string) {
		t.Helper()
		if _, err := other.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	do("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false")
	do("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '" + strings.Trim(name, `"`) + "'")
	if live, ready := status(t, p.base+"/livez"), status(t, p.base+"/readyz"); live != 200 || ready != 503 {
		t.Errorf("without the database: livez %d, readyz %d", live, ready)
	}
	if _, answer := body(t, p.base+"/readyz"); answer != `{"status":"unavailable","down":["database"]}` {
		t.Errorf("without the database: %s", answer)
	}
	do("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true")
	again := time.Now().Add(10 * time.Second)
	for status(t, p.base+"/readyz") != 200 { // the pool's connections learn one by one that they were ended
		if time.Now().After(again) {
			t.Fatal("with it again: not ready")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Break RL-5: cmd/dashtam/listen.go: drop ReadHeaderTimeout and MaxHeaderBytes.
func TestServe_RL5_BoundsHeaders(t *testing.T) {
	p := serve(t, environmentFor(t))
	u, _ := url.Parse(p.base)
	slow, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := io.WriteString(slow, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	big, err := http.NewRequest(http.MethodGet, p.base+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	big.Header.Set("X-Big", strings.Repeat("x", 33<<10))
	r, err := http.DefaultClient.Do(big)
	if err != nil || r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("33 KiB of header: %v, %v", r, err)
	}
	if err := slow.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, slow); err != nil {
		t.Errorf("a header that never ends is not cut off: %v", err)
	}
}

func TestServe_TLSSelfKeepsItsCertificate(t *testing.T) {
	getenv := environmentFor(t, "DASHTAM_TLS", "self")
	var first []byte
	for range 2 {
		p := serve(t, getenv)
		if !strings.HasPrefix(p.base, "https://localhost:") {
			t.Fatalf("base URL %s", p.base)
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting()}}
		r, err := client.Get(p.base + "/livez")
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", r, err)
		}
		r.Body.Close()
		if now := r.TLS.PeerCertificates[0].Raw; first != nil && !bytes.Equal(first, now) {
			t.Error("the certificate changed over a restart")
		} else {
			first = now
		}
		client.CloseIdleConnections()
		if err := p.end(t); err != nil {
			t.Fatal(err)
		}
	}
}
