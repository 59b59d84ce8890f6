package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/audit"
	"dashtam/services/encryption"
	"dashtam/services/tokens"
)

func TestSeed_Tokens_StoreTokens(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("access-canary", "refresh-canary", time.Hour)
	b.opens(who, id, "access-canary")
	if n := b.count(`SELECT count(*) FROM access_ledger WHERE connection_id = @id AND act IN ('store', 'use')`, pgx.NamedArgs{"id": id}); n != 2 {
		t.Errorf("%d lines in the access ledger, want 2: store and use", n)
	}
	b.store(who, id, tokens.Tokens{Access: "second"})
	b.opens(who, id, "second")

	stranger, _ := b.connection()
	if _, err := access(t.Context(), b.vault, stranger, id, never); !errors.Is(err, tokens.ErrNone) {
		t.Errorf("somebody else's connection: %v, want ErrNone", err)
	}
}

// Each request that carries a token is a line: who, which call, how much came back and how it ended; whoever died on the
// way stands as failed.
//
// Break VT-1: services/tokens/vault.go: in Use, note the line with audit.Done
func TestUse_VT1_OneLineARequest(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("access-canary", "refresh-canary", time.Hour)
	refused := errors.New("refused")
	for call, carry := range map[string]tokens.Carry{
		"accounts": func(context.Context, encryption.Secret) (int64, error) {
			uses, err := b.vault.History(t.Context(), who, id)
			if err != nil || uses[0].Call != "accounts" || uses[0].Result != audit.Failed || uses[0].Ended {
				t.Errorf("while the bank thinks: %+v, %v", uses[0], err)
			}
			return 1234, nil
		},
		"transactions": func(context.Context, encryption.Secret) (int64, error) { return 17, refused },
	} {
		if _, err := b.vault.Use(t.Context(), who, id, call, never, carry); err != nil && !errors.Is(err, refused) {
			t.Fatal(err)
		}
	}
	uses, more, err := b.vault.Ledger(t.Context(), who, 0, 2)
	if err != nil || len(uses) != 2 || !more {
		t.Fatalf("%d lines, %v", len(uses), err)
	}
	for _, u := range uses {
		want := tokens.Use{ID: u.ID, ConnectionID: id, At: u.At, ActorKind: "user", Act: "use", Reason: "sync", Call: "accounts", Bytes: 1234, Result: audit.Done, Ended: true}
		if u.Call == "transactions" {
			want.Call, want.Bytes, want.Result = "transactions", 17, audit.Failed
		}
		if u != want {
			t.Errorf("%+v, want %+v", u, want)
		}
	}
	if older, more, err := b.vault.Ledger(t.Context(), who, uses[1].ID, 2); err != nil || more || len(older) != 1 || older[0].Act != "store" {
		t.Errorf("%+v, %v", older, err)
	}
	stranger, _ := b.connection()
	if theirs, _, err := b.vault.Ledger(t.Context(), stranger, 0, 10); err != nil || len(theirs) != 0 {
		t.Errorf("somebody else reads %+v, %v", theirs, err)
	}
}

// Break VT-7: services/tokens/envelope.go: in seal, set s.access to []byte(t.Access.Reveal())
func TestStore_VT7_NothingInTheClear(t *testing.T) {
	b := newBundle(t)
	_, id := b.stored("access-canary", "refresh-canary", time.Hour)
	var dump string
	if err := b.db.QueryRow(t.Context(), `
		SELECT concat(encode(t.access_token, 'escape'), encode(t.refresh_token, 'escape'), encode(k.wrapped, 'escape'))
		FROM connection_tokens t JOIN data_keys k USING (user_id, connection_id) WHERE connection_id = @id`,
		pgx.NamedArgs{"id": id}).Scan(&dump); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(dump, "canary") {
		t.Error("a token lies in the database in the clear")
	}
}

