package hashpool

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sys/unix"

	"dashtam/services/errs"
	"dashtam/services/password"
)

const (
	workerArg   = "be-a-hash-worker"
	workersCost = bcrypt.MinCost + 1 // tells a worker's hash from one made in this process
)

// TestMain lets the test binary be the worker's program, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == workerArg {
		if err := Work(context.Background(), password.New(workersCost), os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// staffed is a pool whose work is done by processes.
func staffed(t *testing.T, workers int) *Pool {
	t.Helper()
	p := New(password.New(bcrypt.MinCost), workers)
	p.start(t, os.Args[0], workerArg)
	return p
}

func (p *Pool) start(t *testing.T, command ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	wait := p.Start(ctx, slog.New(slog.DiscardHandler), command...)
	t.Cleanup(func() { cancel(); wait() })
}

// until waits for a change in another process.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begin := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("not %s", what)
		}
	}
}

// children are the pids of this process's workers.
func children(t *testing.T) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Fatal(err, "no /proc")
	}
	for _, name := range stats {
		text, _ := os.ReadFile(name) // it may have ended
		_, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if ok && fields[1] == strconv.Itoa(os.Getpid()) && fields[0] != "Z" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// The founding document's Option 2 behind the same call.
func TestSeed_Password_HashPasswordAsync_Processes(t *testing.T) {
	p := staffed(t, 2)
	var hashed string
	until(t, "hashed by a worker", func() bool {
		var err error
		if hashed, err = p.Hash(t.Context(), Stranger, "MyPassword123!"); err != nil {
			t.Fatal(err)
		}
		cost, _ := bcrypt.Cost([]byte(hashed))
		return cost == workersCost
	})
	for plain, want := range map[string]bool{"MyPassword123!": true, "WrongPassword": false, "": false, strings.Repeat("x", 2000): false} {
		if ok, err := p.Verify(t.Context(), Known, plain, hashed); ok != want || err != nil {
			t.Errorf("%.20q: %v, %v", plain, ok, err)
		}
	}
	_, err := p.Hash(t.Context(), Known, "abcdefgh\x00")
	if errs.KindOf(err) != errs.Invalid || errs.FieldsOf(err)["password"] == "" {
		t.Errorf("the hash's own error is lost on the way: %v", err)
	}
	if s := p.Stats(); s.Processes == 0 || s.Workers != 2 || s.Done < 6 {
		t.Errorf("%+v", s)
	}
}

// What is too long for a worker is refused here, as the plain function does, and nobody is asked.
func TestProcesses_TooLongIsRefusedHere(t *testing.T) {
	p := staffed(t, 1)
	long := strings.Repeat("x", maxText+1)
	_, err := p.Hash(t.Context(), Stranger, long)
	if errs.KindOf(err) != errs.Invalid || errs.FieldsOf(err)["password"] == "" {
		t.Errorf("Hash: %v", err)
	}
	if ok, err := p.Verify(t.Context(), Stranger, long, "$2a$04$"+strings.Repeat("a", 53)); ok || err != nil {
		t.Errorf("Verify: %v, %v", ok, err)
	}
	if took := p.Stats().Hashing; took > noWorker {
		t.Errorf("it waited %v for a worker", took)
	}
}

// TestProcesses_ManyAtOnce: everybody gets the answer to their own question. On a machine where nothing is left for the
// workers some may be sent away; they come again.
func TestProcesses_ManyAtOnce(t *testing.T) {
	p := New(password.New(bcrypt.MinCost), 2)
	p.start(t, os.Args[0], workerArg)
	again := func(err error) bool {
		if errs.KindOf(err) != errs.Unavailable {
			return false
		}
		time.Sleep(20 * time.Millisecond)
		return true
	}
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			plain := fmt.Sprint("password number ", i)
			hashed, err := p.Hash(t.Context(), Stranger, plain)
			for again(err) {
				hashed, err = p.Hash(t.Context(), Stranger, plain)
			}
			ok, err2 := p.Verify(t.Context(), Stranger, plain, hashed)
			for again(err2) {
				ok, err2 = p.Verify(t.Context(), Stranger, plain, hashed)
			}
			if !ok || err != nil || err2 != nil {
				t.Errorf("%d: somebody else's answer: %v, %v, %v", i, ok, err, err2)
			}
		})
	}
	all.Wait()
}

// TestProcesses_Priority: each thread of a worker has the lowest priority, but under a quota the usual one, in a session of
// its own.
func TestProcesses_Priority(t *testing.T) {
	t.Run("lowest", func(t *testing.T) { hasPriority(t, false, "19", unix.SCHED_IDLE) })
	own, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // the system call's own scale: 20 - nice
	if err != nil {
		t.Fatal(err)
	}
	t.Run("usual", func(t *testing.T) { hasPriority(t, true, strconv.Itoa(20-own), unix.SCHED_NORMAL) })
}

func hasPriority(t *testing.T, usual bool, nice string, policy int) {
	p := New(password.New(bcrypt.MinCost), 1)
	p.usual = usual
	p.start(t, os.Args[0], workerArg)
	until(t, "started", func() bool { return p.Stats().Processes == 1 })
	pid := children(t)[0]
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatal(err, "no threads")
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Fields(after(string(text), ") ")) // proc(5): state is field 3; session 6, nice 19, policy 41
		if f[19-3] != nice || f[41-3] != strconv.Itoa(policy) || f[6-3] != strconv.Itoa(pid) {
			t.Errorf("nice %s, policy %s, session %s (pid %d)", f[19-3], f[41-3], f[6-3], pid)
		}
	}
}

