package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Behind starts a pgbouncer before the database at url, on a free port of this machine, and gives the address that leads
// through it; it ends with the test. It keeps eight connections to the server at most; settings are more lines of its
// configuration. The test fails when pgbouncer warns of what it was asked for, and without one on the PATH, saying what to
// install.
func Behind(t testing.TB, url string, settings ...string) string {
	t.Helper()
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/pgbouncer") // Debian does not lead its ordinary users there
	}
	if err != nil {
		t.Fatal("there is no pgbouncer: please install it (Debian: apt-get install pgbouncer)")
	}
	i, err := installation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	// Like the server it refuses to be root, so what it reads lies where the server's own files do.
	file := filepath.Join(to.Host, fmt.Sprintf("pgbouncer-%d.ini", port))
	config := fmt.Sprintf("[databases]\n%s = host=%s user=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"+
		"auth_type = any\ndefault_pool_size = 8\n%s\n", to.Database, to.Host, to.User, port, strings.Join(settings, "\n"))
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(file) })
	if err := i.Own(file); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	process := i.Command(path, file)
	process.Stdout, process.Stderr = &log, &log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait() // it was killed
		if strings.Contains(log.String(), " WARNING ") {
			t.Error("pgbouncer warns of something")
		}
		if t.Failed() {
			t.Logf("pgbouncer: %s", &log)
		}
	})
	through := fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", to.User, port, to.Database)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := pgx.Connect(t.Context(), through)
		if err == nil {
			_ = conn.Close(context.Background())
			return through
		}
		if time.Now().After(deadline) {
			t.Fatalf("pgbouncer does not answer: %v", err)
		}
	}
}
