package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "dashtam: %v\n", err)
	if _, wrong := errors.AsType[*usageError](err); wrong {
		os.Exit(2)
	}
	os.Exit(1)
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// run carries out one command line. Only what a person asked for goes to stdout; the log goes to stderr.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	return (&app{getenv: getenv, stdout: stdout, log: newLog(os.Stderr)}).run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) error {
	noCoreDumps()
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	var commands commands
	var shown bool // help was asked for and printed; nothing else is to be done
	parser, err := kong.New(&commands, kong.Name("dashtam"), kong.Writers(a.stdout, io.Discard), kong.UsageOnError(),
		kong.Description("All your money in one place. The environment configures it; README.md has the table."),
		kong.Exit(func(int) { shown = true }))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if shown {
		return nil
	}
	if err != nil {
		return &usageError{fmt.Errorf("%w; see dashtam --help", err)}
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(a)
}

// newLog writes for a person at a terminal, otherwise JSON. A value that knows itself to be secret hides itself.
func newLog(w *os.File) *slog.Logger {
	if info, err := w.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	return slog.New(slog.NewJSONHandler(w, nil))
}

// garbage is how much may gather, in percent of what is alive, before it is collected. A page leaves half a megabyte behind
// and little is alive, so Go's 100 collects all the time. At 400 the overview took 11 % less processor time and the list
// 22 %, one run each; 300 gives some of that up and was measured only for memory: about 50 MB at rest.
const garbage = 300

// noCoreDumps keeps a crash from writing keys and tokens to disk (VT-6). The database's processes inherit it.
func noCoreDumps() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) // lowering a limit is always allowed
}
