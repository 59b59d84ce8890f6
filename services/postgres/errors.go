package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"dashtam/services/errs"
)

// errAway is what a person reads while the database cannot be used.
var errAway = errs.Retry(errs.Unavailable, "Dashtam is not available at the moment. Please try again shortly.", 5*time.Second)

// Constraint is the name of the constraint that err reports as violated, or "" for any other error.
func Constraint(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.ConstraintName
	}
	return ""
}

// mapped turns the errors of a database that is away into errs.Unavailable and leaves all others alone: what the SQL
// itself did wrong, and a caller who went away.
func mapped(err error) error {
	if err == nil || errs.KindOf(err) == errs.Unavailable || !away(err) {
		return err
	}
	return errAway.Because(err)
}

// committed is mapped for the answer to a commit that was sent. One that never came, unlike a no of the server's, leaves it
// open whether everything was done. What pgconn.SafeToRetry says is not asked: it calls a connection that broke while the
// answer was awaited safe, too.
func committed(err error) error {
	_, answered := errors.AsType[*pgconn.PgError](err)
	if err == nil || answered || !away(err) {
		return mapped(err)
	}
	return errs.ErrUnknown.Because(err)
}

func away(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return awayState(e.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}

// awayState reports the SQLSTATEs with which a server says that the moment, not the statement, is the trouble.
func awayState(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", // shutting down, crashed, starting up
		"57014",          // statement_timeout
		"55P03",          // lock_timeout
		"40P01", "40001", // deadlock, serialization: undone in favour of somebody else
		"25006",                            // read-only: a standby after failover
		"53000", "53100", "53200", "53300": // resources, disk full, memory, too many connections
		return true
	}
	return len(code) == 5 && code[:2] == "08" // connection exceptions
}

// hideURL drops the connection string, and with it a password, from the error of a URL that cannot be parsed.
func hideURL(err error) error {
	if e, ok := errors.AsType[*pgconn.ParseConfigError](err); ok && e.Unwrap() != nil {
		return e.Unwrap()
	}
	return errors.New("it cannot be parsed")
}
