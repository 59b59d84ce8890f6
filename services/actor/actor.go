// Package actor says who acts. Every service that changes or reads a person's data takes an Actor right after ctx, so
// that the access check and the audit row cannot be written without one.
package actor

import (
	"net/netip"

	"github.com/google/uuid"
)

// Kind is what sort of actor acts. Its zero value is Anonymous, which may do nothing that needs a person.
type Kind uint8

// The kinds of actor.
const (
	Anonymous Kind = iota
	User
	Admin
	Job    // a background job on behalf of UserID
	System // the program itself or a command on its host; no person
)

var names = [...]string{"anonymous", "user", "admin", "job", "system"}

// String is the name that stands in logs and audit rows.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return names[Anonymous]
}

// Actor is who acts, and from where. The zero value is an anonymous stranger.
type Actor struct {
	Kind      Kind
	UserID    uuid.UUID  // the person; uuid.Nil for Anonymous and System
	SessionID uuid.UUID  // the browser session's record, stable across token rotation; uuid.Nil outside the browser
	RequestID string     // ties log lines, audit rows and error pages together
	IP        netip.Addr // the client's address by the trusted-proxy rule (RL-3); invalid when there is none
	UserAgent string     // at most 256 bytes, as the client said it
}

// ForJob is the actor of a background job that works for one person.
func ForJob(user uuid.UUID, requestID string) Actor {
	return Actor{Kind: Job, UserID: user, RequestID: requestID}
}

// ForSystem is the actor of the program itself; what names the command or job kind.
func ForSystem(what string) Actor { return Actor{Kind: System, RequestID: what} }

// SignedIn reports whether a person with an account acts through their browser or an API token.
func (a Actor) SignedIn() bool {
	return (a.Kind == User || a.Kind == Admin) && a.UserID != uuid.Nil
}
