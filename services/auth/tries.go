package auth

import (
	"context"
	"time"

	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/limits"
)

// attempt is one try to sign in on its way through Login.
type attempt struct {
	key      string // of the address
	password string
	subject  string        // of limits.LoginFailures
	streak   limits.Streak // of the account
	priority hashpool.Priority
	known    time.Time // when the known device it comes from was made
	account  *account  // nil: unknown
	failures int       // wrong passwords before this one, in the window of limits.LoginFailures
	rehashed string    // the password's hash at today's cost, where the stored one is weaker
	clock    func() time.Time
	last     time.Time
	spans    Spans
}

// lap is the time since the last lap.
func (a *attempt) lap() time.Duration {
	before := a.last
	a.last = a.clock()
	return a.last.Sub(before)
}

// attempt decides, before anything is looked up, how a try is counted and how urgent its hash is. A known device has a
// count of its own, so that strangers cannot lock its owner out (RL-2).
func (s *Service) attempt(c Credentials) *attempt {
	a := &attempt{key: EmailKey(c.Email), password: c.Password, clock: s.Now, last: s.Now()}
	a.fromStranger()
	if id, made, ok := s.knownDevice(c.Device, a.key); ok {
		a.subject, a.streak, a.priority, a.known = "device:"+id, limits.KnownFailures, hashpool.Known, made
	}
	return a
}

// fromStranger has a try counted as one from a device nobody knows.
func (a *attempt) fromStranger() {
	a.subject, a.streak, a.priority = "account:"+a.key, limits.StrangeFailures, hashpool.Stranger
}

// outdated reports whether a comes from a device that was known before the account's last change of password: whoever
// knew the old one may have made it.
func (a *attempt) outdated() bool {
	return a.priority == hashpool.Known && a.account != nil && a.known.Unix() < a.account.PasswordChangedAt.Unix()
}

// locked reports whether too many tries failed, lately or in a row, and counts those of lately. Each sign-in makes a known
// device with a count of its own; when they have used up together what is theirs they are known no more.
func (s *Service) locked(ctx context.Context, a *attempt) (bool, error) {
	shut, err := s.Limits.Shut(ctx, a.streak, a.key)
	if err != nil {
		return false, err
	}
	if shut && a.priority == hashpool.Known {
		a.fromStranger()
		return s.locked(ctx, a)
	}
	a.failures, err = s.Limits.Count(ctx, limits.LoginFailures, a.subject)
	return shut || a.failures >= limits.LoginFailures.Max, err
}

// failed counts a wrong password of subject for the account of key.
func (s *Service) failed(ctx context.Context, subject string, streak limits.Streak, key string) error {
	if err := s.Limits.Allow(ctx, limits.LoginFailures, subject); err != nil && errs.KindOf(err) != errs.RateLimited {
		return err
	}
	return s.Limits.Extend(ctx, streak, key)
}

// forgive forgets the failures of subject, who has proved to be the owner of the account of key, and all that the account
// had in a row: they were no attack, or it is over.
func (s *Service) forgive(ctx context.Context, subject, key string) {
	err := s.Limits.Reset(ctx, limits.LoginFailures, subject)
	if err == nil {
		err = s.Limits.End(ctx, key, limits.StrangeFailures, limits.KnownFailures)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "a login limit could not be reset", "error", err)
	}
}
