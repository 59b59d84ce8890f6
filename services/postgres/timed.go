package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Timed is an option of Open: observe is told how long every statement and every batch took, from being sent to the last
// row being read. The wait for a connection is not in it.
func Timed(observe func(took time.Duration)) func(*pgxpool.Config) {
	return func(c *pgxpool.Config) { c.ConnConfig.Tracer = tracer{observe} }
}

type tracer struct{ observe func(time.Duration) }

type startKey struct{}

func (t tracer) start(ctx context.Context) context.Context {
	return context.WithValue(ctx, startKey{}, time.Now())
}

func (t tracer) end(ctx context.Context) {
	if start, ok := ctx.Value(startKey{}).(time.Time); ok {
		t.observe(time.Since(start))
	}
}

// TraceQueryStart notes when a statement is sent.
func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return t.start(ctx)
}

// TraceQueryEnd tells how long a statement took.
func (t tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) { t.end(ctx) }

// TraceBatchStart notes when a batch is sent.
func (t tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.start(ctx)
}

// TraceBatchQuery is one statement of a batch, which is timed as a whole.
func (t tracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd tells how long a batch took.
func (t tracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) { t.end(ctx) }
