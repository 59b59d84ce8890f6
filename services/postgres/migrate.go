package postgres

import (
	"context"
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
// do what is still missing, so a killed run is continued by the next. It needs a session of its own (no pgbouncer in
// transaction mode).
func Migrate(ctx context.Context, url string, log *slog.Logger) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("postgres: the database URL is not valid: %w", hideURL(err))
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("postgres: connecting: %w", mapped(err))
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the lock ends with the connection either way
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int FROM pg_advisory_lock($1)", migrateLock).Scan(&version); err != nil {
		return fmt.Errorf("postgres: waiting for other migrations: %w", mapped(err))
	}
	if version/10000 < Oldest {
		return fmt.Errorf("postgres: the server is version %d; Dashtam needs PostgreSQL %d or newer", version/10000, Oldest)
	}
	if err := migrateHouse(ctx, config, log); err != nil {
		return err
	}
	return migrateRiver(ctx, url, log)
}

func migrateHouse(ctx context.Context, config *pgx.ConnConfig, log *slog.Logger) error {
	config = config.Copy()
	config.RuntimeParams["lock_timeout"] = "10s" // rather fail and be run again than stop everybody behind us (BK-3)
	db := stdlib.OpenDB(*config)
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
