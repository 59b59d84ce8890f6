package embedded

import (
	"os/exec"
	"syscall"
)

// intoNamespace starts the child in a user namespace where root is nobody.
func intoNamespace(attr *syscall.SysProcAttr) {
	one := []syscall.SysProcIDMap{{ContainerID: nobodyID, HostID: 0, Size: 1}}
	attr.Cloneflags = syscall.CLONE_NEWUSER
	attr.UidMappings, attr.GidMappings = one, one
}

// dieWithUs makes the kernel send SIGINT, a fast shutdown, to the child when the thread that started it ends. So that
// thread must live as long as the child: see Server.run.
func dieWithUs(cmd *exec.Cmd) (started func(), err error) {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT
	return func() {}, nil
}
