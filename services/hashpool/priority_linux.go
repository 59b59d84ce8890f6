package hashpool

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// processes says whether workers can be processes of low priority here.
const processes = true

// From linux/sched.h and linux/prctl.h; package syscall does not have them.
const (
	schedIdle        = 5
	prSetDumpable    = 4
	lowest           = 19
	settledEnv       = "DASHTAM_HASH_WORKER_SETTLED"
	autogroupOfOwn   = "/proc/self/autogroup"
	executableOfSelf = "/proc/self/exe"
)

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
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0) // no core dump, no debugger (VT-6)
		return nil
	}
	runtime.LockOSThread()
	// Each is refused in some container; the others then still help.
	_ = os.WriteFile(autogroupOfOwn, []byte(strconv.Itoa(lowest)), 0)
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, lowest)
	var param int32
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, 0, schedIdle, uintptr(unsafe.Pointer(&param)))
	return syscall.Exec(executableOfSelf, os.Args, append(os.Environ(), settledEnv+"=1"))
}
