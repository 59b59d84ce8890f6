package jobs

import (
	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// The queues. Mail has its own, so that a slow bank never delays a verification link.
const (
	QueueMail = "mail"
	QueueSync = "sync"
)

// Mail asks for one mail to one person. The worker mints the link and renders the text when it runs.
type Mail struct {
	Purpose   string    `json:"purpose"` // what kind of mail; the known ones stand in services/email
	UserID    uuid.UUID `json:"user_id"`
	About     uuid.UUID `json:"about,omitzero"` // id of what the mail tells about, such as a change of address
	RequestID string    `json:"request_id"`
}

// Kind names the job in River's table.
func (Mail) Kind() string { return "mail" }

// InsertOpts gives mail up after a day of tries: River waits as many seconds as the fourth power of the tries there were.
func (Mail) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueMail, MaxAttempts: 14} }

// Sync asks for the next step of a run of fetching a connection's data; the run's row already exists.
type Sync struct {
	UserID       uuid.UUID `json:"user_id"`
	ConnectionID uuid.UUID `json:"connection_id"`
	RunID        uuid.UUID `json:"run_id"`
	RequestID    string    `json:"request_id"`
}

// Kind names the job in River's table.
func (Sync) Kind() string { return "sync" }

// InsertOpts bounds the tries of one step; the schedule starts another run later.
func (Sync) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueSync, MaxAttempts: 4} }

// Revoke asks for a bank to be told that a connection has ended. The tokens lie sealed in services/tokens, never here.
type Revoke struct {
	UserID       uuid.UUID `json:"user_id"`
	RevocationID uuid.UUID `json:"revocation_id"`
	RequestID    string    `json:"request_id"`
}

// Kind names the job in River's table.
func (Revoke) Kind() string { return "revoke" }

// InsertOpts gives a bank a day, as mail has it: longer nobody should keep tokens that nobody keeps.
func (Revoke) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueSync, MaxAttempts: 14}
}

// SyncDue asks for a look at which connections are due. Due times are columns, so it may run twice or late.
type SyncDue struct{}

// Kind names the job in River's table.
func (SyncDue) Kind() string { return "sync_due" }

// InsertOpts allows one try: the next tick is the retry.
func (SyncDue) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1}
}

// AuditSeal asks for the seals of what was written into the audit log since the last time.
type AuditSeal struct{}

// Kind names the job in River's table.
func (AuditSeal) Kind() string { return "audit_seal" }

// InsertOpts allows one try: the next tick is the retry.
func (AuditSeal) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }
