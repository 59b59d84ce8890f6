package embedded

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// nobodyID is the user that has no rights, by convention on every Linux.
const nobodyID = 65534

// identity is whom PostgreSQL runs as, which may not be root.
type identity uint8

const (
	ourselves identity = iota
	namespace          // root outside, nobody inside a user namespace of one user: files stay root's
	nobody             // really nobody: the files have to be nobody's too
)

// whoami probes once what the kernel lets us do.
var whoami = sync.OnceValue(func() identity {
	if os.Geteuid() != 0 {
		return ourselves
	}
	probe := exec.Command("/bin/true")
	probe.SysProcAttr = namespace.attributes()
	if probe.Run() == nil && probe.SysProcAttr.Credential == nil {
		return namespace
	}
	return nobody
})

func (i identity) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	switch i {
	case namespace:
		intoNamespace(attr)
	case nobody:
		attr.Credential = &syscall.Credential{Uid: nobodyID, Gid: nobodyID}
	case ourselves:
	}
	return attr
}

func (i identity) own(path string) error {
	if i != nobody {
		return nil
	}
	if err := os.Chown(path, nobodyID, nobodyID); err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	return nil
}