// Row and User stand in two envelopes, so that one of them alone can be left out; Column and Generation in one.
//
// Break VT-1: services/tokens/envelope.go: in tokenAAD, leave out Column
func TestOpen_VT1_F24_TamperedRows(t *testing.T) {
	whole := newBundle(t)
	const columns = `access_token = %[1]s.access_token, refresh_token = %[1]s.refresh_token, generation = %[1]s.generation`
	for name, tamper := range map[string]string{
		"another row's tokens": `UPDATE connection_tokens t SET ` + fmt.Sprintf(columns, "o") + ` FROM connection_tokens o
			WHERE t.connection_id = @id AND o.connection_id = @other`,
		"another row's tokens and key": `WITH k AS (UPDATE data_keys t SET wrapped = o.wrapped FROM data_keys o WHERE t.connection_id = @id AND o.connection_id = @other)
			UPDATE connection_tokens t SET ` + fmt.Sprintf(columns, "o") + ` FROM connection_tokens o WHERE t.connection_id = @id AND o.connection_id = @other`,
		"columns swapped":       `UPDATE connection_tokens SET access_token = refresh_token, refresh_token = access_token WHERE connection_id = @id`,
		"another provider":      `UPDATE connection_tokens SET provider = 'evil' WHERE connection_id = @id`,
		"another generation":    `UPDATE connection_tokens SET generation = generation + 1 WHERE connection_id = @id`,
		"its generation agreed": `WITH l AS (UPDATE access_ledger SET generation = 9 WHERE connection_id = @id) UPDATE connection_tokens SET generation = 9 WHERE connection_id = @id`,
		"an older generation":   `UPDATE connection_tokens t SET ` + fmt.Sprintf(columns, "o") + ` FROM old o WHERE t.connection_id = @id AND o.connection_id = t.connection_id`,
	} {
		t.Run(name, func(t *testing.T) {
			b := &bundle{T: t, db: whole.db, keys: whole.keys, vault: whole.vault}
			who, id := b.stored("mine", "my-refresh", time.Hour)
			other, otherID := b.stored("theirs", "their-refresh", time.Hour)
			b.exec(`DROP TABLE IF EXISTS old`, nil)
			b.exec(`CREATE TABLE old AS SELECT * FROM connection_tokens`, nil)
			if _, err := b.vault.RefreshToken(t.Context(), who, id, 1, answers("newer", "newer-refresh")); err != nil {
				t.Fatal(err)
			}
			if n := b.exec(tamper, pgx.NamedArgs{"id": id, "other": otherID}); n != 1 {
				t.Fatalf("tampered with %d rows", n)
			}
			a, err := access(t.Context(), b.vault, who, id, never)
			if !errors.Is(err, tokens.ErrTampered) || a.Token != "" {
				t.Fatalf("AccessToken = %q, %v; want ErrTampered", a.Token.Reveal(), err)
			}
			if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'tokens.tampered' AND target = @id`, pgx.NamedArgs{"id": id.String()}); n != 1 {
				t.Errorf("%d audit rows, want 1", n)
			}
			b.opens(other, otherID, "theirs") // nobody else is affected
		})
	}
}

// Break VT-2: services/encryption/envelope.go: in open, return nil for the error
func TestOpen_VT2_EveryByte(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("mine", "my-refresh", time.Hour)
	for _, column := range []string{"connection_tokens.access_token", "connection_tokens.refresh_token", "data_keys.wrapped"} {
		table, name, _ := strings.Cut(column, ".")
		length := b.count(`SELECT length(`+name+`) FROM `+table+` WHERE connection_id = @id`, pgx.NamedArgs{"id": id})
		for i := range length {
			flip := fmt.Sprintf(`UPDATE %s SET %s = set_byte(%[2]s, %d, get_byte(%[2]s, %[3]d) # 1) WHERE connection_id = @id`, table, name, i)
			b.exec(flip, pgx.NamedArgs{"id": id})
			if _, err := access(t.Context(), b.vault, who, id, never); !errors.Is(err, tokens.ErrTampered) {
				t.Fatalf("%s, byte %d flipped: %v, want ErrTampered", column, i, err)
			}
			b.exec(flip, pgx.NamedArgs{"id": id})
		}
		for _, cut := range []string{"''", "substring(" + name + " FROM 1 FOR 20)"} {
			b.exec(`CREATE TABLE whole AS SELECT * FROM `+table, nil)
			b.exec(`UPDATE `+table+` SET `+name+` = `+cut+` WHERE connection_id = @id`, pgx.NamedArgs{"id": id})
			if _, err := access(t.Context(), b.vault, who, id, never); !errors.Is(err, tokens.ErrTampered) {
				t.Fatalf("%s cut to %s: %v, want ErrTampered", column, cut, err)
			}
			b.exec(`UPDATE `+table+` t SET `+name+` = w.`+name+` FROM whole w WHERE t.connection_id = w.connection_id`, nil)
			b.exec(`DROP TABLE whole`, nil)
		}
	}
	b.opens(who, id, "mine")
}

// Break VT-3: services/tokens/vault.go: in Destroy, leave out the DELETE of data_keys
func TestDestroy_VT3_ErasesTheKey(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("mine", "my-refresh", time.Hour)
	b.exec(`CREATE TABLE stolen AS SELECT * FROM connection_tokens`, nil)
	var revocation uuid.UUID
	if err := pgx.BeginFunc(t.Context(), b.db, func(tx pgx.Tx) (err error) {
		revocation, err = b.vault.Destroy(t.Context(), tx, who, id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if r, err := b.vault.Revocation(t.Context(), who, revocation); err != nil || r.Refresh.Reveal() != "my-refresh" || r.ConnectionID != id || r.Provider == "" {
		t.Errorf("what the bank has to be told of: %+v, %v", r, err)
	}
	if n := b.count(`SELECT (SELECT count(*) FROM data_keys) + (SELECT count(*) FROM connection_tokens)`, nil); n != 0 {
		t.Errorf("%d rows left", n)
	}
	b.exec(`INSERT INTO connection_tokens SELECT * FROM stolen`, nil)
	if _, err := access(t.Context(), b.vault, who, id, never); !errors.Is(err, tokens.ErrNone) {
		t.Errorf("tokens put back without their key: %v, want ErrNone", err)
	}
}

// Break VT-6: services/encryption/secret.go: let Format print string(s)
func TestTokens_VT6_NeverPrinted(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("access-canary", "refresh-canary", time.Hour)
	a, err := access(t.Context(), b.vault, who, id, never)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s", a, a, a, tokens.Tokens{Access: "access-canary", Refresh: encryption.Secret("refresh-canary")})
	if strings.Contains(printed, "canary") || !strings.Contains(printed, "[redacted]") {
		t.Errorf("printed: %s", printed)
	}
}
