package sandbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/errs"
	"dashtam/services/sandbox/books"
)

// Fault is a misbehaviour of the bank's API that was asked for, so that a client can be tried against it.
type Fault struct {
	Name      string `json:"fault"` // FaultStatus, FaultLatency; FaultNone clears
	Value     int    `json:"value"`
	Remaining *int   `json:"count"` // how many more answers; null: until cleared
	Username  string `json:"user"`  // empty: every customer
}

// The faults the bank knows.
const (
	FaultNone    = "none"
	FaultStatus  = "status"     // answer with the HTTP status Value, 400 to 599
	FaultLatency = "latency_ms" // wait Value milliseconds first, at most a minute
)

// Faults lists what is being shown.
func (s *Service) Faults(ctx context.Context) ([]Fault, error) {
	return s.faults(ctx, "listing", `
		SELECT name, value, remaining, username FROM sandbox.faults
		WHERE remaining IS NULL OR remaining > 0 ORDER BY name, username`, nil)
}

// SetFault asks for a fault, in place of one of the same name and customer; FaultNone clears a customer's faults, or
// with no customer all of them. What the bank does not know is an Invalid error by field.
func (s *Service) SetFault(ctx context.Context, f Fault) error {
	f.Username = books.Normal(f.Username)
	if err := errs.Fields(f.problems()); err != nil {
		return err
	}
	sql := `
		INSERT INTO sandbox.faults (name, username, value, remaining) VALUES (@name, @user, @value, @remaining)
		ON CONFLICT (name, username) DO UPDATE SET value = excluded.value, remaining = excluded.remaining, set_at = now()`
	if f.Name == FaultNone {
		sql = `DELETE FROM sandbox.faults WHERE @user = '' OR username = @user`
	}
	_, err := s.db.Exec(ctx, sql, pgx.NamedArgs{"name": f.Name, "user": f.Username, "value": f.Value, "remaining": f.Remaining})
	if err != nil {
		return fmt.Errorf("sandbox: setting a fault: %w", err)
	}
	return nil
}

func (f Fault) problems() map[string]string {
	found := map[string]string{}
	switch f.Name {
	case FaultNone:
	case FaultStatus:
		if f.Value < 400 || f.Value > 599 {
			found["value"] = "A status is a number from 400 to 599."
		}
	case FaultLatency:
		if f.Value < 0 || f.Value > int(time.Minute/time.Millisecond) {
			found["value"] = "A latency is a number of milliseconds, at most 60000."
		}
	default:
		found["fault"] = "The bank knows status, latency_ms and none."
	}
	if f.Remaining != nil && *f.Remaining < 1 {
		found["count"] = "A count is 1 or more. Without one the fault lasts until it is cleared."
	}
	if !storable(f.Username) {
		found["user"] = "This name holds bytes that are not characters."
	}
	return found
}

// Misbehave says which faults the next answer to a customer shows, and counts it.
func (s *Service) Misbehave(ctx context.Context, username string) ([]Fault, error) {
	return s.faults(ctx, "showing", `
		UPDATE sandbox.faults SET remaining = remaining - 1
		WHERE username IN ('', @user) AND (remaining IS NULL OR remaining > 0)
		RETURNING name, value, remaining, username`, pgx.NamedArgs{"user": books.Normal(username)})
}

func (s *Service) faults(ctx context.Context, what, sql string, args pgx.NamedArgs) ([]Fault, error) {
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %s faults: %w", what, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Fault])
	if err != nil {
		return nil, fmt.Errorf("sandbox: %s faults: %w", what, err)
	}
	return list, nil
}
