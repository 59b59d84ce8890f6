package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dashtam/services/postgres/pgtest"
)

// instance is a running dashtam: the real binary on a database of its own.
type instance struct {
	url    string // of Dashtam
	bank   string // of the sandbox bank
	setUp  string // the set-up link it printed
	outbox string
	log    *lockedBuffer

	database        string
	email, password string // of the demo person
}

// binary builds dashtam once for all tests of this package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dashtam-browser-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "dashtam")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// launch runs dashtam until the test ends and waits until somebody can come in.
func launch(t testing.TB, command string, env ...string) *instance {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("building dashtam: %v", err)
	}
	data := t.TempDir()
	addr, bank := freeAddress(t), freeAddress(t)
	s := &instance{
		url: "http://localhost:" + port(addr), bank: "http://" + bank,
		outbox: filepath.Join(data, "outbox"), log: &lockedBuffer{}, database: pgtest.URL(t),
	}
	cmd := exec.Command(path, command)
	cmd.Env = append(os.Environ(),
		"DASHTAM_DATABASE_URL="+s.database, "DASHTAM_DATA_DIR="+data, "DASHTAM_ADDR="+addr,
		"DASHTAM_SANDBOX_ADDR="+bank, "DASHTAM_ADMIN_ADDR=off", "AWS_EC2_METADATA_DISABLED=true")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = s.log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	printed := make(chan []string, 1)
	go s.read(stdout, printed)
	t.Cleanup(func() { s.stop(t, cmd) })
	s.waitReady(t)
	select {
	case said := <-printed:
		s.setUp, s.email, s.password = said[1], said[2], said[3]
	case <-time.After(2 * time.Minute):
		t.Fatalf("neither a set-up link nor a demo person on stdout; log:\n%s", s.log)
	}
	return s
}

// invitation is what serve or demo print about how to come in.
var invitation = regexp.MustCompile(`^set-up: (\S+)|^Sign in as (\S+) with the password (\S+)`)

// read drains stdout and hands on the invitation.
func (s *instance) read(stdout io.Reader, printed chan<- []string) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := invitation.FindStringSubmatch(lines.Text()); m != nil {
			printed <- m
		}
	}
}

func (s *instance) stop(t testing.TB, cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("dashtam ended with %v; log:\n%s", err, s.log)
		}
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		t.Errorf("dashtam did not end within 30 s of SIGTERM; log:\n%s", s.log)
	}
	if t.Failed() {
		t.Logf("the end of its log:\n%s", s.log)
	}
}

func (s *instance) waitReady(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		if res, err := http.Get(s.url + "/readyz"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("not ready after 60 s; log:\n%s", s.log)
}

var mailedLink = regexp.MustCompile(`(?m)^(https?://\S+)\r?$`)

// mailed waits for a mail to address that holds a link with part, and returns that link.
func (s *instance) mailed(t testing.TB, address, part string) string {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		files, _ := filepath.Glob(filepath.Join(s.outbox, "*.eml"))
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil || !strings.Contains(string(text), address) {
				continue
			}
			for _, m := range mailedLink.FindAllStringSubmatch(string(text), -1) {
				if strings.Contains(m[1], part) {
					return m[1]
				}
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("no mail to %s with a link to %s within 10 s", address, part)
	return ""
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

// lockedBuffer collects what several goroutines write.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is the end of it.
func (b *lockedBuffer) String() string {
	text := b.all()
	return text[max(0, len(text)-6000):]
}

func (b *lockedBuffer) all() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
