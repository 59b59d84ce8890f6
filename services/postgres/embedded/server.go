package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startWait = 2 * time.Minute  // recovery after a crash can take its time
	stopWait  = 20 * time.Second // a fast shutdown usually takes half a second
	goneWait  = 15 * time.Second // for a server whose program was killed to notice
	port      = 5432             // only part of the socket's name

	nobodysHome = "/var/lib/dashtam" // for clusters that cannot lie in the data directory
)

// Server is a running embedded PostgreSQL.
type Server struct {
	URL  string // of the database dashtam
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	home home
}

// Start runs the server of the data directory dir, making the cluster at the first start. The caller holds Lock(dir).
func Start(ctx context.Context, dir string, log *slog.Logger) (*Server, error) {
	return start(ctx, dir, log, whoami())
}

func start(ctx context.Context, dir string, log *slog.Logger, as identity) (*Server, error) {
	h, err := locate(ctx, dir, log, as)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(h.cluster, "PG_VERSION")); err != nil {
		log.InfoContext(ctx, "making the database", "dir", h.cluster, "version", h.Major)
		if err := h.Init(ctx, h.cluster); err != nil {
			return nil, err
		}
	}
	if err := h.waitForOrphan(ctx); err != nil {
		return nil, err
	}
	s := &Server{URL: URL(h.sockets, "dashtam"), done: make(chan struct{}), home: h}
	if err := s.run(); err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// Running gives the URL of the server that another process started for the data directory dir, and whether it answers.
func Running(ctx context.Context, dir string) (url string, ok bool) {
	sockets, err := os.ReadFile(filepath.Join(dir, "postgres", "sockets"))
	if err != nil {
		return "", false
	}
	url = URL(string(sockets), "dashtam")
	return url, answers(ctx, url) == nil
}

// Pid is the process id of the server itself.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Done is closed when the server has ended, on request or not.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop shuts the server down, cutting off whoever is still connected, and waits for its end.
func (s *Server) Stop(ctx context.Context) error {
	defer s.home.tidy()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		_ = s.cmd.Process.Signal(signal) // it may have ended already
		select {
		case <-s.done:
			return nil
		case <-ctx.Done(): // in a hurry: on to the next, harder signal
		case <-time.After(stopWait):
		}
	}
	return fmt.Errorf("embedded: PostgreSQL, process %d, does not end", s.Pid())
}

// run starts the process on a thread that does nothing else until it ends.
func (s *Server) run() error {
	log, err := os.OpenFile(s.home.log, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	defer log.Close() //nolint:errcheck // the child has its own copy
	s.cmd = s.home.Command("postgres", "-D", s.home.cluster,
		"-c", "listen_addresses=", "-c", "unix_socket_directories="+s.home.sockets, "-c", "unix_socket_permissions=0700",
		"-c", "port="+strconv.Itoa(port), "-c", "cluster_name=dashtam", "-c", "timezone=UTC", "-c", "log_timezone=UTC",
		"-c", "shared_buffers=64MB", "-c", "max_connections=60", "-c", "jit=off", "-c", "max_parallel_workers_per_gather=0",
		"-c", "log_min_error_statement=panic", "-c", "log_error_verbosity=terse") // no statement and no value in the log
	s.cmd.Stdout, s.cmd.Stderr = log, log
	watch, err := dieWithUs(s.cmd)
	if err != nil {
		return err
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the parent-death signal follows the thread, so the thread waits for the child
		if err := s.cmd.Start(); err != nil {
			started <- fmt.Errorf("embedded: %w", err)
			return
		}
		watch()
		started <- nil
		_ = s.cmd.Wait() // how it ended stands in its log
		close(s.done)
	}()
	return <-started
}

// ready waits until the server answers and has our database.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		err := createDatabase(ctx, s.home.sockets)
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			out, _ := os.ReadFile(s.home.log)
			return fmt.Errorf("embedded: PostgreSQL ended at its start: %s", tail(out))
		case <-ctx.Done():
			return fmt.Errorf("embedded: PostgreSQL does not get ready: %w", errors.Join(ctx.Err(), err))
		case <-time.After(15 * time.Millisecond):
		}
	}
}

