package pgtest

import (
	"context"
	"log/slog"
	"os"
	"syscall"
	"testing"

	"dashtam/services/postgres"
	"dashtam/services/postgres/embedded"
)

// Own is a server of the test's own, migrated, so that the test may stop and start it. It ends with the test.
type Own struct {
	URL string

	t      testing.TB
	dir    string
	server *embedded.Server
}

// NewOwn starts one. It takes seconds: who needs only a database takes New.
func NewOwn(t testing.TB) *Own {
	t.Helper()
	dir, err := os.MkdirTemp(place(), "dashtam-own-") // short: the socket's path has to fit, and to stay, over a restart
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	o := &Own{t: t, dir: dir}
	t.Cleanup(func() {
		if o.server != nil {
			_ = o.server.Stop(context.Background())
		}
		_ = os.RemoveAll(dir)
	})
	o.Start()
	if err := postgres.Migrate(t.Context(), o.URL, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return o
}

// Start starts the server and waits until it answers.
func (o *Own) Start() {
	o.t.Helper()
	var err error
	if o.server, err = embedded.Start(context.WithoutCancel(o.t.Context()), o.dir, slog.New(slog.DiscardHandler)); err != nil {
		o.t.Fatalf("pgtest: %v", err)
	}
	o.URL = o.server.URL
}

// Stop sends the server a signal that ends it, and waits for that. SIGINT undoes what is open and says so to everybody,
// SIGQUIT leaves the data to be recovered, SIGKILL says nothing at all.
func (o *Own) Stop(signal syscall.Signal) {
	o.t.Helper()
	if err := syscall.Kill(o.server.Pid(), signal); err != nil {
		o.t.Fatalf("pgtest: %v", err)
	}
	<-o.server.Done()
}
