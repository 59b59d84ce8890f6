package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"dashtam/migrations"
)

// migrateLock is the advisory lock that nodes starting together queue on; any fixed number serves.
const migrateLock = 7_305_812_144_021

// Migrate brings the database at url to the schema of this binary: the house's own migrations, then River's. Both only
// do what is still missing, so a killed run is continued by the next. Where something is, it needs a session of its own:
// behind a pooler in transaction mode it says so and changes nothing.
func Migrate(ctx context.Context, url string, log *slog.Logger) error {
	is, err := condition(ctx, url)
	switch {
	case err != nil:
		return err
	case is.Version < Oldest:
		return fmt.Errorf("postgres: the server is version %d; Dashtam needs PostgreSQL %d or newer", is.Version, Oldest)
	case is.Missing == 0:
		return nil
	case is.Pooled:
		return errPooled
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("postgres: the database URL is not valid: %w", hideURL(err))
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("postgres: connecting: %w", mapped(err))
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the lock ends with the connection either way
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", migrateLock); err != nil {
		return fmt.Errorf("postgres: waiting for other migrations: %w", mapped(err))
	}
	if err := migrateHouse(ctx, config, log); err != nil {
		return err
	}
	return migrateRiver(ctx, url, log)
}

var errPooled = errors.New("postgres: the database lacks migrations of this version, and the address leads to it through a pooler in transaction mode, " +
	"where they cannot be carried out: run dashtam migrate once with a DASHTAM_DATABASE_URL that leads around the pooler")

// condition is Look for an address.
func condition(ctx context.Context, url string) (Condition, error) {
	pool, err := Open(ctx, url, func(c *pgxpool.Config) { c.MaxConns = 2 })
	if err != nil {
		return Condition{}, err
	}
	defer pool.Close()
	return Look(ctx, pool)
}

func migrateHouse(ctx context.Context, config *pgx.ConnConfig, log *slog.Logger) error {
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET lock_timeout = '10s'") // rather fail and be run again than stop everybody behind us (BK-3)
		return err
	}))
	defer db.Close() //nolint:errcheck // nothing is pending
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS, goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("postgres: reading the migrations: %w", err)
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("postgres: migrating: %w", mapped(err))
	}
	for _, m := range done {
		log.InfoContext(ctx, "migrated", "file", m.Source.Path, "took", m.Duration)
	}
	return nil
}

func migrateRiver(ctx context.Context, url string, log *slog.Logger) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return fmt.Errorf("postgres: the database URL is not valid: %w", hideURL(err))
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	done, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return fmt.Errorf("postgres: migrating the job queue: %w", mapped(err))
	}
	if n := len(done.Versions); n > 0 {
		log.InfoContext(ctx, "migrated the job queue", "version", done.Versions[n-1].Version)
	}
	return nil
}
