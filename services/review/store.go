package review

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Line is one crossing, or one return.
type Line struct {
	At        time.Time
	Criterion Criterion
	Crossed   bool
	Value     float64 // in the criterion's unit; of a return the worst since the crossing
}

// kept is how many lines stay.
const kept = 1000

// write adds l, unless another node has just written the same.
func (s *Service) write(ctx context.Context, l Line) error {
	_, err := s.DB.Exec(ctx, `
		WITH old AS (DELETE FROM review_lines WHERE id <= (SELECT max(id) - @kept FROM review_lines))
		INSERT INTO review_lines (at, criterion, crossed, value)
		SELECT @at, @criterion, @crossed, @value
		WHERE @crossed <> coalesce((SELECT crossed FROM review_lines WHERE criterion = @criterion ORDER BY id DESC LIMIT 1), false)`,
		pgx.NamedArgs{"at": l.At, "criterion": string(l.Criterion), "crossed": l.Crossed, "value": l.Value, "kept": kept})
	return err
}

// newest is the last line of each criterion that has any.
func (s *Service) newest(ctx context.Context) (map[Criterion]Line, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT DISTINCT ON (criterion) at, criterion, crossed, value FROM review_lines ORDER BY criterion, id DESC`)
	if err != nil {
		return nil, fmt.Errorf("review: reading the lines: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Line])
	if err != nil {
		return nil, fmt.Errorf("review: reading the lines: %w", err)
	}
	last := map[Criterion]Line{}
	for _, l := range list {
		last[l.Criterion] = l
	}
	return last, nil
}

// latest are the newest lines of all.
func (s *Service) latest(ctx context.Context, n int) ([]Line, error) {
	rows, err := s.DB.Query(ctx, `SELECT at, criterion, crossed, value FROM review_lines ORDER BY id DESC LIMIT @n`, pgx.NamedArgs{"n": n})
	if err != nil {
		return nil, fmt.Errorf("review: listing the lines: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Line])
	if err != nil {
		return nil, fmt.Errorf("review: listing the lines: %w", err)
	}
	return list, nil
}
