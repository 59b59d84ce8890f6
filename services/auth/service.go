package auth

import (
	"log/slog"
	"time"

	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/jobs"
	"dashtam/services/jwt"
	"dashtam/services/limits"
	"dashtam/services/password"
	"dashtam/services/postgres"
	"dashtam/services/profile"
)

// What callers may have to tell apart. The messages are what a person reads.
var (
	// ErrCredentials is the one answer to every login that fails, whatever the reason (LG-1).
	ErrCredentials = errs.New(errs.Unauthenticated, "That address and password do not go together, or the address is not verified yet. If it is not, we have just mailed a new link.")
	// ErrPassword answers a person who is signed in and was asked for their password once more.
	ErrPassword = errs.New(errs.Unauthenticated, "That is not your password.")
	// ErrEmailTaken is for handlers only, which answer as for a new address (SU-1).
	ErrEmailTaken = errs.New(errs.Conflict, "There is an account with this address.")
	// ErrSignupClosed is what sign-up answers on an installation that takes nobody new.
	ErrSignupClosed = errs.New(errs.Forbidden, "This Dashtam takes no new people.")
	// ErrSignupInvited is what sign-up answers where an invitation is needed.
	ErrSignupInvited = errs.New(errs.Forbidden, "This Dashtam takes only people its administrator has invited. The mail with the invitation holds the way in.")
	// ErrLink is every way in which a mailed or printed link does not work: unknown, used, replaced, too old.
	ErrLink = errs.New(errs.NotFound, "This link was used already, replaced by a newer one, or is too old.")
	// ErrRefresh is every way in which a refresh token does not work.
	ErrRefresh = errs.New(errs.Unauthenticated, "This refresh token is not valid. Sign in again.")
	// ErrNotFound answers for a person who does not exist.
	ErrNotFound = errs.New(errs.NotFound, "There is no such person.")
	// ErrNoSession answers for a session that is over, never was, or is somebody else's.
	ErrNoSession = errs.New(errs.NotFound, "There is no such session.")
	// ErrChanged answers a change that came too late.
	ErrChanged = errs.New(errs.Conflict, "Your password was changed meanwhile, so nothing was done. Sign in with the new one.")
	// ErrLastAdmin keeps the installation administrable (AZ-5).
	ErrLastAdmin = errs.New(errs.Conflict, "This is the last administrator. Make somebody else one first.")
	// ErrHasAdmin answers a second set-up.
	ErrHasAdmin = errs.New(errs.Conflict, "There is an administrator already.")
)

// Bounds on the mails that strangers can cause; limits holds the rules of the public contract.
var (
	resendPerAddress = limits.Rule{Name: "verify_resend", Max: 10, Window: time.Hour}
	noticePerAccount = limits.Rule{Name: "signup_notice", Max: 5, Window: time.Hour} // "there is an account with your address"
	resetPerAddress  = limits.Rule{Name: "reset", Max: 5, Window: time.Hour}
	resetMail        = limits.Rule{Name: "reset_mail", Max: 1, Window: time.Minute} // per account, real or not
	linkMails        = limits.Rule{Name: "link_mails", Max: 5, Window: time.Hour}   // per account and kind: then the last link stays good
	changesOfAddress = limits.Rule{Name: "email_change", Max: 5, Window: time.Hour} // per account
)

// Config is what a Service works with. Everything is required but Signup, Observe and Profile.
type Config struct {
	DB        postgres.DB
	Passwords *password.Service
	Hashes    *hashpool.Pool
	Limits    *limits.Service
	Tokens    *jwt.Service
	Jobs      *jobs.Queue
	DeviceKey []byte // signs known-device cookies; derived for nothing else
	Signup    Signup // who may get an account; empty = anybody
	Log       *slog.Logger
	Now       func() time.Time
	Observe   func(outcome string, spans Spans) // told about every login and how it ended; for metrics
	Profile   *profile.Profile                  // times whole logins and access tokens
}

// Service is the seed's AuthService.
type Service struct{ Config }

// New makes a Service. It does no I/O.
func New(c Config) *Service { return &Service{c} }
