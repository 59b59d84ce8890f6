package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestMain lets the test binary also be the program that is killed: with EMBEDDED_DIR set it starts a server there,
// prints the server's process id and waits.
func TestMain(m *testing.M) {
	dir := os.Getenv("EMBEDDED_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := Lock(context.Background(), dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s, err := Start(context.Background(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Pid())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

var quiet = slog.New(slog.DiscardHandler)

func begin(t *testing.T, dir string, as identity) *Server {
	t.Helper()
	s, err := start(t.Context(), dir, quiet, as)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

func query(t *testing.T, s *Server, sql string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	err = conn.QueryRow(t.Context(), sql, pgx.QueryExecModeSimpleProtocol).Scan(&answer)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	return answer
}

// identities are the ways this machine can run PostgreSQL; as root that is all of them.
func identities() map[string]identity {
	if os.Geteuid() != 0 {
		return map[string]identity{"ourselves": ourselves}
	}
	return map[string]identity{"whoami": whoami(), "nobody": nobody}
}

func TestServer_KeepsDataOverStopAndKill(t *testing.T) {
	for name, as := range identities() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := begin(t, dir, as)
			query(t, s, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('here')")
			if got := query(t, s, "SHOW listen_addresses"); got != "" {
				t.Errorf("it listens on the network: %q", got)
			}
			if err := s.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if alive(s.Pid()) {
				t.Error("the process is left after Stop")
			}
			s = begin(t, dir, as)
			if err := syscall.Kill(s.Pid(), syscall.SIGKILL); err != nil { // leaves a stale postmaster.pid
				t.Fatal(err)
			}
			<-s.Done()
			if got := query(t, begin(t, dir, as), "SELECT word FROM kept"); got != "here" {
				t.Errorf("kept %q", got)
			}
		})
	}
}

func TestServer_StalePidOfAnotherProgramIsNoObstacle(t *testing.T) {
	dir := t.TempDir()
	s := begin(t, dir, whoami())
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(s.home.cluster, "postmaster.pid")
	if err := os.WriteFile(stale, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	begin(t, dir, whoami())
}

func TestLock_NamesTheProcessThatHasIt(t *testing.T) {
	dir := t.TempDir()
	release, err := Lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(t.Context(), dir)
	running, ok := errors.AsType[*RunningError](err)
	if !ok || running.Pid != os.Getpid() || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("%v", err)
	}
	release()
	if release, err = Lock(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	release()
}

func TestServer_RefusesTheDataOfAMajorVersionThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	cluster := filepath.Join(dir, "postgres", "9")
	if err := os.MkdirAll(cluster, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cluster, "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), dir, quiet); err == nil || !strings.Contains(err.Error(), "made by PostgreSQL 9") {
		t.Errorf("%v", err)
	}
}

func TestServer_LongPathsGetAShortSocket(t *testing.T) {
	s := begin(t, filepath.Join(t.TempDir(), strings.Repeat("long", 30)), whoami())
	query(t, s, "SELECT 'reached'")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.home.sockets); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's directory is left: %v", err)
	}
}

// Break: services/postgres/embedded/server.go: drop dieWithUs's Pdeathsig (child_linux.go) and this turns red.
func TestServer_DiesWithAProgramThatIsKilled(t *testing.T) {
	for name, credential := range people() {
		t.Run(name, func(t *testing.T) {
			program, pid := child(t, credential)
			if err := program.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(5 * time.Second)
			for alive(pid) {
				if time.Now().After(deadline) {
					t.Fatalf("PostgreSQL, process %d, is left", pid)
				}
				time.Sleep(10 * time.Millisecond) // polling, the deadline decides
			}
		})
	}
}

// people are the users a program may run as here: ourselves, and as root an ordinary user too.
func people() map[string]*syscall.Credential {
	if os.Geteuid() != 0 {
		return map[string]*syscall.Credential{"ourselves": nil}
	}
	return map[string]*syscall.Credential{"root": nil, "ordinary user": {Uid: nobodyID, Gid: nobodyID}}
}

// child runs this test binary as a program with a server of its own, and gives the server's process id.
func child(t *testing.T, credential *syscall.Credential) (program *exec.Cmd, pid int) {
	t.Helper()
	home, err := os.MkdirTemp("/tmp", "embedded-") // t.TempDir lies where an ordinary user cannot go
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(home, "program")
	if err := os.WriteFile(copied, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	if credential != nil {
		if err := os.Chown(home, int(credential.Uid), int(credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	program = exec.Command(copied)
	program.Env = []string{"EMBEDDED_DIR=" + filepath.Join(home, "data"), "HOME=" + home, "PATH=" + os.Getenv("PATH")}
	program.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	if _, err := program.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Process.Kill(); _ = program.Wait() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	if pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatalf("the program says %q", line)
	}
	return program, pid
}

// alive reports whether the process exists and is more than a zombie that nobody has waited for.
func alive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}
