package hashpool

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// processes says whether workers can be processes of low priority here.
const processes = true

const lowest = 19 // of nice values

// apart starts cmd in a session of its own, so that a Ctrl-C does not reach it and that it forms a scheduling group of
// its own where the kernel groups by session; and has the kernel end it with the thread that starts it.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// belowEverybody gives this process what is left of the cores when nobody else wants them, unless it was told to keep the
// usual priority, and keeps its memory from others (VT-6). Priority belongs to a thread and is inherited by those it
// starts, and the Go runtime has several by now: so each is made low, until none is met that was not.
func belowEverybody() {
	defer func() { // last: after it /proc/self is root's
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // no core dump, no debugger
	}()
	if os.Getenv(usualEnv) != "" {
		return
	}
	// Each is refused in some container; the others then still help.
	_ = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(lowest)), 0)
	low := map[int]bool{}
	for more := true; more; {
		more = false
		threads, _ := os.ReadDir("/proc/self/task")
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil || low[id] {
				continue
			}
			low[id], more = true, true
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, lowest)
			_ = unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: lowest}, 0)
		}
	}
}