func createDatabase(ctx context.Context, sockets string) error {
	if answers(ctx, URL(sockets, "dashtam")) == nil {
		return nil
	}
	conn, err := pgx.Connect(ctx, URL(sockets, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is pending
	_, err = conn.Exec(ctx, "CREATE DATABASE dashtam")
	return err
}

func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// URL is the address of a database behind the socket in the directory sockets. Nothing stands between us and the server,
// so statements are prepared once a connection; one plan then serves them all, since each names its owner and none gains
// from being planned anew (a page's queries take 1.0 ms of the server's processor instead of 1.6).
func URL(sockets, database string) string {
	return "postgres:///" + database + "?host=" + sockets +
		"&user=dashtam&default_query_exec_mode=cache_statement&plan_cache_mode=force_generic_plan"
}

// home is where the parts of one server lie.
type home struct {
	Installation
	cluster, sockets, log string
}

// locate chooses the installation that suits what dir holds already, and makes the directories.
func locate(ctx context.Context, dir string, log *slog.Logger, as identity) (home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return home{}, fmt.Errorf("embedded: %w", err)
	}
	base := filepath.Join(dir, "postgres")
	clusters := base
	if as == nobody { // it could not enter a private directory of root's
		sum := sha256.Sum256([]byte(dir))
		clusters = filepath.Join(nobodysHome, hex.EncodeToString(sum[:6]))
		log.WarnContext(ctx, "this kernel lets PostgreSQL run only as nobody, so the database lies elsewhere", "dir", clusters)
		if err := os.MkdirAll(nobodysHome, 0o755); err != nil {
			return home{}, fmt.Errorf("embedded: %w", err)
		}
	}
	if err := errors.Join(os.MkdirAll(base, 0o700), os.MkdirAll(clusters, 0o700)); err != nil {
		return home{}, fmt.Errorf("embedded: %w", err)
	}
	i, err := find(ctx, existingMajor(clusters), as)
	if err != nil {
		return home{}, err
	}
	if err := i.Own(clusters); err != nil {
		return home{}, err
	}
	sockets, err := socketDir(i, clusters)
	if err != nil {
		return home{}, err
	}
	if err := os.WriteFile(filepath.Join(base, "sockets"), []byte(sockets), 0o600); err != nil {
		return home{}, fmt.Errorf("embedded: %w", err)
	}
	return home{i, filepath.Join(clusters, strconv.Itoa(i.Major)), sockets, filepath.Join(base, "postgres.log")}, nil
}

// existingMajor is the newest major version that has a cluster in dir, 0 for none.
func existingMajor(dir string) int {
	newest := 0
	found, _ := filepath.Glob(filepath.Join(dir, "*", "PG_VERSION")) // the only error is a bad pattern
	for _, path := range found {
		newest = max(newest, firstNumber(path))
	}
	return newest
}

// socketDir is a private directory whose path fits into a socket's address (107 bytes on Linux, 103 on macOS).
func socketDir(i Installation, base string) (string, error) {
	dir := filepath.Join(base, "run")
	if len(dir)+len("/.s.PGSQL.5432.lock") > 100 {
		short, err := os.MkdirTemp("/tmp", "dashtam-")
		if err != nil {
			return "", fmt.Errorf("embedded: %w", err)
		}
		dir = short
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("embedded: %w", err)
	}
	return dir, i.Own(dir)
}

// tidy removes a socket directory that lies in /tmp.
func (h home) tidy() {
	if strings.HasPrefix(h.sockets, "/tmp/dashtam-") {
		_ = os.RemoveAll(h.sockets)
	}
}

// waitForOrphan waits for a server whose program was killed: it is on its way out. A stale postmaster.pid whose process
// is gone is PostgreSQL's own to clean up; one whose number now belongs to another program would stop it, so that goes.
func (h home) waitForOrphan(ctx context.Context) error {
	path := filepath.Join(h.cluster, "postmaster.pid")
	deadline := time.Now().Add(goneWait)
	for {
		pid := firstNumber(path)
		if pid == 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return nil
		}
		if name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm"); err == nil && !strings.HasPrefix(string(name), "post") {
			return os.Remove(path)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("embedded: a PostgreSQL, process %d, already runs on %s", pid, h.cluster)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
