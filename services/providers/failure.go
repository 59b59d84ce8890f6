package providers

import (
	"errors"
	"fmt"
	"time"

	"dashtam/services/tokens"
)

// Class is what a failure at a bank means for the connection (OA-11).
type Class string

// The classes.
const (
	Permanent    Class = "permanent"    // only the person can repair it: the permission is gone
	Transient    Class = "transient"    // it will pass
	Config       Class = "config"       // our client is refused: the administrator's matter, no person's
	RateLimited  Class = "rate_limited" // asked too often; see RetryAfter
	Unauthorized Class = "unauthorized" // the access token is not taken: renew it once
	Nonsense     Class = "nonsense"     // what the bank said cannot be true
)

// Budget is the Code of a request that was not sent because the bank allows only so many.
const Budget = "budget"

// SwitchedOff is the code of what is not asked because an administrator switched the bank off.
const SwitchedOff = "switched_off"

// Failure is why a bank did not do what it was asked. Code is one of ours or a known OAuth code, never the bank's prose.
type Failure struct { //nolint:errname // it is read as a value with a class more often than as an error
	Class      Class
	Code       string
	RetryAfter time.Duration // RateLimited: how long the bank wants to be left alone; 0 when it did not say
	Lost       bool          // the request went out and no whole answer came back
	Cause      error         // for the log; holds no body
}

// Error names class, code and cause.
func (f *Failure) Error() string {
	s := fmt.Sprintf("bank: %s: %s", f.Class, f.Code)
	if f.Cause != nil {
		s += ": " + f.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Is lets services/tokens learn that an answer was lost, without knowing this package.
func (f *Failure) Is(target error) bool { return f.Lost && target == tokens.ErrAnswerLost }

// FailureOf finds the Failure in err, nil when there is none.
func FailureOf(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return nil
}
