package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
)

// inDoubt is how many lost answers make a refresh token doubtful: the one that was lost, and the one retry (OA-13).
const inDoubt = 2

// RefreshToken renews the access token unless a newer generation than seen is there already, which is then returned: the
// caller passes the generation the bank refused. Of all who ask at once, one asks the bank; the others wait and take its
// result, success or failure (OA-12). An error of exchange comes back as it is, after the lease was given up.
func (s *Service) RefreshToken(ctx context.Context, who actor.Actor, connection uuid.UUID, seen int64, exchange Exchange) (Access, error) {
	o := owner{who.UserID, connection}
	if s.c.Spool != "" {
		if err := s.recover(ctx, s.spoolFile(connection)); err != nil {
			return Access{}, err
		}
	}
	for pause, waited := s.c.Wait, false; ; pause, waited = min(2*pause, 10*s.c.Wait), true {
		r, err := o.read(ctx, s.db, false)
		switch {
		case err != nil:
			return Access{}, err
		case r.Generation > seen:
			return s.reveal(ctx, who, o, r)
		case waited && r.Free:
			return Access{}, ErrBusy // whoever had the lease failed; asking once more for each waiter would be a storm
		}
		if !r.Leased {
			l, err := s.acquire(ctx, who, o, r)
			if err != nil {
				return Access{}, err
			}
			if l != nil {
				return s.refresh(context.WithoutCancel(ctx), who, l, exchange)
			}
		}
		select {
		case <-ctx.Done():
			return Access{}, ErrBusy.Because(ctx.Err())
		case <-time.After(pause):
		}
	}
}

// lease is the right to refresh one connection: the only one until it runs out.
type lease struct {
	owner
	opened
	fence  int64
	intent int64 // the line of the access ledger that says so
}

// acquire takes the lease and notes the intent, both committed before the bank is asked. It re-reads the row under lock
// and returns nil when anybody took the lease since it looked like seen.
func (s *Service) acquire(ctx context.Context, who actor.Actor, o owner, seen row) (l *lease, err error) {
	var doubt error
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := o.read(ctx, tx, true)
		if err != nil || r.Fence != seen.Fence || r.Generation != seen.Generation {
			return err
		}
		open, err := s.open(o, r)
		switch {
		case err != nil:
			doubt = err
			return err
		case open.Refresh == "":
			return ErrNoRefresh
		case r.Lost >= inDoubt:
			return ErrInDoubt
		}
		taken := &lease{owner: o, opened: open}
		intent := line{act: "refresh", reason: "renewal", generation: r.Generation, result: audit.Failed}
		if taken.intent, err = o.note(ctx, tx, who, intent); err != nil {
			return err
		}
		l = taken
		return tx.QueryRow(ctx, `
			UPDATE connection_tokens SET fence = fence + 1, lease_until = clock_timestamp() + @lease::float8 * interval '1 second'
			WHERE user_id = @user AND connection_id = @connection RETURNING fence`,
			o.args(pgx.NamedArgs{"lease": s.c.Lease.Seconds()})).Scan(&l.fence)
	})
	if doubt != nil {
		return nil, s.tampered(ctx, who, o, doubt)
	}
	if err != nil {
		return nil, fmt.Errorf("tokens: taking the lease: %w", err)
	}
	return l, nil
}

// refresh asks the bank once and stores the answer before anything else happens.
func (s *Service) refresh(ctx context.Context, who actor.Actor, l *lease, exchange Exchange) (Access, error) {
	asking, cancel := context.WithTimeout(ctx, s.c.Post)
	answer, err := exchange(asking, l.Refresh)
	cancel()
	if err != nil {
		return s.giveUp(ctx, who, l, err)
	}
	if answer.Refresh == "" {
		answer.Refresh = l.Refresh // RFC 6749 6: none given means the old one stays
	}
	return s.keep(ctx, who, l, answer)
}

