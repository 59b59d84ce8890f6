package auth

import (
	"context"
	"time"

	"github.com/google/uuid"
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

// Visitor is who a request's session belongs to. The session store fills it with the query that loads the session.
type Visitor struct {
	SessionID uuid.UUID // the session's record, stable across token rotation (OA-1); uuid.Nil without a session
	User      *User     // nil = signed out
}

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
