package auth

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"dashtam/services/actor"
)

// Role is what a person may do beyond their own data.
type Role string

// The roles, as the column users.role holds them.
const (
	RoleUser  Role = "user"
	RoleAdmin Role = "admin"
)

// User is one person with an account. It never carries the password's hash.
type User struct {
	ID                uuid.UUID
	Email             string // as typed
	Name              string
	Role              Role
	Theme             string // system, light or dark
	Timezone          string // an IANA name
	Shortcuts         bool   // whether single keys act as shortcuts
	CreatedAt         time.Time
	VerifiedAt        *time.Time
	DisabledAt        *time.Time
	LastLoginAt       *time.Time
	PasswordChangedAt time.Time
}

// Admin reports whether the person administers this installation.
func (u User) Admin() bool { return u.Role == RoleAdmin }

func (u User) actorKind() actor.Kind {
	if u.Admin() {
		return actor.Admin
	}
	return actor.User
}

// Visitor is who a request's session belongs to. Sessions fills it with the query that loads the session, and notes in
// it what must happen when the session is saved.
type Visitor struct {
	SessionID uuid.UUID // the session's record, stable across token rotation (OA-1); uuid.Nil without a session
	User      *User     // nil = signed out
	NeedsYou  int       // connections that wait for the person, for the navigation
	Fresh     bool      // they proved within the last proofLasts who they are

	Device Device // to keep in the browser, once its person came by a mail of ours or chose a password

	IP        netip.Addr // where the request comes from, for the record of a new session
	UserAgent string

	loaded  loaded // the row as it was read or last written
	signIn  *User  // who signs in with the next save
	unusual string // what is unusual about that (LG-9)
	failed  bool   // a sign-in was rolled back: nothing of this request may be saved
	polling bool
}

// loaded is what a Visitor's session row held when this request last saw it.
type loaded struct {
	token string // its hash; empty without a row
	data  []byte
	age   time.Duration // since its first sign-in
	stale bool          // last_seen_at is due
}

// Polling marks the request as one the browser makes by itself: it does not keep the session alive (SE-4).
func (v *Visitor) Polling() { v.polling = true }

// fail undoes what a sign-in that was rolled back has noted.
func (v *Visitor) fail() { v.SessionID, v.User, v.signIn, v.failed = uuid.Nil, nil, nil, true }

type visitorKey struct{}

// WithVisitor returns ctx with v in it.
func WithVisitor(ctx context.Context, v *Visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, v)
}

// VisitorFrom is the visitor in ctx, never nil: without one it is a stranger.
func VisitorFrom(ctx context.Context) *Visitor {
	if v, ok := ctx.Value(visitorKey{}).(*Visitor); ok {
		return v
	}
	return &Visitor{}
}

// visiting is ctx with a visitor in it, a new one where there is none: programs that use the API have no session to load.
func visiting(ctx context.Context) context.Context {
	if _, ok := ctx.Value(visitorKey{}).(*Visitor); ok {
		return ctx
	}
	return WithVisitor(ctx, &Visitor{})
}
