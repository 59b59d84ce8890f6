package syncer_test

import (
	"testing"
	"time"

	"dashtam/services/connections"
	"dashtam/services/syncer"
)

// A node whose clock is wrong takes no run from a worker that lives, does not ask before its time, tries no bank that is
// paused, and calls nobody: leases and times are the database's. Of what it does not know better than by its own clock,
// which day it is, nothing comes that is doubled or lost.
func TestRun_F21_ANodeWithAWrongClock(t *testing.T) {
	for name, by := range map[string]time.Duration{
		"10 minutes behind": -10 * time.Minute, "10 minutes ahead": 10 * time.Minute, "an hour behind": -time.Hour, "an hour ahead": time.Hour,
		"ten years ahead": 10 * 366 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			b.work()
			all := b.customers(3)
			b.exec(`INSERT INTO provider_pauses (provider, cause, next_try) VALUES ('paused', 'bank_incident', now() + interval '5 minutes')`, nil)
			b.exec(`INSERT INTO connections (user_id, id, provider, name, status, cause) SELECT user_id, gen_random_uuid(), 'paused', 'Paused', 'paused', 'bank_incident' FROM connections LIMIT 1`, nil)
			skewed := *b
			now := b.config.Now
			skewed.config.Now = func() time.Time { return now().Add(by) }
			skewed.service = syncer.New(skewed.config)

			if err := b.service.SyncNow(t.Context(), b.who, b.id); err != nil {
				t.Fatal(err)
			}
			held, release := b.hold(1)
			defer release()
			ended := b.background(b.job())
			<-held
			runs := b.count(`SELECT count(*) FROM sync_runs`)
			skewed.look()
			skewed.step() // another job of the run
			if n := b.count(`SELECT count(*) FROM sync_runs`) - runs; n != 0 {
				t.Errorf("%d connections were asked before their time", n)
			}
			if n := b.count(`SELECT sum(takeovers) FROM sync_runs`); n != 0 {
				t.Errorf("%d runs were taken from a worker that lives", n)
			}
			if n := b.count(`SELECT count(*) FROM provider_pauses WHERE tries > 0`); n != 0 {
				t.Error("a paused bank was tried")
			}
			release()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			b.work()
			skewed.again()
			b.wants(append(all, b), connections.Healthy, "")
			if r := b.progress(); r.State != syncer.Done || r.Added+r.Removed != 0 {
				t.Errorf("run %+v", r)
			}
			if n := b.count(`SELECT count(*) FROM river_job WHERE kind = 'mail'`); n != 0 {
				t.Errorf("%d people were mailed", n)
			}
		})
	}
}
