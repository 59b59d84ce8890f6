package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"dashtam/migrations"
	"dashtam/services/postgres"
	"dashtam/services/postgres/embedded"
)

// cluster is the machine's throw-away PostgreSQL, with a template of the current migrations.
type cluster struct {
	sockets  string
	template string
	admin    *pgxpool.Pool // on the database postgres
}

// current joins or starts the cluster, once per process.
var current = sync.OnceValues(func() (*cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	sockets, err := join(ctx)
	if err != nil {
		return nil, err
	}
	hash, err := hashMigrations()
	if err != nil {
		return nil, err
	}
	admin, err := pgxpool.New(ctx, embedded.URL(sockets, "postgres"))
	if err != nil {
		return nil, err
	}
	c := &cluster{sockets: sockets, template: "template_" + hash, admin: admin}
	return c, c.ensureTemplate(ctx)
})

// shared is the database in which this process's transactions begin. It bears the process's number, so that a later
// process can drop it.
var shared = sync.OnceValues(func() (string, error) {
	c, err := current()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c.dropOrphans(ctx)
	name := fmt.Sprintf("p_%d_%s", os.Getpid(), hex.EncodeToString(random()))
	return embedded.URL(c.sockets, name), c.clone(ctx, name)
})

func hashMigrations() (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(migrations.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(migrations.FS, path)
		fmt.Fprintf(sum, "%s\n%d\n%s", path, len(data), data)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:8]), err
}

// ensureTemplate migrates a database of that name, unless some process did.
func (c *cluster) ensureTemplate(ctx context.Context) error {
	conn, err := c.admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(1)"); err != nil {
		return err
	}
	defer conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(1)") //nolint:errcheck // ends with the connection at the latest
	var ready bool
	err = conn.QueryRow(ctx, "SELECT count(*) = 1 FROM pg_database WHERE datname = $1 AND datistemplate", c.template).Scan(&ready)
	if err != nil || ready {
		return err
	}
	name := pgx.Identifier{c.template}.Sanitize()
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := postgres.Migrate(ctx, embedded.URL(c.sockets, c.template), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+name+" IS_TEMPLATE true ALLOW_CONNECTIONS false")
	return err
}

func (c *cluster) clone(ctx context.Context, name string) error {
	_, err := c.admin.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY FILE_COPY", name, c.template))
	return err
}

func (c *cluster) drop(ctx context.Context, name string) error {
	_, err := c.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return err
}

// dropOrphans drops the databases of processes that have ended. What fails is tried again by the next process.
func (c *cluster) dropOrphans(ctx context.Context) {
	rows, err := c.admin.Query(ctx, `SELECT datname FROM pg_database WHERE datname LIKE 'p\_%'`)
	if err != nil {
		return
	}
	names, _ := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range names {
		if parts := strings.Split(name, "_"); len(parts) == 3 {
			if pid, err := strconv.Atoi(parts[1]); err == nil && !alive(pid) {
				_ = c.drop(ctx, name)
			}
		}
	}
}
