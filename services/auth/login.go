package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/limits"
	"dashtam/services/profile"
)

// Credentials are what somebody types to sign in, and what their browser brought along.
type Credentials struct {
	Email, Password string
	Device          string // a Device's value, if any
}

// Login is a login that worked.
type Login struct {
	User   User
	Device Device // to keep in the browser
	Spans  Spans
}

// Spans is how long each part of a login took, in the order of the seed's login_endpoint.
type Spans struct {
	Find   time.Duration // reading the account
	Wait   time.Duration // in the queue for a hash worker
	Verify time.Duration // computing the hash; a second one when its cost has risen (PW-7)
	Start  time.Duration // creating the session, or the API's refresh token
	Write  time.Duration // the rest of the transaction
}

// Login signs a person in: limits, find user, verify, create session, write. start creates the session (or the API's
// tokens) with the ctx it is given, inside the transaction that records the login; when anything in it fails there is
// no session.
//
// Unknown address, wrong password, unverified, locked and disabled all give ErrCredentials (LG-1) after the same work
// (LG-2); a locked attempt does no hash, whatever the account (LG-3). An unverified person who knew the password is
// mailed a new link, at most one a minute. Too many tries from one network are RateLimited, an overloaded machine is
// Unavailable; both say when to come back.
func (s *Service) Login(ctx context.Context, who actor.Actor, c Credentials, start func(ctx context.Context, u User) error) (_ Login, err error) {
	end := s.Profile.LoginBegins()
	defer func() { end(ending(err)) }()
	ctx = visiting(ctx)
	a := s.attempt(c)
	if err := s.Limits.Allow(ctx, limits.Login, limits.AddressSubject(who.IP)); err != nil {
		return Login{}, err
	}
	outcome, err := s.check(ctx, a)
	if err != nil {
		return Login{}, err
	}
	if outcome != "" {
		err = s.refuse(ctx, who, a, outcome)
		s.observe(ctx, outcome, a.spans)
		return Login{}, err
	}
	if err := s.write(ctx, who, a, start); err != nil {
		VisitorFrom(ctx).fail()
		return Login{}, fmt.Errorf("auth: signing in: %w", err)
	}
	s.observe(ctx, "ok", a.spans)
	s.forgive(ctx, a.subject, a.key)
	device := Device{s.deviceName(a.key), c.Device}
	if a.priority != hashpool.Known {
		device = s.NewDevice(a.account.User)
	}
	return Login{User: a.account.User, Device: device, Spans: a.spans}, nil
}

// ending is how a login ended for the profile.
func ending(err error) profile.Outcome {
	switch {
	case err == nil:
		return profile.Worked
	case errs.KindOf(err) == errs.Unavailable || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return profile.Unserved
	default:
		return profile.Refused
	}
}

// check finds the account and verifies the password: one query and one hash, whoever asks. outcome is empty when the
// person may come in. No connection is held while hashing.
func (s *Service) check(ctx context.Context, a *attempt) (outcome string, err error) {
	if locked, err := s.locked(ctx, a); locked || err != nil {
		return "locked", err
	}
	// Whoever would be sent away later is sent away before anything is looked up (LG-3).
	if err := s.Hashes.Admit(ctx, a.priority); err != nil {
		return "", err
	}
	a.lap()
	a.account, err = findAccount(ctx, s.DB, a.key)
	a.spans.Find = a.lap()
	if err != nil {
		return "", err
	}
	if a.outdated() {
		a.fromStranger()
		return s.check(ctx, a)
	}
	hash := s.Passwords.DummyHash()
	if a.account != nil {
		hash = a.account.PasswordHash
	}
	ctx, times := hashpool.Timed(ctx)
	right, err := s.Hashes.Verify(ctx, a.priority, a.password, hash)
	if err != nil {
		return "", err
	}
	if outcome = a.account.refusal(right); outcome == "" {
		a.rehashed = s.rehash(ctx, a.password, hash)
	}
	a.spans.Wait, a.spans.Verify = times.Wait, times.Hash
	if outcome != "" {
		return outcome, nil
	}
	// Those who guessed at the same time have been counted by now: the tenth wrong one closes the door to all (RL-2).
	if locked, err := s.locked(ctx, a); locked || err != nil {
		return "locked", err
	}
	return "", nil
}

