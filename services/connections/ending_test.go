package connections_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/connections"
	"dashtam/services/encryption"
)

// due is in how many hours the person has to be at the bank again.
func (b *bundle) due(id uuid.UUID) int {
	b.Helper()
	return b.count(`SELECT round(extract(epoch FROM consent_expires_at - now()) / 3600)::int FROM connections WHERE id = $1`, id)
}

// A bank that wants a new sign-in every week is due after a week, however long the permission itself lasts.
// Break OA-19: services/connections/finish.go: in write, p.ConsentDays in place of p.DueDays()
func TestConnect_OA19_DueAtTheEarlierEnd(t *testing.T) {
	b := newBundle(t)
	if hours := b.due(b.connect(b.who)); hours != 180*24 {
		t.Errorf("a permission of 180 days is due in %d hours", hours)
	}
	if err := b.service.Start(t.Context(), b.who, "otherbank", uuid.Nil); err != nil {
		t.Fatal(err)
	}
	address, err := b.service.Continue(t.Context(), b.who, "otherbank")
	if err != nil {
		t.Fatal(err)
	}
	id, err := b.service.Callback(t.Context(), b.who, "otherbank", answer(b.bank.Consent(t, address)))
	if err != nil {
		t.Fatal(err)
	}
	if hours := b.due(id); hours != 7*24 {
		t.Errorf("a sign-in of 7 days is due in %d hours", hours)
	}
}

// note looks for what ends, on as many nodes at once.
func (b *bundle) note(nodes int) {
	b.Helper()
	var wg sync.WaitGroup
	for range nodes {
		wg.Go(func() {
			if err := pgx.BeginFunc(b.Context(), b.db, func(tx pgx.Tx) error { return b.service.NoteEnding(b.Context(), tx) }); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}

// at puts a connection to where its permission, which lasts that long, ends in that time.
func (b *bundle) at(id uuid.UUID, lasts, left string) {
	b.Helper()
	b.exec(`UPDATE connections SET consent_expires_at = now() + @left::interval, consented_at = now() + @left::interval - @lasts::interval WHERE id = @id`,
		pgx.NamedArgs{"id": id, "lasts": lasts, "left": left})
}

// The owner of a permission that ends is told in time, at fixed distances, once each, whoever looks and how often.
// Break OA-19: services/connections/ending.go: in NoteEnding, leave out "AND (c.reminded IS NULL OR c.reminded > r.ahead)"
func TestNoteEnding_OA19_ToldInTime(t *testing.T) {
	b := newBundle(t)
	for name, c := range map[string]struct {
		lasts string
		steps []string // what is left, then how many mails there are by then and whether it is Renew
		mails []int
		renew []bool
	}{
		"half a year": {
			"180 days", []string{"15 days", "13 days", "169 hours", "167 hours", "49 hours", "47 hours", "25 hours", "23 hours", "1 minute", "-1 minute"},
			[]int{0, 0, 0, 1, 1, 2, 2, 3, 3, 3}, []bool{false, true, true, true, true, true, true, true, true, true},
		},
		"a week":              {"7 days", []string{"6 days", "49 hours", "47 hours", "13 hours", "11 hours", "1 minute"}, []int{0, 0, 1, 1, 2, 2}, []bool{false, false, true, true, true, true}},
		"a day":               {"1 day", []string{"23 hours", "11 hours"}, []int{0, 1}, []bool{true, true}},
		"nobody could look":   {"180 days", []string{"20 hours"}, []int{1}, []bool{true}},
		"looked at too early": {"8 days", []string{"8 days"}, []int{0}, []bool{true}},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.next(t)
			id := b.connect(b.who)
			b.exec(`UPDATE connections SET status = 'healthy' WHERE id = @id`, pgx.NamedArgs{"id": id})
			for i, left := range c.steps {
				b.at(id, c.lasts, left)
				b.note(3)
				if got := b.mails("consent_ends", id); got != c.mails[i] || (b.get(b.who, id).Status == connections.Renew) != c.renew[i] {
					t.Errorf("%s ahead: %d mails, %s; want %d, renew %v", left, got, b.get(b.who, id).Status, c.mails[i], c.renew[i])
				}
			}
		})
	}
}

// Nobody is reminded of what does not work or is over; whoever renewed is reminded again of the new permission's end alone.
// Break OA-19: services/connections/finish.go: in write, leave out "reminded = NULL"
func TestNoteEnding_OA19_OnlyOfWhatWorks(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	b.at(id, "180 days", "6 days")
	b.exec(`UPDATE connections SET status = 'needs_you'`, nil)
	b.note(1)
	if n := b.mails("consent_ends", id); n != 0 {
		t.Errorf("%d mails about what does not work", n)
	}
	b.exec(`UPDATE connections SET status = 'renew'`, nil)
	b.note(1)
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(b.ask(b.who, id))); err != nil {
		t.Fatal(err)
	}
	if n := b.count(`SELECT count(*) FROM connections WHERE reminded IS NULL AND now() - consented_at < interval '1 minute'`); n != 1 || b.due(id) != 180*24 {
		t.Error("a renewal does not begin anew")
	}
	b.note(1)
	b.at(id, "180 days", "6 days")
	b.note(1)
	if n := b.mails("consent_ends", id); n != 2 {
		t.Errorf("%d mails for two permissions", n)
	}
	b.exec(`UPDATE connections SET reminded = NULL`, nil)
	if err := b.service.Disconnect(t.Context(), b.who, id, true); err != nil {
		t.Fatal(err)
	}
	b.note(1)
	if n := b.mails("consent_ends", id); n != 2 {
		t.Error("a mail about what has ended")
	}
}

// Asking for a renewal, and being refused it, leave the old permission as it was; the new one takes its place at once.
// Break OA-19: services/connections/start.go: in Start, DELETE FROM connection_tokens of the connection
func TestRenew_OA19_TheOldWorksUntilTheNewIsStored(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	b.at(id, "180 days", "6 days")
	b.note(1)
	b.exec(`UPDATE connections SET status = 'renew'`, nil)
	works := func(when string) int64 {
		t.Helper()
		carried := false
		generation, err := b.vault.Use(t.Context(), b.who, id, "accounts", nil, func(_ context.Context, token encryption.Secret) (int64, error) {
			carried = token != ""
			return 0, nil
		})
		if err != nil || !carried {
			t.Fatalf("%s: %v", when, err)
		}
		if d := b.get(b.who, id); when != "renewed" && d.Status != connections.Renew {
			t.Errorf("%s: %s", when, d.Status)
		}
		return generation
	}
	before := works("before")
	q := b.ask(b.who, id)
	during := works("at the bank")
	if _, err := b.service.Callback(t.Context(), b.who, slug, connections.Answer{State: q.Get("state"), Error: "access_denied", Issuer: q.Get("iss")}); !errors.Is(err, connections.ErrDenied) {
		t.Fatal(err)
	}
	denied := works("denied")
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(b.ask(b.who, id))); err != nil {
		t.Fatal(err)
	}
	if after := works("renewed"); before != during || during != denied || after != before+1 {
		t.Errorf("generations %d, %d, %d, %d", before, during, denied, after)
	}
	if len(b.bank.Revoked()) != 0 {
		t.Error("a token was given back")
	}
}
