package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// RunningError says that another process has the data directory.
type RunningError struct {
	Dir string
	Pid int // of that process; 0 when it has not said yet
}

func (e *RunningError) Error() string {
	return fmt.Sprintf("another Dashtam, process %d, is running on the data directory %s", e.Pid, e.Dir)
}

// Lock takes the data directory dir for this process, or says who has it. The lock ends with release or the process.
func Lock(_ context.Context, dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded: the data directory: %w", err)
	}
	path := filepath.Join(dir, "dashtam.pid")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("embedded: the data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close() //nolint:errcheck // was only read
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("embedded: locking %s: %w", path, err)
		}
		return nil, &RunningError{Dir: dir, Pid: firstNumber(path)}
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // the file stays: removing it would let two processes lock two files
}

func firstNumber(path string) int {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(data), "\n")
	n, _ := strconv.Atoi(strings.TrimSpace(line)) // 0 when the file is half-written
	return n
}
