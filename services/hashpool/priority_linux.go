package hashpool

import (
	"os"
	"os/exec"
	"runtime"
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

// belowEverybody gives this process what is left of the cores when nobody else wants them, and keeps its memory from
// others. Priority belongs to a thread and is inherited by those it starts; the Go runtime has several by now. So one
// thread is made low and becomes a new program, all of whose threads are.
func belowEverybody() error {
	if os.Getenv(settledEnv) != "" {
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // no core dump, no debugger (VT-6)
		return nil
	}
	runtime.LockOSThread()
	// Each is refused in some container; the others then still help.
	_ = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(lowest)), 0)
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, lowest)
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: lowest}, 0)
	return syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), settledEnv+"=1")) //nolint:gosec // itself
}
