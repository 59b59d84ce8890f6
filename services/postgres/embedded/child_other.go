//go:build !linux

package embedded

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// intoNamespace has no counterpart here: as root PostgreSQL runs as nobody.
func intoNamespace(attr *syscall.SysProcAttr) {
	attr.Credential = &syscall.Credential{Uid: nobodyID, Gid: nobodyID}
}

// dieWithUs starts a shell that waits for the end of a pipe which only we hold open, and then sends SIGINT, a fast
// shutdown, to the child.
func dieWithUs(cmd *exec.Cmd) (started func(), err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	return func() {
		watch := exec.Command("/bin/sh", "-c", "read x; kill -INT "+strconv.Itoa(cmd.Process.Pid))
		watch.Stdin = read
		watch.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: cmd.SysProcAttr.Credential}
		if watch.Start() == nil {
			go func() { _ = watch.Wait(); _ = write.Close() }()
		}
		_ = read.Close()
	}, nil
}
