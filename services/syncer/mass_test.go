package syncer_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/connections"
	"dashtam/services/email"
	"dashtam/services/providers/banktest"
)

// customers are n people with a connection each at b's bank, all synced once.
func (b *bundle) customers(n int) []*bundle {
	b.Helper()
	list := make([]*bundle, n)
	for i := range list {
		c := *b
		c.who = b.person()
		c.id = c.connect(c.who)
		c.work()
		list[i] = &c
	}
	return list
}

func (b *bundle) look() {
	b.Helper()
	if err := b.service.WorkDue(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// refuses makes the bank say so to every token request, and forget the access tokens it gave.
func (b *bundle) refuses(status int, code string) {
	b.bank.ForgetAccess()
	b.bank.Do(func(bank *banktest.Bank) {
		bank.Token = func(w http.ResponseWriter, _ *http.Request) {
			banktest.JSON(w, status, map[string]string{"error": code})
		}
	})
}

func (b *bundle) recovers() { b.bank.Do(func(bank *banktest.Bank) { bank.Token = nil }) }

// mails counts the mails of a purpose that could be sent now, or with later those that wait for their time.
func (b *bundle) mails(purpose string, later bool) int {
	return b.count(`SELECT count(*) FROM river_job WHERE kind = 'mail' AND args->>'purpose' = $1 AND (scheduled_at > now() + interval '1 minute') = $2`, purpose, later)
}

func (b *bundle) wants(list []*bundle, status connections.Status, cause string) {
	b.Helper()
	for i, c := range list {
		if d := c.get(); d.Status != status || d.Cause != cause {
			b.Errorf("customer %d: %s, %s; want %s, %s", i+1, d.Status, d.Cause, status, cause)
		}
	}
}

// A bank that tells every customer that the permission is gone is out of order: it is left alone, nobody is asked to sign
// in again or mailed, one connection tries, and when that works all go on.
//
// Break F18: services/connections/breaker.go: const manyRefused = 300
// Break OA-11: services/connections/breaker.go: const manyRefused = 300
// Break F18: services/connections/status.go: in Report, mail NeedsYou at once
// Break F18: services/connections/breaker.go: in heed, leave out the case of paused
// Break F18: services/connections/status.go: in TakeDue, leave out left
func TestWatch_F18_OA11_ABankThatRefusesEverybody(t *testing.T) {
	b := newBundle(t)
	b.work()
	admin := b.person()
	b.exec(`UPDATE users SET role = 'admin' WHERE id = @id`, pgx.NamedArgs{"id": admin.UserID})
	all := b.customers(5)
	b.refuses(http.StatusBadRequest, "invalid_grant")
	for _, c := range all[:4] {
		c.again()
	}
	b.wants(all[:4], connections.NeedsYou, connections.CauseConsentEnded)
	b.look()
	b.wants(all[:4], connections.Paused, connections.CauseIncident)
	all[4].again() // who is refused from now on is never marked
	b.wants(all[4:], connections.Paused, connections.CauseIncident)
	if now, later := b.mails(email.NeedsYou, false), b.mails(email.NeedsYou, true); now != 0 || later != 4 {
		t.Errorf("%d mails went out, %d wait for what will not be true", now, later)
	}
	if n := b.mails(email.BankPaused, false); n != 1 {
		t.Errorf("%d mails to the administrator", n)
	}
	runs := func() int { return b.count(`SELECT count(*) FROM sync_runs WHERE cause = 'schedule'`) }
	b.exec(`UPDATE connections SET next_sync_at = now() - interval '1 minute'`, nil)
	b.look()
	if n := runs(); n != 0 {
		t.Errorf("%d connections of a paused bank were asked", n)
	}
	try := func() *bundle {
		b.exec(`UPDATE provider_pauses SET next_try = now() - interval '1 second'`, nil)
		before := runs()
		b.look()
		b.look()
		if n := runs() - before; n != 1 {
			t.Fatalf("%d connections try whether the bank works, want 1", n)
		}
		for _, c := range append(all, b) {
			if c.get().Status == connections.Syncing {
				return c
			}
		}
		t.Fatal("nobody tries")
		return nil
	}
	first := try()
	first.work()
	b.wants([]*bundle{first}, connections.Paused, connections.CauseIncident)
	b.recovers()
	second := try()
	if second.id == first.id {
		t.Error("the same connection tries again")
	}
	second.work()
	b.wants([]*bundle{second}, connections.Healthy, "")
	b.exec(`UPDATE connections SET next_sync_at = now() - interval '1 second' WHERE next_sync_at < now() + interval '31 minutes'`, nil)
	b.look()
	for _, c := range all {
		if c.id != second.id {
			c.work()
		}
	}
	b.wants(all, connections.Healthy, "")
	if n := b.mails(email.WorksAgain, false); n != 0 {
		t.Errorf("%d people hear that what they never heard of is over", n)
	}
}

// Break OA-11: services/connections/breaker.go: in WatchBanks, leave out the WHERE about last_success_at
func TestWatch_OA11_WhoeverIsRefusedWhileOthersWork(t *testing.T) {
	b := newBundle(t)
	b.work()
	all := b.customers(9)
	b.refuses(http.StatusBadRequest, "invalid_grant")
	for _, c := range all[:3] {
		c.again()
	}
	b.recovers()
	for _, c := range all[3:] {
		c.again()
	}
	b.look()
	b.wants(all[:3], connections.NeedsYou, connections.CauseConsentEnded)
	b.wants(all[3:], connections.Healthy, "")
}

// Whoever is alone at a bank hears of it at once.
//
// Break OA-11: services/connections/status.go: in Report, hold every refusal's mail back
func TestReport_OA11_AloneAtABank(t *testing.T) {
	b := newBundle(t)
	b.work()
	b.refuses(http.StatusBadRequest, "invalid_grant")
	b.again()
	b.wants([]*bundle{b}, connections.NeedsYou, connections.CauseConsentEnded)
	if n := b.mails(email.NeedsYou, false); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// After a day of it the bank's word counts: it may have ended every permission on purpose.
//
// Break F18: services/connections/breaker.go: const doubted = "240 hours"
func TestWatch_F18_BelievedAfterADay(t *testing.T) {
	b := newBundle(t)
	b.work()
	all := b.customers(3)
	b.refuses(http.StatusBadRequest, "invalid_grant")
	for _, c := range all {
		c.again()
	}
	b.look()
	b.wants(all, connections.Paused, connections.CauseIncident)
	b.exec(`UPDATE provider_pauses SET since = since - interval '25 hours', next_try = now() + interval '1 hour'`, nil)
	b.exec(`UPDATE connections SET next_sync_at = now() - interval '1 second', refused_at = refused_at - interval '25 hours'`, nil)
	b.look()
	for _, c := range all {
		c.work()
	}
	b.look()
	b.wants(all, connections.NeedsYou, connections.CauseConsentEnded)
}

// A bank that refuses our client concerns nobody but the administrator: every connection waits, none is marked.
//
// Break OA-11: services/connections/breaker.go: in WatchBanks, leave out the ELSE of the CASE
func TestWatch_OA11_OurClientIsRefused(t *testing.T) {
	b := newBundle(t)
	b.work()
	admin := b.person()
	b.exec(`UPDATE users SET role = 'admin' WHERE id = @id`, pgx.NamedArgs{"id": admin.UserID})
	all := b.customers(3)
	b.refuses(http.StatusUnauthorized, "invalid_client")
	posts := len(b.bank.Posts())
	all[0].again()
	b.look()
	b.wants(append(all, b), connections.Paused, connections.CauseProvider)
	b.exec(`UPDATE connections SET next_sync_at = now() - interval '1 second'`, nil)
	b.look()
	if n := len(b.bank.Posts()) - posts; n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	if n := b.mails(email.BankPaused, false); n != 1 || b.mails(email.NeedsYou, false)+b.mails(email.NeedsYou, true) != 0 {
		t.Errorf("%d mails to the administrator, or some to people", n)
	}
	pauses, err := b.connections.Pauses(t.Context())
	if err != nil || len(pauses) != 1 || pauses[0].Provider != slug || pauses[0].Connections != 4 || time.Until(pauses[0].NextTry) > 16*time.Minute {
		t.Errorf("%+v, %v", pauses, err)
	}
	b.recovers()
	if err := pgx.BeginFunc(t.Context(), b.db, func(tx pgx.Tx) error { return connections.Changed(t.Context(), tx, admin, slug) }); err != nil {
		t.Fatal(err)
	}
	b.exec(`UPDATE connections SET next_sync_at = now() - interval '1 second' WHERE next_sync_at < now() + interval '31 minutes'`, nil)
	b.look()
	for _, c := range append(all, b) {
		c.work()
	}
	b.wants(append(all, b), connections.Healthy, "")
}
