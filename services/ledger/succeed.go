package ledger

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// postsWithin is how many days a pending transaction and its posted self may lie apart. Card payments take up to a week;
// two equal payments to one payee are seldom nearer.
const postsWithin = 7

// succeed finds, among the stored transactions the bank no longer names, those it names otherwise now, and gives them the
// new name: so the row, its id, and the note the person wrote, live on.
//
// What is the same in all a person sees is recognised first, the nth of a day for the nth: banks give new ids, and equal
// payments on one day stay as many as they were. Of the rest a posted one follows a pending one by the bank's own reference;
// without it account, amount and payee must be the same and the days near, the nearest first.
func (a *applying) succeed(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	tag, err := tx.Exec(ctx, `
		INSERT INTO gone SELECT t.id, t.external_id, t.status, t.booked_on, t.happened_at, t.amount_minor, t.currency, t.payee
		FROM transactions t
		WHERE t.user_id = @user AND t.account_id = @account AND (t.status = 'pending' OR t.booked_on BETWEEN @from::date AND @to::date)
			AND NOT EXISTS (SELECT FROM arrived n WHERE n.stored = t.id)`, args)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	const taken = `DELETE FROM gone g WHERE EXISTS (SELECT FROM arrived a WHERE a.stored = g.id)`
	run := func(list ...string) error {
		for _, sql := range list {
			if _, err := tx.Exec(ctx, sql, args); err != nil {
				return err
			}
		}
		return nil
	}
	if err := run(occurring("status, booked_on, amount_minor, currency, payee", "true"), taken); err != nil {
		return err
	}
	if err := a.follow(ctx, tx, args); err != nil {
		return err
	}
	if err := run(taken, occurring("booked_on, amount_minor, currency", beforeMerge), taken); err != nil {
		return err
	}
	tag, err = tx.Exec(ctx, `
		UPDATE transactions t SET external_id = a.external_id FROM arrived a
		WHERE t.user_id = @user AND t.account_id = @account AND t.id = a.stored AND a.fate = 'renamed'`, args)
	a.result.Written += int(tag.RowsAffected())
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE arrived a SET fate = `+fateOf("t")+` FROM transactions t
		WHERE t.user_id = @user AND t.account_id = @account AND t.id = a.stored AND a.fate = 'renamed'`, args)
	return err
}

// beforeMerge is true of those of g, gone, that an account had before it came back under another id, and that the bank has
// not reported since. A bank that changes the ids of accounts may also change how it writes names, so day and amount do.
const beforeMerge = `EXISTS (SELECT FROM merged_transactions r WHERE r.user_id = @user AND r.transaction_id = g.id AND NOT r.shared)`

// occurring matches those gone of which which holds with what arrived and is new: the same in columns, the nth for the nth.
func occurring(columns, which string) string {
	nth := `row_number() OVER (PARTITION BY ` + columns + ` ORDER BY happened_at, id) AS k`
	return `
		UPDATE arrived a SET stored = m.id, fate = 'renamed' FROM (
			SELECT o.id, c.nth FROM (SELECT id, ` + columns + `, ` + nth + ` FROM gone g WHERE ` + which + `) o
				JOIN (SELECT nth, ` + columns + `, ` + nth + ` FROM arrived WHERE stored IS NULL) c USING (` + columns + `, k)) m
		WHERE a.nth = m.nth`
}

// share notes which transactions from before an account came back the bank reports since.
func (a *applying) share(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	var can bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM account_merges WHERE user_id = @user AND account_id = @account)`, args).Scan(&can); err != nil || !can {
		return err
	}
	_, err := tx.Exec(ctx, `
		UPDATE merged_transactions r SET shared = true FROM arrived a
		WHERE r.user_id = @user AND r.transaction_id = a.stored AND NOT r.shared`, args)
	return err
}

// follow says which posted transaction follows which pending one. Nobody follows or is followed twice.
func (a *applying) follow(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	rows, err := tx.Query(ctx, `
		SELECT w.id, a.nth FROM gone w JOIN (
				SELECT w.id, a.nth, -1 AS apart FROM gone w JOIN arrived a ON a.reference_id = w.external_id
				WHERE w.status = 'pending' AND a.status = 'posted' AND a.stored IS NULL AND a.reference_id <> ''
				UNION ALL
				SELECT w.id, a.nth, abs(a.booked_on - w.booked_on) FROM gone w JOIN arrived a USING (amount_minor, currency, payee)
				WHERE w.status = 'pending' AND a.status = 'posted' AND a.stored IS NULL AND abs(a.booked_on - w.booked_on) <= @posts_within) m USING (id)
			JOIN arrived a USING (nth)
		ORDER BY m.apart, w.happened_at, w.id, a.happened_at, a.nth`, args)
	if err != nil {
		return err
	}
	var ids []uuid.UUID
	var nths []int64
	var id uuid.UUID
	var nth int64
	followed, follows := map[uuid.UUID]bool{}, map[int64]bool{}
	if _, err := pgx.ForEachRow(rows, []any{&id, &nth}, func() error {
		if !followed[id] && !follows[nth] {
			followed[id], follows[nth] = true, true
			ids, nths = append(ids, id), append(nths, nth)
		}
		return nil
	}); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE arrived a SET stored = m.id, fate = 'renamed' FROM unnest(@ids::uuid[], @nths::bigint[]) AS m (id, nth) WHERE a.nth = m.nth`,
		pgx.NamedArgs{"ids": ids, "nths": nths})
	return err
}
