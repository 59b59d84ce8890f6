package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// mostMissing is the share of a window's posted transactions that a bank may leave out of its next answer and be believed,
// one of so many; a single one always is. Banks do take bookings back, and banks do answer with an empty or half a list.
const mostMissing = 5

// missing leaves in gone what is to be removed because the bank no longer reports it: pending ones of the window, which were given
// up or came back in a form that succeed could not recognise; and posted ones, if they are few and the bank's answer goes
// further back. Which date a bank goes by, and in which zone, is not known, so a posted one counts as asked for only when
// all its dates lie within the window. Posted ones that are too many are kept, and counted; so is what an account had before
// it came back under another id.
func (a *applying) missing(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	var posted, held int
	var empty bool
	if _, err := tx.Exec(ctx, `
		DELETE FROM gone g WHERE NOT (booked_on BETWEEN @from::date AND @to::date) OR status = 'posted' AND (`+beforeMerge+` OR
			least(booked_on, (happened_at AT TIME ZONE 'UTC')::date) <= @from::date
			OR greatest(booked_on, (happened_at AT TIME ZONE 'UTC')::date) >= @to::date
			OR booked_on < (SELECT min(booked_on) FROM arrived))`, args); err != nil {
		return err
	}
	err := tx.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM gone WHERE status = 'posted'), (SELECT count(*) FROM arrived WHERE status = 'posted' AND stored IS NOT NULL),
			NOT EXISTS (SELECT FROM arrived)`).Scan(&posted, &held, &empty)
	if err != nil || posted == 0 || !empty && posted <= max(1, (held+posted)/mostMissing) {
		return err
	}
	a.result.Kept += posted
	_, err = tx.Exec(ctx, `DELETE FROM gone WHERE status = 'posted'`)
	return err
}

// remove deletes what missing left.
func (a *applying) remove(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	tag, err := tx.Exec(ctx, `DELETE FROM transactions t USING gone g WHERE t.user_id = @user AND t.account_id = @account AND t.id = g.id`, args)
	a.result.Removed += int(tag.RowsAffected())
	a.result.Written += int(tag.RowsAffected())
	return err
}