// TestProcesses_VT6_NothingToRead: neither arguments nor environment hold a password or anything of ours, no core is
// dumped, and the memory is not for others of the same user.
//
// Break VT-6: services/hashpool/priority_linux.go: no unix.Setrlimit
func TestProcesses_VT6_NothingToRead(t *testing.T) {
	t.Setenv("DASHTAM_KEYS", "k1:secret")
	p := staffed(t, 1)
	if _, err := p.Hash(t.Context(), Known, "MyPassword123!"); err != nil {
		t.Fatal(err)
	}
	dir := fmt.Sprintf("/proc/%d/", children(t)[0])
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(dir + file)
		if err == nil && (bytes.Contains(text, []byte("MyPassword")) || bytes.Contains(text, []byte("DASHTAM_KEYS"))) {
			t.Errorf("%s: %q", file, text)
		}
	}
	limits, err := os.ReadFile(dir + "limits")
	if err != nil {
		t.Fatal(err)
	}
	if f := strings.Fields(after(string(limits), "Max core file size")); len(f) < 2 || f[0] != "0" || f[1] != "0" {
		t.Errorf("a core may be dumped:\n%s", limits)
	}
	info, err := os.Stat(dir + "mem")
	if err != nil {
		t.Fatal(err)
	}
	if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != 0 { // what is not dumpable belongs to root
		t.Errorf("the worker's memory belongs to user %d, who can read it", owner)
	}
}

func after(text, part string) string {
	_, rest, _ := strings.Cut(text, part)
	return rest
}

// TestProcesses_KilledUnderARequest: whoever waits for a worker that dies gets an answer from another.
func TestProcesses_KilledUnderARequest(t *testing.T) {
	p := New(password.New(bcrypt.MinCost), 2)
	p.start(t, os.Args[0], workerArg)
	hashed, err := password.New(8).HashPassword("MyPassword123!")
	if err != nil {
		t.Fatal(err)
	}
	until(t, "staffed", func() bool { return p.Stats().Processes == 2 })
	var wrong atomic.Int32
	var all sync.WaitGroup
	done := make(chan struct{})
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if ok, err := p.Verify(t.Context(), Stranger, "MyPassword123!", hashed); !ok || err != nil {
					wrong.Add(1)
				}
			}
		})
	}
	for range 5 {
		for _, pid := range children(t) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		killed := time.Now()
		until(t, "staffed again", func() bool { return p.Stats().Processes == 2 })
		t.Logf("both workers back after %v", time.Since(killed))
	}
	close(done)
	all.Wait()
	if n := wrong.Load(); n != 0 {
		t.Errorf("%d answers were lost", n)
	}
}

// TestProcesses_ThatNeverLive: an installation whose workers cannot run still lets people in.
func TestProcesses_ThatNeverLive(t *testing.T) {
	p := New(password.New(bcrypt.MinCost), 1)
	p.start(t, "/bin/false")
	hashed, err := p.Hash(t.Context(), Known, "MyPassword123!")
	if err != nil || hashed == "" {
		t.Errorf("%q, %v", hashed, err)
	}
	if s := p.Stats(); s.Processes != 0 {
		t.Errorf("%+v", s)
	}
}

// TestProcesses_Starving: where other programs want every core, a stopped worker being the worst of it, people still get in.
func TestProcesses_Starving(t *testing.T) {
	p := New(password.New(bcrypt.MinCost), 1)
	p.start(t, os.Args[0], workerArg)
	until(t, "staffed", func() bool { return p.Stats().Processes == 1 })
	pid := children(t)[0]
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if hashed, err := p.Hash(t.Context(), Known, "MyPassword123!"); err != nil || hashed == "" {
		t.Errorf("%q, %v", hashed, err)
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	until(t, "on offer again", func() bool { return len(p.crew.idle) == 1 })
}

func TestProcesses_EndWithTheContext(t *testing.T) {
	p := New(password.New(bcrypt.MinCost), 2)
	ctx, cancel := context.WithCancel(t.Context())
	wait := p.Start(ctx, slog.New(slog.DiscardHandler), os.Args[0], workerArg)
	until(t, "staffed", func() bool { return p.Stats().Processes == 2 })
	cancel()
	wait()
	if left := children(t); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestServe_Garbage: a worker that is sent nonsense ends, it does not guess.
func TestServe_Garbage(t *testing.T) {
	for name, sent := range map[string]string{
		"operation": "x\x00\x00\x00\x01a\x00\x00\x00\x00",
		"length":    "h\xff\xff\xff\xffa",
		"cut off":   "v\x00\x00\x00\x05abc",
	} {
		var out bytes.Buffer
		err := serve(t.Context(), password.New(bcrypt.MinCost), bufio.NewReader(strings.NewReader(sent)), &out)
		if err == nil || out.String() != string(statusReady) {
			t.Errorf("%s: %v, %q", name, err, out.String())
		}
	}
}
