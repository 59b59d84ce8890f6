package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/postgres"
)

// row is one connection's part of the vault. Newest is the generation the access ledger knows.
type row struct {
	Provider     string
	Generation   int64
	AccessToken  []byte
	RefreshToken []byte
	Wrapped      []byte
	KeyID        string
	Newest       *int64
	Early        bool // the access token ends soon enough to be renewed
	Leased       bool // somebody refreshes
	Free         bool // nobody does, and nobody died at it
	Fence        int64
	Lost         int // refreshes of this generation whose answer never came
}

// early is how long before its end an access token is renewed: a tenth of its life and at least a minute (OA-15), but
// never more than half of it, or a short-lived one would be renewed at every use.
const early = `least(greatest(interval '60 seconds', (t.expires_at - t.stored_at) / 10), (t.expires_at - t.stored_at) / 2)`

const selectRow = `
	SELECT t.provider, t.generation, t.access_token, t.refresh_token, k.wrapped, k.key_id,
		(SELECT max(l.generation) FROM access_ledger l
			WHERE l.user_id = t.user_id AND l.connection_id = t.connection_id AND l.act IN ('store', 'destroy')) AS newest,
		coalesce(t.expires_at - ` + early + ` <= clock_timestamp(), false) AS early,
		coalesce(t.lease_until > clock_timestamp(), false) AS leased, t.lease_until IS NULL AS free, t.fence,
		(SELECT count(*) FROM access_ledger l
			WHERE l.user_id = t.user_id AND l.connection_id = t.connection_id AND l.act = 'refresh' AND l.result = 'failed'
				AND l.generation = t.generation) AS lost
	FROM connection_tokens t JOIN data_keys k ON k.user_id = t.user_id AND k.connection_id = t.connection_id
	WHERE t.user_id = @user AND t.connection_id = @connection`

func (o owner) args(more pgx.NamedArgs) pgx.NamedArgs {
	args := pgx.NamedArgs{"user": o.user, "connection": o.connection}
	for k, v := range more {
		args[k] = v
	}
	return args
}

// read finds a connection's row, or ErrNone.
func (o owner) read(ctx context.Context, db postgres.DB, lock bool) (row, error) {
	sql := selectRow
	if lock {
		sql += ` FOR UPDATE OF t`
	}
	rows, err := db.Query(ctx, sql, o.args(nil))
	if err != nil {
		return row{}, fmt.Errorf("tokens: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	if errors.Is(err, pgx.ErrNoRows) {
		return row{}, ErrNone
	}
	if err != nil {
		return row{}, fmt.Errorf("tokens: %w", err)
	}
	return r, nil
}

// newest is the highest generation the access ledger knows, 0 for none.
func (o owner) newest(ctx context.Context, tx pgx.Tx) (generation int64, err error) {
	err = tx.QueryRow(ctx, `
		SELECT coalesce(max(generation), 0) FROM access_ledger
		WHERE user_id = @user AND connection_id = @connection AND act IN ('store', 'destroy')`, o.args(nil)).Scan(&generation)
	if err != nil {
		return 0, fmt.Errorf("tokens: %w", err)
	}
	return generation, nil
}

// line is what the access ledger keeps of one act. What is not over stands as failed, so that a process that dies leaves
// it so.
type line struct {
	act, reason string
	call        string // act use: which request carries the token
	generation  int64
	result      audit.Result
}

// note adds a line to the access ledger and returns its number.
func (o owner) note(ctx context.Context, db postgres.DB, who actor.Actor, l line) (id int64, err error) {
	err = db.QueryRow(ctx, `
		INSERT INTO access_ledger (user_id, connection_id, actor_kind, act, reason, call, generation, result, request_id)
		VALUES (@user, @connection, @kind, @act, @reason, @call, @generation, @result, @request) RETURNING id`,
		o.args(pgx.NamedArgs{
			"kind": who.Kind.String(), "act": l.act, "reason": l.reason, "call": l.call, "generation": l.generation,
			"result": string(l.result), "request": who.RequestID,
		})).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("tokens: access ledger: %w", err)
	}
	return id, nil
}

// tampered records that a connection's tokens do not open, on its own: the caller's transaction may be rolled back.
func (s *Service) tampered(ctx context.Context, who actor.Actor, o owner, cause error) error {
	err := audit.Record(ctx, s.db, who, audit.Event{
		Act: "tokens.tampered", UserID: o.user, Target: o.connection.String(), Result: audit.Failed,
	})
	return ErrTampered.Because(errors.Join(cause, err))
}

// seconds turns a duration into what SQL multiplies an interval with; null for zero.
func seconds(d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	s := d.Seconds()
	return &s
}
