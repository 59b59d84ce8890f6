package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/password"
	"dashtam/services/postgres/embedded"
)

const (
	goroutinesEnv = "DASHTAM_STORM_GOROUTINES" // makes the test binary dashtam without worker processes
	loopEnv       = "DASHTAM_STORM_LOOP"       // makes it a loop of hashes
)

// placement is where program, workers and database stand. The workers always have a session of their own.
type placement struct {
	name       string
	setsid     bool
	oneCore    bool
	quota      float64 // of the program with workers and database, in cores
	databaseIn string  // a control group of its own for the database
}

// placements are the five that the figures are given for. "The same session" is a program started from a terminal
// beside everything else.
var placements = []placement{
	{name: "same session"},
	{name: "own session", setsid: true},
	{name: "database in another cgroup", databaseIn: "dashtam-storm-database"},
	{name: "quota of 1.5 cores", quota: 1.5},
	{name: "one core", oneCore: true},
}

func (p placement) impossible() string {
	if p.quota == 0 && p.databaseIn == "" {
		return ""
	}
	if os.Geteuid() != 0 {
		return "control groups are root's"
	}
	dir, err := cgroup("dashtam-storm-probe", 0)
	if err != nil {
		return err.Error()
	}
	_ = os.Remove(dir)
	return ""
}

func (p placement) cores() int {
	if p.oneCore {
		return 1
	}
	return runtime.NumCPU()
}

// cgroup makes a control group for the processor, of version 1 or 2, with a quota in cores unless that is 0.
func cgroup(name string, quota float64) (string, error) {
	const period = 100_000
	v1 := "/sys/fs/cgroup/cpu"
	if _, err := os.Stat(v1); err == nil {
		dir := filepath.Join(v1, name)
		if err := os.MkdirAll(dir, 0o755); err != nil || quota == 0 {
			return dir, err
		}
		return dir, os.WriteFile(filepath.Join(dir, "cpu.cfs_quota_us"), []byte(strconv.Itoa(int(quota*period))), 0o644)
	}
	dir := filepath.Join("/sys/fs/cgroup", name)
	if err := os.MkdirAll(dir, 0o755); err != nil || quota == 0 {
		return dir, err
	}
	return dir, os.WriteFile(filepath.Join(dir, "cpu.max"), []byte(fmt.Sprintf("%d %d", int(quota*period), period)), 0o644)
}

func join(dir string, pid int) error {
	return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
}

// stormServer is a running demo with its own embedded database, somewhere.
type stormServer struct {
	*instance
	cmd    *exec.Cmd
	dir    string
	client *http.Client // the demo person
	people *http.Client // everybody else; follows no redirect
	device string       // a known-device cookie
	admin  string
}

// launch starts a variant on the data directory dir.
func (p placement) launch(b testing.TB, dir string, v variant) *stormServer {
	b.Helper()
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	if v.goroutines {
		path = os.Args[0]
	}
	args := []string{path, "demo"}
	if p.oneCore {
		args = append([]string{"taskset", "-c", "0"}, args...)
	}
	if p.quota > 0 {
		args = append(p.inQuota(b), args...)
	}
	addr, bank, operator := freeAddress(b), freeAddress(b), freeAddress(b)
	s := &stormServer{
		instance: &instance{url: "http://localhost:" + port(addr), log: &lockedBuffer{}}, dir: dir, admin: "http://" + operator,
		people: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 2048},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Env = append(os.Environ(), "DASHTAM_DATA_DIR="+dir, "DASHTAM_ADDR="+addr, "DASHTAM_SANDBOX_ADDR="+bank,
		"DASHTAM_ADMIN_ADDR="+operator, "DASHTAM_TRUSTED_PROXIES=127.0.0.0/8,::1/128")
	if v.workers != "" {
		s.cmd.Env = append(s.cmd.Env, "DASHTAM_HASH_WORKERS="+v.workers)
	}
	if v.goroutines {
		s.cmd.Env = append(s.cmd.Env, goroutinesEnv+"=1")
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: p.setsid}
	s.cmd.Stderr = s.log
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	printed := make(chan []string, 1)
	go s.read(stdout, printed)
	select {
	case said := <-printed:
		s.email, s.password = said[2], said[3]
	case <-time.After(2 * time.Minute):
		b.Fatalf("no demo person; log:\n%s", s.log)
	}
	s.client = s.signedIn(b)
	if p.databaseIn != "" {
		p.moveDatabase(b, s)
	}
	return s
}

// inQuota begins a command line that runs under the quota.
func (p placement) inQuota(b testing.TB) []string {
	group, err := cgroup("dashtam-storm-quota", p.quota)
	if err != nil {
		b.Fatal(err)
	}
	return []string{"sh", "-c", `echo $$ > "$0/cgroup.procs"; exec "$@"`, group}
}

