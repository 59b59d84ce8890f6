// Package redistest starts real Redis servers for tests, and makes them slow, empty or gone.
package redistest

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/redis"
)

// Server is a redis-server of its own, on a free port of this machine; it ends with the test.
type Server struct {
	t       testing.TB
	address string
	log     bytes.Buffer
	process *exec.Cmd
}

// New starts a Server. Without redis-server on the PATH the test fails and says what to install.
func New(t testing.TB) *Server {
	t.Helper()
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, address: free.Addr().String()}
	_ = free.Close()
	s.Start()
	t.Cleanup(func() {
		if s.process != nil {
			s.Kill()
		}
	})
	return s
}

// URL is how the server is reached.
func (s *Server) URL() encryption.Secret { return encryption.Secret("redis://" + s.address) }

// Client is a client of the server's own; a test that counts on nothing of another's uses its name.
func (s *Server) Client() *redis.Client {
	s.t.Helper()
	c, err := redis.New(redis.Config{URL: s.URL(), Namespace: s.t.Name()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// Start starts the server, empty, at the address it had.
func (s *Server) Start() {
	s.t.Helper()
	s.start(s.t.TempDir())
}

// Keep notes what the server holds now; Revert ends it, and starts it with that, as when a replica that lags takes over.
func (s *Server) Keep() {
	s.t.Helper()
	if answer, err := s.Ask("SAVE"); err != nil || !strings.HasPrefix(answer, "+OK") {
		s.t.Fatalf("%s, %v", answer, err)
	}
}

// Revert is told of at Keep.
func (s *Server) Revert() {
	s.t.Helper()
	dir := s.process.Dir
	s.Kill()
	s.start(dir)
}

// start starts the server with what lies in dir.
func (s *Server) start(dir string) {
	s.t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Fatal("there is no redis-server: please install it (Debian: apt-get install redis-server)")
	}
	_, port, _ := net.SplitHostPort(s.address)
	// Its end is Kill's: the test's context ends before the Cleanups that may still need it.
	s.process = exec.CommandContext(context.Background(), path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	s.process.Stdout, s.process.Dir = &s.log, dir
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if answer, err := s.Ask("PING"); err == nil && strings.HasPrefix(answer, "+PONG") {
			return
		}
	}
	s.Kill()
	s.t.Fatalf("redis-server does not answer:\n%s", &s.log)
}

// Ask sends one command, words apart by spaces, past every client of ours, and gives the raw answer.
func (s *Server) Ask(command string) (string, error) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(s.t.Context(), "tcp", s.address)
	if err != nil {
		return "", err
	}
	defer conn.Close() //nolint:errcheck // nothing is pending
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte(command + "\r\n")); err != nil {
		return "", err
	}
	answer := make([]byte, 64<<10)
	n, err := conn.Read(answer)
	return string(answer[:n]), err
}

// Flush drops everything the server holds.
func (s *Server) Flush() {
	s.t.Helper()
	if answer, err := s.Ask("FLUSHALL"); err != nil || !strings.HasPrefix(answer, "+OK") {
		s.t.Fatalf("%s, %v", answer, err)
	}
}

// Stop makes the server as slow as can be: it keeps its connections and answers nothing until Continue.
func (s *Server) Stop() { s.signal(syscall.SIGSTOP) }

// Continue lets a stopped server go on with what it was asked meanwhile.
func (s *Server) Continue() { s.signal(syscall.SIGCONT) }

// Kill ends the server at once, with what it held.
func (s *Server) Kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	_ = s.process.Wait() // it was killed
	s.process = nil
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}
