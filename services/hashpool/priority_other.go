//go:build !linux

package hashpool

import "os/exec"

// processes: the priority of one thread, and ending with the parent, are Linux's. Elsewhere hashes run in goroutines.
const processes = false

func apart(*exec.Cmd) {}

func belowEverybody() {}