// moveDatabase puts the server's database, and the connections it will fork, into a control group of their own.
func (p placement) moveDatabase(b testing.TB, s *stormServer) {
	group, err := cgroup(p.databaseIn, 0)
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range descendants(s.cmd.Process.Pid) {
		if name, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); filepath.Base(name) == "postgres" {
			if err := join(group, pid); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func (s *stormServer) end(b testing.TB) {
	s.client.CloseIdleConnections()
	s.people.CloseIdleConnections()
	s.stop(b, s.cmd)
}

// seed makes people whose password hash has cost 12.
func (s *stormServer) seed(b testing.TB, n int) {
	b.Helper()
	hash, err := password.New(0).HashPassword(stormSecret)
	if err != nil {
		b.Fatal(err)
	}
	url, ok := embedded.Running(b.Context(), s.dir)
	if !ok {
		b.Fatal("the embedded database does not answer")
	}
	db, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close(context.Background()) }()
	for i := range n {
		_, err := db.Exec(b.Context(), `INSERT INTO users (id, email, email_key, name, password_hash, verified_at) VALUES (gen_random_uuid(), $1, $1, 'Person', $2, now())`, stormEmail(i), hash)
		if err != nil {
			b.Fatal(err)
		}
	}
	if _, err := db.Exec(b.Context(), `ANALYZE`); err != nil {
		b.Fatal(err)
	}
}

// memory is the program's and its workers' share of the memory (PSS), without the database, in bytes.
func (s *stormServer) memory() (bytes int) {
	for _, pid := range append(descendants(s.cmd.Process.Pid), s.cmd.Process.Pid) {
		if name, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); filepath.Base(name) == "postgres" {
			continue
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), "\nPss:")
		if f := strings.Fields(rest); len(f) > 0 {
			kb, _ := strconv.Atoi(f[0])
			bytes += kb << 10
		}
	}
	return bytes
}

// gauge reads a line of the metrics, or -1.
func (s *stormServer) gauge(name string) float64 {
	res, err := http.Get(s.admin + "/metrics")
	if err != nil {
		return -1
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	for line := range bytes.Lines(text) {
		if rest, ok := strings.CutPrefix(string(line), name+" "); ok {
			value, _ := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return value
		}
	}
	return -1
}

// untilIdle waits until nobody hashes and nobody waits.
func (s *stormServer) untilIdle(b testing.TB) {
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if s.gauge("dashtam_hash_busy") == 0 && s.gauge(`dashtam_hash_waiting{priority="stranger"}`) == 0 {
			return
		}
	}
	b.Error("the queue did not drain")
}

// killWorkers kills every worker and waits until as many others work.
func (s *stormServer) killWorkers(b testing.TB) (killed int, back time.Duration) {
	want := s.gauge("dashtam_hash_processes")
	for _, pid := range descendants(s.cmd.Process.Pid) {
		if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.Contains(string(args), "hash-worker") {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			killed++
		}
	}
	begin := time.Now()
	time.Sleep(10 * time.Millisecond) // for the server to notice
	for s.gauge("dashtam_hash_processes") < want {
		if time.Since(begin) > 20*time.Second {
			b.Error("the workers did not come back")
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return killed, time.Since(begin).Round(time.Millisecond)
}

// descendants are the pids of the processes below one.
func descendants(pid int) (all []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		more, _ := os.ReadFile(task)
		text = append(text, more...)
	}
	seen := map[int]bool{}
	for field := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(field); err == nil && !seen[child] {
			seen[child] = true
			all = append(append(all, child), descendants(child)...)
		}
	}
	return all
}

// startLoops starts a loop of hashes of nice 19 per core; stop says how many a second there were.
func (p placement) startLoops(b testing.TB) (stop func() float64) {
	var count atomic.Int64
	var loops []*exec.Cmd
	begin := time.Now()
	for range p.cores() {
		args := []string{"nice", "-n", "19", os.Args[0]}
		if p.oneCore {
			args = append([]string{"taskset", "-c", "0"}, args...)
		}
		if p.quota > 0 {
			args = append(p.inQuota(b), args...)
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), loopEnv+"=1", "GOMAXPROCS=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		loops = append(loops, cmd)
		go func() {
			one := make([]byte, 1)
			for {
				if _, err := out.Read(one); err != nil {
					return
				}
				count.Add(1)
			}
		}()
	}
	return func() float64 {
		rate := float64(count.Load()) / time.Since(begin).Seconds()
		for _, cmd := range loops {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		return rate
	}
}

// loopHashes verifies a password of cost 12 for ever and writes a byte for each.
func loopHashes() {
	p := password.New(0)
	for {
		p.VerifyPassword(stormSecret, p.DummyHash())
		if _, err := os.Stdout.WriteString("."); err != nil {
			os.Exit(0)
		}
	}
}
