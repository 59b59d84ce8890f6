package syncer_test

import (
	"testing"

	"dashtam/services/connections"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/providers/banktest"
	"dashtam/services/syncer"
)

// The connection to the database breaks while what a step brought commits: the accounts, or a window. Whether it was done
// or not, the tries that follow end the run, and everything is there once.
func TestRun_F09_ACommitWithoutAnAnswer(t *testing.T) {
	proxy := pgtest.NewProxy(t, pgtest.URL(t))
	db, err := postgres.Open(t.Context(), proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	whole := &bundle{TB: t, db: db, bank: banktest.New(t)}
	whole.start()
	for name, done := range map[string]bool{"the answer is lost": true, "the commit is lost": false} {
		for what, words := range map[string]string{"accounts": "UPDATE sync_runs SET planned", "windows": "UPDATE sync_windows SET state = 'done'"} {
			t.Run(what+", "+name, func(t *testing.T) {
				b := whole.next(t)
				cuts := 0 // at most two
				happened := proxy.CutCommit(words, done)
				for range 20 {
					err := b.service.Work(t.Context(), b.job(), 1) // what failed is tried again, as River does
					if happened() {
						cuts++
						if err == nil {
							t.Error("a commit that got no answer counts as done")
						}
						if happened = func() bool { return false }; cuts < 2 {
							happened = proxy.CutCommit(words, done)
						}
					}
					if r := b.progress(); r.State != syncer.Queued && r.State != syncer.Running {
						break
					}
				}
				proxy.CutCommit("nothing more", done)
				if r := b.progress(); cuts == 0 || r.State != syncer.Done || r.Added != 2 || r.AccountsDone != 1 || r.Changed+r.Merged+r.Removed != 0 {
					t.Errorf("%d cuts, run %+v", cuts, r)
				}
				if n := b.count(`SELECT count(*) FROM transactions WHERE user_id = $1`, b.who.UserID); n != 2 {
					t.Errorf("%d transactions", n)
				}
				if n := b.count(`SELECT sum(amount_minor) FROM transactions WHERE user_id = $1`, b.who.UserID); n != -1234-450 {
					t.Errorf("transactions sum to %d", n)
				}
				if d := b.get(); d.Status != connections.Healthy {
					t.Errorf("connection %+v", d.Connection)
				}
			})
		}
	}
}
