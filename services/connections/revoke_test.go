package connections_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/encryption"
	"dashtam/services/jobs"
)

// tell is one try of the newest job that tells the bank.
func (b *bundle) tell(attempt int) error {
	b.Helper()
	var raw []byte
	var args jobs.Revoke
	if err := b.db.QueryRow(b.Context(), `SELECT args FROM river_job WHERE kind = 'revoke' ORDER BY id DESC LIMIT 1`).Scan(&raw); err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(raw, &args); err != nil {
		b.Fatal(err)
	}
	return b.service.WorkRevoke(b.Context(), args, attempt)
}

// The person's access is gone at once; the bank is told as soon as it listens, and what that takes lies sealed until then
// and no longer, nowhere in the clear.
// Break OA-17: services/connections/revoke.go: in told, leave EndRevocation out
// Break OA-17: services/connections/change.go: in disconnect, leave Jobs.Enqueue out
func TestDisconnect_OA17_TriesUntilTheBankListens(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	b.bank.Do(func(bank *banktestBank) { bank.Refuses = 5 })
	if err := b.service.Disconnect(t.Context(), b.who, id, true); err != nil {
		t.Fatal(err)
	}
	if n := b.count(`SELECT (SELECT count(*) FROM data_keys) + (SELECT count(*) FROM connection_tokens)`); n != 0 {
		t.Fatalf("%d rows of tokens are left", n)
	}
	tries := 0
	for err := b.tell(1); err != nil; err = b.tell(tries + 1) {
		tries++
		if d := b.get(b.who, id); d.Status != connections.Disconnected || d.BankTold != connections.TellWaits {
			t.Errorf("while the bank does not listen: %s, %q", d.Status, d.BankTold)
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("a token stands in the job's error: %v", err)
		}
		if n := b.count(`SELECT (SELECT count(*) FROM river_job r WHERE r::text LIKE '%canary%')
			+ (SELECT count(*) FROM revocations r WHERE concat(encode(access_token, 'escape'), encode(refresh_token, 'escape')) LIKE '%canary%')`); n != 0 {
			t.Error("a token lies in the clear")
		}
		if tries > 10 {
			t.Fatal("it never ends")
		}
	}
	told := b.bank.Revoked()
	if tries < 2 || len(told) < 2 || !strings.HasPrefix(told[len(told)-2], "refresh-canary") || !strings.HasPrefix(told[len(told)-1], "access-canary") {
		t.Errorf("%d tries, the bank was told of %v", tries, told)
	}
	if d := b.get(b.who, id); d.BankTold != connections.Told || b.count(`SELECT count(*) FROM revocations`) != 0 {
		t.Errorf("afterwards: %q, or something is kept", d.BankTold)
	}
	if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'connection.revoked' AND result = 'done'`); n != 1 {
		t.Errorf("%d audit rows", n)
	}
	if err := b.tell(1); err != nil || len(b.bank.Revoked()) != len(told) {
		t.Errorf("the job once more: %v", err)
	}
}

// A bank that never listens: with the last try what was kept is destroyed, the job stays among the failed ones, and the
// person reads that the bank does not know. A job that dies with its last try does not keep it either.
// Break OA-17: services/connections/revoke.go: in Work, leave "case last" out
// Break OA-17: services/connections/revoke.go: in GiveUp, return nil at once
func TestDisconnect_OA17_NobodyListens(t *testing.T) {
	whole := newBundle(t)
	for name, end := range map[string]func(b *bundle){
		"the last try fails": func(b *bundle) {
			if b.tell(14) == nil {
				b.Error("the job is not among the failed ones")
			}
			if b.tell(15) == nil {
				b.Error("tried once more it counts as done")
			}
		},
		"the last try dies": func(b *bundle) {
			b.exec(`UPDATE revocations SET created_at = now() - interval '4 days'`, nil)
			if err := pgx.BeginFunc(b.Context(), b.db, func(tx pgx.Tx) error { return b.service.GiveUp(b.Context(), tx) }); err != nil {
				b.Fatal(err)
			}
		},
		"it was tampered with": func(b *bundle) {
			b.exec(`UPDATE revocations SET access_token = set_byte(access_token, 20, get_byte(access_token, 20) # 1)`, nil)
			if b.tell(1) == nil {
				b.Error("the job is not among the failed ones")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := whole.next(t)
			id := b.connect(b.who)
			b.bank.Do(func(bank *banktestBank) { bank.Refuses = 1000 })
			if err := b.service.Disconnect(t.Context(), b.who, id, true); err != nil {
				t.Fatal(err)
			}
			end(b)
			if d := b.get(b.who, id); d.Status != connections.Disconnected || d.BankTold != connections.NotTold || b.count(`SELECT count(*) FROM revocations`) != 0 {
				t.Errorf("%s, %q, or something is kept", d.Status, d.BankTold)
			}
			if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'connection.revoked' AND result = 'failed' AND user_id = $1`, b.who.UserID); n != 1 {
				t.Errorf("%d audit rows", n)
			}
		})
	}
}

// A bank that takes no such request is not said to know, and not asked again.
// Break OA-17: services/connections/revoke.go: in Work, leave the case of ErrNoRevocation out
func TestDisconnect_OA17_ABankThatCannotBeTold(t *testing.T) {
	b := newBundle(t)
	b.bank.Do(func(bank *banktestBank) { bank.Metadata = map[string]any{"revocation_endpoint": ""} })
	id := b.connect(b.who)
	if err := b.service.Disconnect(t.Context(), b.who, id, true); err != nil {
		t.Fatal(err)
	}
	if err := b.tell(1); err != nil {
		t.Errorf("no try can help, and there will be one: %v", err)
	}
	if d := b.get(b.who, id); d.BankTold != connections.NotTold || b.count(`SELECT count(*) FROM revocations`) != 0 {
		t.Errorf("%q, or something is kept", d.BankTold)
	}
}

// Whoever ends the connections of a person who leaves stands in the audit log, beside whose they were; the banks are told
// when the person is gone already.
// Break AU-1: services/connections/change.go: in EndAll, disconnect with the owner in place of who
func TestEndAll_AU1_WhoAndWhose(t *testing.T) {
	b := newBundle(t)
	b.connect(b.who)
	boss := actor.Actor{Kind: actor.Admin, UserID: uuid.New(), RequestID: "test"}
	if err := b.service.EndAll(t.Context(), boss, b.who.UserID); err != nil {
		t.Fatal(err)
	}
	if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'connection.disconnected' AND actor_kind = 'admin' AND actor_id = $1 AND user_id = $2`, boss.UserID, b.who.UserID); n != 1 {
		t.Errorf("%d lines", n)
	}
	if n := b.count(`SELECT count(*) FROM connections WHERE user_id = $1`, b.who.UserID); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	b.exec(`DELETE FROM users WHERE id = @user`, pgx.NamedArgs{"user": b.who.UserID})
	if err := b.tell(1); err != nil || len(b.bank.Revoked()) != 2 || b.count(`SELECT count(*) FROM revocations`) != 0 {
		t.Errorf("%v, the bank was told of %v", err, b.bank.Revoked())
	}
}

// A permission that is being renewed goes on as it is until the new one is stored, and when the person says no at the bank.
func TestRenew_TheOldPermissionGoesOn(t *testing.T) {
	b := newBundle(t)
	id := b.connect(b.who)
	b.exec(`UPDATE connections SET status = 'renew', cause = 'consent_ends'`, nil)
	works := func(when string, status connections.Status, generation int64) {
		t.Helper()
		used, err := b.vault.Use(t.Context(), b.who, id, "accounts", nil, func(context.Context, encryption.Secret) (int64, error) { return 0, nil })
		if d := b.get(b.who, id); err != nil || used != generation || d.Status != status {
			t.Errorf("%s: %s, generation %d, %v", when, d.Status, used, err)
		}
	}
	q := b.ask(b.who, id)
	works("on the way", connections.Renew, 1)
	q.Del("code")
	q.Set("error", "access_denied")
	if _, err := b.service.Callback(t.Context(), b.who, slug, answer(q)); err == nil {
		t.Fatal("no error")
	}
	works("refused", connections.Renew, 1)
	if len(b.bank.Revoked()) != 0 {
		t.Error("the old permission was given back")
	}
	if got, err := b.service.Callback(t.Context(), b.who, slug, answer(b.ask(b.who, id))); err != nil || got != id {
		t.Fatalf("%s, %v", got, err)
	}
	works("renewed", connections.Syncing, 2)
}
