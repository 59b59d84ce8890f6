//go:build linux || darwin

package doctor

import "golang.org/x/sys/unix"

// free is how many bytes we may still write to the disk of dir.
func free(dir string) (uint64, error) {
	var is unix.Statfs_t
	err := unix.Statfs(dir, &is)
	return is.Bavail * uint64(is.Bsize), err
}
