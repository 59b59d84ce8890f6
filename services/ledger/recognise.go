package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
)

// known is an account of the batch's connection as it stands before the batch.
type known struct {
	ID         uuid.UUID
	ExternalID string
	Kind       Kind
	BankName   string
	Mask       string
	Currency   string
	NumberHash []byte
	Gone       bool
}

// likeness is how much an account the bank does not show any more is like one it shows for the first time.
type likeness uint8

const (
	unlike likeness = iota
	alike           // it may be the same: the person is asked
	same            // where there is one of each, it is the same
)

// like compares what survives a new id: the whole number where the bank gives it, else the digits it shows together with
// kind, currency and the bank's name for it. A hash of the number differs when the number does, but also after the key of
// the hashes has changed, so that only makes it less certain.
func (k known) like(a BankAccount) likeness {
	numbers := len(k.NumberHash) > 0 && len(a.NumberHash) > 0
	digits, name := k.Mask != "" && k.Mask == a.Mask, k.BankName == a.Name
	switch {
	case k.Currency != a.Balance.Currency:
		return unlike
	case numbers && bytes.Equal(k.NumberHash, a.NumberHash):
		return same
	case k.Kind != a.Kind || !digits && !name:
		return unlike
	case digits && name && !numbers:
		return same
	}
	return alike
}

// recognise finds the accounts that came back under another id, once the bank has listed all it shows: they keep their
// rows. Where that is not certain there is a question to the person, and the new account is left out until it is answered,
// so that nothing counts twice. What neither is listed nor came back is gone: it is kept and does not count any more.
func (a *applying) recognise(ctx context.Context, tx pgx.Tx) error {
	asked, err := a.asked(ctx, tx)
	if err != nil {
		return err
	}
	if a.batch.Whole {
		if asked, err = a.resemble(ctx, tx, asked); err != nil {
			return err
		}
	}
	a.batch.Accounts = slices.DeleteFunc(a.batch.Accounts, func(acc BankAccount) bool {
		_, waits := asked[acc.ExternalID]
		return waits
	})
	return nil
}

// asked are the accounts that wait for an answer, with what they may be.
func (a *applying) asked(ctx context.Context, tx pgx.Tx) (map[string][]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `SELECT external_id, candidates FROM account_questions WHERE user_id = @user AND connection_id = @connection`, a.args(nil))
	if err != nil {
		return nil, err
	}
	asked := map[string][]uuid.UUID{}
	var external string
	var candidates []uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&external, &candidates}, func() error {
		asked[external] = slices.Clone(candidates)
		return nil
	})
	return asked, err
}

func (a *applying) args(more pgx.NamedArgs) pgx.NamedArgs {
	args := pgx.NamedArgs{"user": a.user, "connection": a.connection}
	for k, v := range more {
		args[k] = v
	}
	return args
}

