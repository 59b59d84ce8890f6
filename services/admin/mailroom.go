package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
	"dashtam/services/jobs"
	"dashtam/services/postgres"
)

// ErrNoMail answers for a mail that cannot be tried again: it is gone, on its way, or sent.
var ErrNoMail = errs.New(errs.NotFound, "This mail does not wait to be tried again. It went out meanwhile, is on its way, or is not kept any more.")

// Mailroom is what administrators see of the mail: that it goes out, never what it says. No link and no text of a mail
// is stored anywhere, so there is none to show.
type Mailroom struct {
	db    postgres.DB
	queue *jobs.Queue
}

// NewMailroom makes a Mailroom over db. It does no I/O.
func NewMailroom(db postgres.DB, queue *jobs.Queue) *Mailroom { return &Mailroom{db, queue} }

// The places a mail can be at.
const (
	MailWaits = "waits" // for its first try, or for the next
	MailSent  = "sent"  // handed to the mail server within a day
	MailDied  = "died"  // no try can help, or there were too many; kept for a week
)

// Mail is one mail.
type Mail struct {
	ID          int64
	Purpose     string // of services/email
	To          string // the account's address; empty where the mail goes to somebody without one
	State       string // River's word
	Attempt     int
	MaxAttempts int
	CreatedAt   time.Time
	ScheduledAt time.Time  // of the next try
	FinishedAt  *time.Time // nil while it is not over
	Error       string     // of the last try; email.ReasonIn reads it
}

// Stopped reports that the mail is over without having been sent, or waits for another try: it can be tried now.
func (m Mail) Stopped() bool {
	return m.State == "cancelled" || m.State == "discarded" || m.State == "retryable"
}

// MailCounts is how many mails are at each place.
type MailCounts struct{ Waits, Sent, Died int }

// atPlace tells the places apart. Mails to nobody, which only make work equal (SU-2), are at none.
const atPlace = `
	FROM river_job j LEFT JOIN users u ON u.id = (j.args ->> 'user_id')::uuid
	WHERE j.kind = 'mail' AND (u.id IS NOT NULL OR j.args ->> 'purpose' = 'invitation')`

// placeOf is at which place a job is; a completed one that sent nothing was not needed any more.
const placeOf = `CASE WHEN j.state IN ('cancelled', 'discarded') THEN 'died'
	WHEN j.state <> 'completed' THEN 'waits'
	WHEN j.metadata ->> 'output' = 'sent' THEN 'sent' ELSE 'moot' END`

// Counts counts the mails at each place.
func (m *Mailroom) Counts(ctx context.Context, who actor.Actor) (c MailCounts, err error) {
	if err := may(who); err != nil {
		return c, err
	}
	err = m.db.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE place = 'waits'), count(*) FILTER (WHERE place = 'sent'), count(*) FILTER (WHERE place = 'died')
		FROM (SELECT `+placeOf+` AS place `+atPlace+`) x`).Scan(&c.Waits, &c.Sent, &c.Died)
	if err != nil {
		return c, fmt.Errorf("admin: counting mails: %w", err)
	}
	return c, nil
}

// List lists the mails at a place, the newest first: those before the given id, 0 = from the newest on.
func (m *Mailroom) List(ctx context.Context, who actor.Actor, place string, before int64) (page []Mail, more bool, err error) {
	if err := may(who); err != nil {
		return nil, false, err
	}
	return list[Mail](ctx, m.db, "mails", `
		SELECT j.id, j.args ->> 'purpose' AS purpose, coalesce(u.email, '') AS "to", j.state::text AS state, j.attempt, j.max_attempts,
			j.created_at, j.scheduled_at, j.finalized_at AS finished_at, coalesce(j.errors[array_upper(j.errors, 1)] ->> 'error', '') AS error
		`+atPlace+` AND `+placeOf+` = @place AND (@before::bigint = 0 OR j.id < @before::bigint)
		ORDER BY j.id DESC LIMIT @limit`, pgx.NamedArgs{"place": place, "before": before})
}

// Retry has a mail tried again now that died or waits for its next try; any other is ErrNoMail. Its link is made anew.
func (m *Mailroom) Retry(ctx context.Context, who actor.Actor, id int64) error {
	if err := may(who); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, m.db, func(tx pgx.Tx) error {
		var mail bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM river_job WHERE id = @id AND kind = 'mail')`, pgx.NamedArgs{"id": id}).Scan(&mail)
		if err == nil && mail {
			mail, err = m.queue.Retry(ctx, tx, id)
		}
		if err != nil {
			return err
		}
		if !mail {
			return ErrNoMail
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "mail.retried", Target: fmt.Sprint(id)})
	})
	if err != nil {
		return fmt.Errorf("admin: trying a mail again: %w", err)
	}
	return nil
}