// rehash is the hash of a right password at today's cost, where the stored one is weaker (PW-7). Nobody waits behind
// strangers for it, and when the machine has no time for it the next login raises the cost.
func (s *Service) rehash(ctx context.Context, password, stored string) string {
	if !s.Passwords.NeedsRehash(stored) {
		return ""
	}
	hash, err := s.Hashes.Hash(ctx, hashpool.Known, password)
	if err != nil {
		s.Log.WarnContext(ctx, "an old hash was not renewed", "error", err)
		return ""
	}
	return hash
}

// refusal is why an account may not be entered, or nothing.
func (a *account) refusal(right bool) string {
	switch {
	case a == nil:
		return "unknown"
	case !right:
		return "password"
	case a.DisabledAt != nil:
		return "disabled"
	case a.VerifiedAt == nil:
		return "unverified"
	}
	return ""
}

// write records the login and creates the session, together. The account comes first: when its password or address was
// changed, or it was disabled, while this was hashing, there is no session, and a change that comes now waits and then
// ends the session (SE-6).
func (s *Service) write(ctx context.Context, who actor.Actor, a *attempt, start func(ctx context.Context, u User) error) error {
	v := VisitorFrom(ctx)
	v.unusual = a.unusual()
	tell, err := s.tellOfSignIn(ctx, a, v.unusual)
	if err != nil {
		return err
	}
	who.Kind, who.UserID = a.account.actorKind(), a.account.ID
	a.lap()
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE users SET last_login_at = now(),
				password_hash = CASE WHEN @new::text <> '' AND password_hash = @old THEN @new ELSE password_hash END
			WHERE id = @id AND email_key = @key AND password_changed_at = @epoch AND disabled_at IS NULL`,
			pgx.NamedArgs{
				"id": a.account.ID, "key": a.key, "epoch": a.account.PasswordChangedAt, "new": a.rehashed, "old": a.account.PasswordHash,
			})
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0:
			return ErrCredentials
		}
		a.spans.Write = a.lap()
		if err := start(within(ctx, tx), a.account.User); err != nil {
			return err
		}
		a.spans.Start = a.lap()
		if tell {
			if err := s.mailAbout(ctx, tx, who, email.NewSignIn, a.account.ID, v.SessionID); err != nil {
				return err
			}
		}
		event := audit.Event{Act: "login"}
		if v.unusual != "" {
			event.Detail = map[string]string{"unusual": v.unusual}
		}
		return audit.Record(ctx, tx, who, event)
	})
	a.spans.Write += a.lap()
	return err
}

// refuse counts and records a login that was not let in, and gives the one answer there is. Every class that reached
// the hash writes as much; only an unverified person who knew their password, and whose next link is due, costs a job
// more.
func (s *Service) refuse(ctx context.Context, who actor.Actor, a *attempt, reason string) error {
	event := audit.Event{Act: "login", Result: audit.Refused, Detail: map[string]string{"reason": reason}}
	if a.account != nil {
		event.UserID = a.account.ID
	}
	due := false
	if reason != "locked" {
		if err := s.failed(ctx, a.subject, a.streak, a.key); err != nil {
			return err
		}
		subject := a.key
		if reason != "unverified" {
			subject = "refused:" + a.key // counts nothing that is asked for
		}
		var err error
		if due, err = s.linkDue(ctx, limits.VerifyMail, subject); err != nil {
			return err
		}
	}
	if due && reason == "unverified" {
		if err := s.ask(ctx, who, email.Verify, event, a.account.ID); err != nil {
			return err
		}
		return ErrCredentials
	}
	if err := audit.Record(ctx, s.DB, who, event); err != nil {
		return fmt.Errorf("auth: refusing a login: %w", err)
	}
	return ErrCredentials
}

func (s *Service) observe(ctx context.Context, outcome string, spans Spans) {
	s.Log.InfoContext(ctx, "login", "outcome", outcome, "find", spans.Find, "wait", spans.Wait, "verify", spans.Verify, "start", spans.Start, "write", spans.Write)
	if s.Observe != nil {
		s.Observe(outcome, spans)
	}
}
