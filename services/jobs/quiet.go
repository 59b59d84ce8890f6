package jobs

import (
	"context"
	"log/slog"
)

// quiet passes on only warnings and errors. River counts its jobs each minute at level info, and repeats there each
// failure that errorLog has said already.
type quiet struct{ slog.Handler }

func quietly(log *slog.Logger) *slog.Logger { return slog.New(quiet{log.Handler()}) }

// Enabled reports whether a record of this level is passed on.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the result as quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps the result as quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
