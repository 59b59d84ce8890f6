package connections_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/errs"
	"dashtam/services/ledger"
	"dashtam/services/money"
	"dashtam/services/providers/banktest"
)

type banktestBank = banktest.Bank

func TestRename(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	if err := b.service.Rename(t.Context(), b.who, id, "  Everyday  "); err != nil {
		t.Fatal(err)
	}
	if d := b.get(b.who, id); d.Name != "Everyday" {
		t.Errorf("name %q", d.Name)
	}
	for _, name := range []string{"", "   ", strings.Repeat("é", 101), "a\x00b", "a\nb", "\xff"} {
		if err := b.service.Rename(t.Context(), b.who, id, name); errs.KindOf(err) != errs.Invalid || errs.FieldsOf(err)["name"] == "" {
			t.Errorf("%q: %v, want Invalid with a field", name, err)
		}
	}
	if err := b.service.Rename(t.Context(), b.person(), id, "Mine"); !errors.Is(err, connections.ErrNotFound) {
		t.Errorf("somebody else's: %v, want ErrNotFound", err)
	}
}

// Break AZ-2: list.go: WHERE true in selectConnection
func TestList_AZ2_OnlyOnesOwn(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	stranger := b.person()
	if list, err := b.service.List(t.Context(), stranger); err != nil || len(list) != 0 {
		t.Errorf("a stranger sees %v, %v", list, err)
	}
	if _, err := b.service.Get(t.Context(), stranger, id); !errors.Is(err, connections.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
	b.exec(`UPDATE sync_runs SET state = 'done'`, nil)
	b.exec(`INSERT INTO sync_runs (user_id, connection_id, id, cause, state, queued_at) VALUES (@user, @id, gen_random_uuid(), 'schedule', 'failed', now() - interval '2 days')`,
		pgx.NamedArgs{"user": b.who.UserID, "id": id})
	list, err := b.service.List(t.Context(), b.who)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	if d := list[0].Days; d[13] != connections.Fetched || d[12] != connections.NotTried || d[11] != connections.DayFailed {
		t.Errorf("the last 14 days: %v", d)
	}
}

// account gives the connection an account.
func (b *bundle) account(who actor.Actor, id uuid.UUID) {
	b.Helper()
	if _, err := ledger.Apply(b.Context(), b.db, who, ledger.Batch{ConnectionID: id, Accounts: []ledger.BankAccount{{
		ExternalID: "chk", Kind: ledger.Checking, Name: "Checking", Balance: money.Amount{Minor: 1, Currency: "USD"}, BalanceAsOf: time.Now(),
	}}}); err != nil {
		b.Fatal(err)
	}
}

// Break OA-17: services/connections/change.go: in disconnect, leave out Tokens.Destroy
func TestDisconnect_OA17(t *testing.T) {
	for name, keep := range map[string]bool{"keep": true, "delete": false} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			id := b.connect(b.who)
			b.account(b.who, id)
			other := b.person()
			otherID := b.connect(other)
			b.account(other, otherID)
			if err := b.service.Disconnect(t.Context(), other, id, keep); !errors.Is(err, connections.ErrNotFound) {
				t.Fatalf("somebody else's: %v, want ErrNotFound", err)
			}
			if err := b.service.Disconnect(t.Context(), b.who, id, keep); err != nil {
				t.Fatal(err)
			}
			if n := b.count(`SELECT (SELECT count(*) FROM data_keys WHERE connection_id = $1) + (SELECT count(*) FROM connection_tokens WHERE connection_id = $1)`, id); n != 0 {
				t.Error("tokens are left")
			}
			if err := b.tell(1); err != nil {
				t.Fatal(err)
			}
			if got := b.bank.Revoked(); len(got) != 2 || !strings.HasPrefix(got[0], "refresh-canary") {
				t.Errorf("the bank was told of %v", got)
			}
			d, err := b.service.Get(t.Context(), b.who, id)
			switch accounts := b.count(`SELECT count(*) FROM accounts WHERE connection_id = $1`, id); {
			case keep && (err != nil || d.Status != connections.Disconnected || d.DisconnectedAt == nil || d.NextSyncAt != nil || accounts != 1):
				t.Errorf("kept: %+v, %v, %d accounts", d, err, accounts)
			case !keep && (!errors.Is(err, connections.ErrNotFound) || accounts != 0):
				t.Errorf("deleted: %v, %d accounts", err, accounts)
			}
			if b.count(`SELECT count(*) FROM accounts WHERE connection_id = $1`, otherID) != 1 || b.get(other, otherID).Status != connections.Syncing {
				t.Error("somebody else's connection was touched")
			}
			if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'connection.disconnected' AND target = $1::text`, id.String()); n != 1 {
				t.Errorf("%d audit rows", n)
			}
		})
	}
}

func TestConnectAgain_AfterDisconnect(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	b.account(b.who, id)
	if err := b.service.Disconnect(t.Context(), b.who, id, true); err != nil {
		t.Fatal(err)
	}
	got, err := b.service.Callback(t.Context(), b.who, slug, answer(b.ask(b.who, id)))
	if err != nil || got != id {
		t.Fatalf("%s, %v", got, err)
	}
	if d := b.get(b.who, id); d.Status != connections.Syncing || d.DisconnectedAt != nil || d.Accounts != 1 {
		t.Errorf("%+v", d)
	}
}

// Break RL-1: services/connections/start.go: leave Limits.Allow out
func TestStart_RL1_Limited(t *testing.T) {
	b := newBundle(t)
	for range 60 {
		if err := b.service.Start(t.Context(), b.who, slug, uuid.Nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.service.Start(t.Context(), b.who, slug, uuid.Nil); errs.KindOf(err) != errs.RateLimited || errs.RetryAfter(err) == 0 {
		t.Errorf("the 61st in an hour: %v, want RateLimited", err)
	}
	if err := b.service.Start(t.Context(), b.person(), slug, uuid.Nil); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}
