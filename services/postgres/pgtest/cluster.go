package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres/embedded"
)

// watch runs the server ($1...) and ends it once no process that left its number in the directory "users" has been alive
// for half a minute. Moving the directory away first closes the door: whoever comes then starts a new server.
const watch = `
"$@" & server=$!
idle=0
while kill -0 $server 2>/dev/null; do
	idle=$((idle + 1))
	for user in "$DIR"/users/*; do
		pid=${user##*/}
		if kill -0 "$pid" 2>/dev/null || [ -d "/proc/$pid" ]; then idle=0; else rm -f "$user"; fi
	done
	if [ $idle -ge 15 ]; then
		mv "$DIR/users" "$DIR/gone" || exit 1
		if [ -z "$(ls "$DIR/gone")" ]; then kill -INT $server; wait $server; exit 0; fi
		mv "$DIR/gone" "$DIR/users"
	fi
	sleep 2
done`

// join makes this process a user of the cluster, starting it if need be, and gives its socket directory.
func join(ctx context.Context) (string, error) {
	i, err := installation(ctx)
	if err != nil {
		return "", err
	}
	dir, err := directory(i)
	if err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close() //nolint:errcheck // ends the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if register(dir) && runs(ctx, dir) {
		return dir, nil
	}
	return dir, start(ctx, i, dir)
}

func installation(ctx context.Context) (embedded.Installation, error) {
	if bin := os.Getenv("DASHTAM_TEST_POSTGRES"); bin != "" {
		return embedded.At(ctx, bin)
	}
	return embedded.Find(ctx, 0)
}

// place is memory where there is enough of it.
func place() string {
	var space syscall.Statfs_t
	if syscall.Statfs("/dev/shm", &space) == nil && space.Bavail*uint64(space.Bsize) >= 1<<30 {
		return "/dev/shm"
	}
	return "/tmp"
}

// directory is one per user and major version.
func directory(i embedded.Installation) (string, error) {
	dir := filepath.Join(place(), fmt.Sprintf("dashtam-test-%d-%d", os.Getuid(), i.Major))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return "", fmt.Errorf("%s is not a directory: %w", dir, err)
	}
	return dir, i.Own(dir)
}

// register leaves this process's number; false when the cluster has closed its door.
func register(dir string) bool {
	return os.WriteFile(filepath.Join(dir, "users", strconv.Itoa(os.Getpid())), nil, 0o600) == nil
}

func start(ctx context.Context, i embedded.Installation, dir string) error {
	data, users := filepath.Join(dir, "data"), filepath.Join(dir, "users")
	if err := awaitEnd(ctx, data); err != nil {
		return err
	}
	for _, old := range []string{data, users, filepath.Join(dir, "gone")} {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	if err := os.Mkdir(users, 0o700); err != nil {
		return err
	}
	if err := i.Own(users); err != nil {
		return err
	}
	if !register(dir) {
		return fmt.Errorf("cannot write into %s", users)
	}
	if err := i.Init(ctx, data, "--no-sync"); err != nil {
		return err
	}
	cmd := i.Command("/bin/sh", "-c", watch, "sh", filepath.Join(i.Bin, "postgres"), "-D", data, "-c", "listen_addresses=",
		"-c", "unix_socket_directories="+dir, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
		"-c", "autovacuum=off", "-c", "max_connections=300", "-c", "shared_buffers=64MB", "-c", "jit=off", "-c", "timezone=UTC",
		"-c", "logging_collector=on", "-c", "log_directory=.", "-c", "log_filename=server.log")
	cmd.Env = append(cmd.Env, "DIR="+dir)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // it usually outlives this process
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := answers(ctx, dir)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the test database does not start, see %s: %w", filepath.Join(data, "server.log"), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// awaitEnd waits for an old server to go, so that its directory can be removed under it.
func awaitEnd(ctx context.Context, data string) error {
	for {
		pid := postmaster(data)
		if pid == 0 || !alive(pid) {
			return nil // it ended, or never was
		}
		_ = syscall.Kill(pid, syscall.SIGINT) // it has closed its door or does not answer
		select {
		case <-ctx.Done():
			return fmt.Errorf("an old test database, process %d, does not end: %w", pid, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// runs waits for the server to answer for as long as its process is alive and half a minute at most: on a busy machine it
// may be slow or have no connection free, and starting another one would take it from everybody who uses it.
func runs(ctx context.Context, dir string) bool {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for answers(ctx, dir) != nil {
		if pid := postmaster(filepath.Join(dir, "data")); pid == 0 || !alive(pid) {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	return true
}

// postmaster is the process of the server over data, 0 when there is none.
func postmaster(data string) (pid int) {
	file, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0
	}
	_, _ = fmt.Sscan(string(file), &pid)
	return pid
}

func answers(ctx context.Context, sockets string) error {
	conn, err := pgx.Connect(ctx, embedded.URL(sockets, "postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
