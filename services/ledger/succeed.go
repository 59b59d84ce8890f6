package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// postsWithin is how far apart the days of a pending transaction and of its posted self may lie. Card payments take up
// to a week; two equal payments to one payee are seldom nearer.
const postsWithin = 7 * 24 * time.Hour

// waiting is a stored pending transaction that the bank no longer reports under its id.
type waiting struct {
	ID          uuid.UUID
	AccountID   uuid.UUID
	ExternalID  string
	AmountMinor int64
	Currency    string
	BookedOn    time.Time
	Payee       string
}

// succeed gives stored pending transactions the id under which the bank now reports them as posted, so that the upsert
// finds the same row: its id, and the note the person wrote, live on.
func (a *applying) succeed(ctx context.Context, tx pgx.Tx) error {
	left, err := a.waiting(ctx, tx)
	if err != nil || len(left) == 0 {
		return err
	}
	unknown, err := a.unknown(ctx, tx)
	if err != nil {
		return err
	}
	var ids []uuid.UUID
	var external []string
	for id, t := range successors(left, unknown) {
		ids, external = append(ids, id), append(external, t.ExternalID)
	}
	_, err = tx.Exec(ctx, `
		UPDATE transactions t SET external_id = s.external_id
		FROM unnest(@ids::uuid[], @external::text[]) AS s (id, external_id)
		WHERE t.user_id = @user AND t.id = s.id`,
		pgx.NamedArgs{"user": a.user, "ids": ids, "external": external})
	return err
}

// waiting reads the pending transactions of the batch's accounts that the batch does not name.
func (a *applying) waiting(ctx context.Context, tx pgx.Tx) ([]waiting, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, account_id, external_id, amount_minor, currency, booked_on, payee
		FROM transactions WHERE user_id = @user AND account_id = ANY (@accounts::uuid[]) AND status = 'pending'`,
		pgx.NamedArgs{"user": a.user, "accounts": a.ids})
	if err != nil {
		return nil, err
	}
	pending, err := pgx.CollectRows(rows, pgx.RowToStructByName[waiting])
	if err != nil {
		return nil, err
	}
	type key struct {
		account  uuid.UUID
		external string
	}
	named := map[key]bool{}
	for _, t := range a.reported() {
		named[key{t.account, t.ExternalID}] = true
	}
	return slices.DeleteFunc(pending, func(w waiting) bool { return named[key{w.AccountID, w.ExternalID}] }), nil
}

// unknown are the batch's posted transactions that are not stored yet.
func (a *applying) unknown(ctx context.Context, tx pgx.Tx) ([]reported, error) {
	posted := slices.DeleteFunc(a.reported(), func(t reported) bool { return t.Status != Posted })
	accounts, external := make([]uuid.UUID, len(posted)), make([]string, len(posted))
	for i, t := range posted {
		accounts[i], external[i] = t.account, t.ExternalID
	}
	rows, err := tx.Query(ctx, `
		SELECT b.nth
		FROM unnest(@accounts::uuid[], @external::text[]) WITH ORDINALITY AS b (account_id, external_id, nth)
		WHERE NOT EXISTS (SELECT FROM transactions t
			WHERE t.user_id = @user AND t.account_id = b.account_id AND t.external_id = b.external_id)
		ORDER BY b.nth`,
		pgx.NamedArgs{"user": a.user, "accounts": accounts, "external": external})
	if err != nil {
		return nil, err
	}
	nth, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, err
	}
	unknown := make([]reported, len(nth))
	for i, n := range nth {
		unknown[i] = posted[n-1]
	}
	return unknown, nil
}

// successors says which posted transaction follows which pending one. The bank's own reference decides; without one,
// account, amount and payee must be the same and the days near, the nearest pair first. Nobody follows or is followed
// twice, so twins stay two.
func successors(pending []waiting, posted []reported) map[uuid.UUID]reported {
	type pair struct {
		pending, posted int
		apart           time.Duration // below zero for the bank's word, which goes first
	}
	var pairs []pair
	for i, w := range pending {
		for j, t := range posted {
			apart := t.BookedOn.Sub(w.BookedOn).Abs()
			switch {
			case w.AccountID != t.account:
			case t.ReferenceID != "" && t.ReferenceID == w.ExternalID:
				pairs = append(pairs, pair{i, j, -1})
			case w.same(t) && apart <= postsWithin:
				pairs = append(pairs, pair{i, j, apart})
			}
		}
	}
	slices.SortStableFunc(pairs, func(x, y pair) int { return cmp.Compare(x.apart, y.apart) })
	follows := map[uuid.UUID]reported{}
	taken := map[int]bool{}
	for _, p := range pairs {
		if _, followed := follows[pending[p.pending].ID]; followed || taken[p.posted] {
			continue
		}
		follows[pending[p.pending].ID], taken[p.posted] = posted[p.posted], true
	}
	return follows
}

func (w waiting) same(t reported) bool {
	return w.AmountMinor == t.Amount.Minor && w.Currency == t.Amount.Currency && w.Payee == t.Payee
}
