package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/postgres/embedded"
)

// app is one command being carried out.
type app struct {
	getenv func(string) string
	stdout io.Writer
	log    *slog.Logger
	config config
	keys   *encryption.Keyring // after prepare

	now func() time.Time // this machine's clock; nil = time.Now

	inGoroutines bool // hashes stay in this process where others could be had: a baseline of make storm
}

const (
	stopDatabase  = 25 * time.Second
	otherStarting = 60 * time.Second // how long a command waits for a server that is just starting
)

// database is where the data is, for as long as a command needs it.
type database struct {
	url    string
	failed <-chan struct{} // closed when an embedded server ends by itself; nil for others
	close  func() error
}

// own takes the data directory for this process alone, and opens its database.
func (a *app) own(ctx context.Context) (database, error) {
	release, err := embedded.Lock(ctx, a.config.DataDir)
	if err != nil {
		return database{}, err
	}
	if a.config.DatabaseURL != "" {
		return database{url: a.config.DatabaseURL.Reveal(), close: func() error { release(); return nil }}, nil
	}
	server, err := embedded.Start(ctx, a.config.DataDir, a.log)
	if err != nil {
		release()
		return database{}, err
	}
	return database{url: server.URL, failed: server.Done(), close: func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopDatabase)
		defer cancel()
		defer release()
		return server.Stop(ctx)
	}}, nil
}

// join opens the database beside whoever is using it: the running server's own, or one started for this command.
func (a *app) join(ctx context.Context) (database, error) {
	if a.config.DatabaseURL != "" {
		return database{url: a.config.DatabaseURL.Reveal(), close: func() error { return nil }}, nil
	}
	db, err := a.own(ctx)
	running, ok := errors.AsType[*embedded.RunningError](err)
	if !ok {
		return db, err
	}
	ctx, cancel := context.WithTimeout(ctx, otherStarting)
	defer cancel()
	for {
		if url, ok := embedded.Running(ctx, a.config.DataDir); ok {
			return database{url: url, close: func() error { return nil }}, nil
		}
		select {
		case <-ctx.Done():
			return database{}, fmt.Errorf("%w, but its database does not answer", running)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// withDatabase reads the configuration, opens the database for the duration of f, and migrates it first.
func (a *app) withDatabase(ctx context.Context, f func(context.Context, *node) error) (err error) {
	if a.config, err = readConfig(a.getenv); err != nil {
		return err
	}
	db, err := a.join(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	n, err := a.open(ctx, db.url)
	if err != nil {
		return err
	}
	defer n.close()
	return f(ctx, n)
}