// resemble compares the whole list with what is stored, and returns the questions that are open after it.
func (a *applying) resemble(ctx context.Context, tx pgx.Tx, before map[string][]uuid.UUID) (map[string][]uuid.UUID, error) {
	if _, err := tx.Exec(ctx, `DELETE FROM account_merges WHERE user_id = @user AND merged_at < now() - @undo::interval`,
		pgx.NamedArgs{"user": a.user, "undo": undoFor}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		SELECT id, external_id, kind, bank_name, mask, currency, number_hash, gone_at IS NOT NULL AS gone FROM accounts
		WHERE user_id = @user AND connection_id = @connection ORDER BY id`, a.args(nil))
	if err != nil {
		return nil, err
	}
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByName[known])
	if err != nil {
		return nil, err
	}
	missing := slices.DeleteFunc(slices.Clone(stored), func(k known) bool {
		return slices.ContainsFunc(a.batch.Accounts, func(acc BankAccount) bool { return acc.ExternalID == k.ExternalID })
	})
	fresh := slices.DeleteFunc(slices.Clone(a.batch.Accounts), func(acc BankAccount) bool {
		return slices.ContainsFunc(stored, func(k known) bool { return acc.ExternalID == k.ExternalID })
	})
	found := compare(missing, fresh)
	for external, id := range found.same {
		if err := rejoin(ctx, tx, a.who, id, external, false); err != nil {
			return nil, err
		}
		a.result.Recognised++
	}
	a.result.Written += a.result.Recognised
	if err := a.ask(ctx, tx, before, found.ask); err != nil {
		return nil, err
	}
	if len(fresh) == 0 {
		return found.ask, nil // an account that is missing with nothing new in its place may be there again tomorrow
	}
	tag, err := tx.Exec(ctx, `UPDATE accounts SET gone_at = now() WHERE user_id = @user AND id = ANY (@gone::uuid[]) AND gone_at IS NULL`,
		a.args(pgx.NamedArgs{"gone": found.gone}))
	a.result.Written += int(tag.RowsAffected())
	return found.ask, err
}

// comparison is what became of accounts, by their new ids at the bank.
type comparison struct {
	same map[string]uuid.UUID
	ask  map[string][]uuid.UUID
	gone []uuid.UUID
}

// compare says which missing account is which fresh one. Only one of each is certain. What was gone already is thought of
// when nothing else can be meant.
func compare(missing []known, fresh []BankAccount) comparison {
	c := comparison{same: map[string]uuid.UUID{}, ask: map[string][]uuid.UUID{}}
	candidates := func(acc BankAccount, least likeness) (live []known) {
		var gone []known
		for _, k := range missing {
			switch {
			case k.like(acc) < least:
			case k.Gone:
				gone = append(gone, k)
			default:
				live = append(live, k)
			}
		}
		if len(live) == 0 {
			return gone
		}
		return live
	}
	claims := map[uuid.UUID]int{}
	for _, acc := range fresh {
		for _, k := range candidates(acc, same) {
			claims[k.ID]++
		}
	}
	taken := map[uuid.UUID]bool{}
	for _, acc := range fresh {
		if one := candidates(acc, same); len(one) == 1 && claims[one[0].ID] == 1 {
			c.same[acc.ExternalID], taken[one[0].ID] = one[0].ID, true
		}
	}
	missing = slices.DeleteFunc(missing, func(k known) bool { return taken[k.ID] })
	for _, acc := range fresh {
		if _, ok := c.same[acc.ExternalID]; ok {
			continue
		}
		for _, k := range candidates(acc, alike) {
			c.ask[acc.ExternalID], taken[k.ID] = append(c.ask[acc.ExternalID], k.ID), true
		}
	}
	for _, k := range missing {
		if !taken[k.ID] {
			c.gone = append(c.gone, k.ID)
		}
	}
	return c
}

// ask makes the open questions those of after; one that stays as it is keeps its id.
func (a *applying) ask(ctx context.Context, tx pgx.Tx, before, after map[string][]uuid.UUID) error {
	for external, candidates := range before {
		if slices.Equal(candidates, after[external]) {
			continue
		}
		if _, err := tx.Exec(ctx, `DELETE FROM account_questions WHERE user_id = @user AND connection_id = @connection AND external_id = @external`,
			a.args(pgx.NamedArgs{"external": external})); err != nil {
			return err
		}
		a.result.Written++
	}
	for _, acc := range a.batch.Accounts {
		candidates := after[acc.ExternalID]
		if len(candidates) == 0 || slices.Equal(before[acc.ExternalID], candidates) {
			continue
		}
		acc.Holdings, acc.Transactions = nil, nil
		said, err := json.Marshal(acc)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			INSERT INTO account_questions (user_id, id, connection_id, external_id, said, candidates)
			VALUES (@user, @id, @connection, @external, @said, @candidates)`,
			a.args(pgx.NamedArgs{"id": newID(), "external": acc.ExternalID, "said": string(said), "candidates": candidates})); err != nil {
			return err
		}
		a.result.Written++
	}
	return nil
}

// rejoin gives who's account the id under which the bank shows it now, and keeps for a while how to undo that.
func rejoin(ctx context.Context, tx pgx.Tx, who actor.Actor, account uuid.UUID, external string, answered bool) error {
	args := pgx.NamedArgs{"user": who.UserID, "account": account, "merge": newID(), "external": external, "answered": answered}
	for _, sql := range []string{
		`INSERT INTO account_merges (user_id, id, account_id, external_id, was, answered)
			SELECT user_id, @merge, id, @external, to_jsonb(a), @answered FROM accounts a WHERE user_id = @user AND id = @account`,
		`INSERT INTO merged_transactions (user_id, merge_id, transaction_id, external_id)
			SELECT user_id, @merge, id, external_id FROM transactions WHERE user_id = @user AND account_id = @account`,
		`UPDATE accounts SET external_id = @external, gone_at = NULL WHERE user_id = @user AND id = @account`,
	} {
		if _, err := tx.Exec(ctx, sql, args); err != nil {
			return err
		}
	}
	return audit.Record(ctx, tx, who, audit.Event{Act: "account.merged", UserID: who.UserID, Target: account.String()})
}