// keep stores an answer, trying again while the database is away: the bank has already forgotten the old token. Meanwhile
// the answer lies in the spool, in case this process does not live to see it stored.
func (s *Service) keep(ctx context.Context, who actor.Actor, l *lease, answer Tokens) (Access, error) {
	ctx, cancel := context.WithTimeout(ctx, s.c.Keep)
	defer cancel()
	file, unspooled := "", error(nil)
	for pause := s.c.Wait; ; pause = min(2*pause, 5*time.Second) {
		a, err := s.store(ctx, who, l, answer)
		switch {
		case err == nil || errors.Is(err, ErrNone):
			if file != "" {
				err = errors.Join(err, s.recover(ctx, file)) // which finds nothing to do, and removes it
			}
			return a, err
		case errors.Is(err, errFenced):
			r, err := l.read(ctx, s.db, false)
			if err != nil {
				return Access{}, err
			}
			return s.reveal(ctx, who, l.owner, r)
		case file == "" && unspooled == nil && s.c.Spool != "":
			if unspooled = s.spool(l, answer); unspooled == nil {
				file = s.spoolFile(l.connection)
			}
		}
		select {
		case <-ctx.Done():
			return Access{}, errors.Join(err, unspooled)
		case <-time.After(pause):
		}
	}
}

// errFenced says that the lease ran out and somebody else stored a newer answer; theirs is the one that counts.
var errFenced = errors.New("tokens: somebody else renewed this access")

// store writes one answer as the next generation, in a short transaction of its own (OA-14). The fence keeps out a
// refresher that slept through its lease. If nobody stored anything newer since, its answer is still the only living one,
// and is kept as soon as no other refresher is at work.
func (s *Service) store(ctx context.Context, who actor.Actor, l *lease, answer Tokens) (Access, error) {
	next := l.generation + 1
	box, err := s.seal(l.key, l.owner, l.provider, next, answer)
	if err != nil {
		return Access{}, err
	}
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := l.read(ctx, tx, true)
		switch {
		case err != nil:
			return err
		case r.Generation != l.generation:
			return errFenced
		case r.Fence != l.fence && r.Leased:
			return ErrBusy
		}
		if _, err := tx.Exec(ctx, `
			UPDATE connection_tokens SET generation = @next, access_token = @access, refresh_token = @refresh,
				stored_at = clock_timestamp(), expires_at = clock_timestamp() + @expires::float8 * interval '1 second',
				lease_until = NULL
			WHERE user_id = @user AND connection_id = @connection`,
			l.args(pgx.NamedArgs{"next": next, "access": box.access, "refresh": box.refresh, "expires": seconds(answer.ExpiresIn)})); err != nil {
			return err
		}
		if _, err := l.note(ctx, tx, who, line{act: "store", reason: "renewed", generation: next, result: audit.Done}); err != nil {
			return err
		}
		return l.close(ctx, tx, audit.Done)
	})
	if err != nil {
		return Access{}, fmt.Errorf("tokens: storing an answer: %w", err)
	}
	return Access{answer.Access, next}, nil
}

// giveUp ends a refresh that brought nothing. An answer that was lost leaves the intent open, so that the next try knows;
// a clear no closes it. Should somebody have stored a newer answer meanwhile, that one is returned instead (OA-11).
func (s *Service) giveUp(ctx context.Context, who actor.Actor, l *lease, cause error) (Access, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var r row
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) (err error) {
		if r, err = l.read(ctx, tx, true); err != nil {
			return err
		}
		if !errors.Is(cause, ErrAnswerLost) {
			if err := l.close(ctx, tx, audit.Refused); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `
			UPDATE connection_tokens SET lease_until = NULL
			WHERE user_id = @user AND connection_id = @connection AND fence = @fence`, l.args(pgx.NamedArgs{"fence": l.fence})); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{
			Act: "tokens.refresh", UserID: l.user, Target: l.connection.String(), Result: audit.Failed,
		})
	})
	if err == nil && r.Generation > l.generation {
		return s.reveal(ctx, who, l.owner, r)
	}
	return Access{}, errors.Join(cause, err)
}

// close says how the intent ended.
func (l *lease) close(ctx context.Context, tx pgx.Tx, result audit.Result) error {
	_, err := tx.Exec(ctx, `
		UPDATE access_ledger SET result = @result WHERE user_id = @user AND connection_id = @connection AND id = @id`,
		l.args(pgx.NamedArgs{"result": string(result), "id": l.intent}))
	return err
}
