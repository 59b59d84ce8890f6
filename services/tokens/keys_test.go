package tokens_test

import (
	"errors"
	"testing"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/tokens"
)

// Break VT-5: services/tokens/keys.go: in judge, let only an empty text be wrong
func TestCheckKeys_VT5_Refuses(t *testing.T) {
	b := newBundle(t)
	b.stored("mine", "my-refresh", time.Hour)
	both := keyring(t, "k0", "k1") // other bytes under the name k1
	for name, c := range map[string]struct {
		keys *encryption.Keyring
		want error
	}{
		"the name, another key":     {keyring(t, "k1"), tokens.ErrWrongKey},
		"another name, another key": {keyring(t, "k2"), tokens.ErrMissingKey},
		"a new one and a wrong one": {both, tokens.ErrWrongKey},
	} {
		t.Run(name, func(t *testing.T) {
			before := b.checksum()
			if err := b.with(c.keys).CheckKeys(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("CheckKeys = %v, want %v", err, c.want)
			}
			if b.checksum() != before {
				t.Error("the database was written to")
			}
		})
	}
}

// Break VT-5: services/tokens/keys.go: in judge, continue where c.CheckValue is nil
func TestCheckKeys_VT5_ForgottenCheckValue(t *testing.T) {
	b := newBundle(t)
	b.stored("mine", "my-refresh", time.Hour)
	b.exec(`DELETE FROM key_checks`, nil)
	if err := b.with(keyring(t, "k1")).CheckKeys(t.Context()); !errors.Is(err, tokens.ErrWrongKey) {
		t.Errorf("CheckKeys = %v, want ErrWrongKey", err)
	}
}

func TestCheckKeys_NewKeyBesideTheOld(t *testing.T) {
	b := newBundle(t)
	who, id := b.stored("mine", "my-refresh", time.Hour)
	fresh, err := encryption.GenerateKey("k2")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := encryption.ParseKeyring(fresh.Line().Reveal() + "\n" + b.keys.Current().Line().Reveal())
	if err != nil {
		t.Fatal(err)
	}
	b.vault = b.with(keys)
	for range 2 {
		if err := b.vault.CheckKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.count(`SELECT count(*) FROM key_checks`, nil); n != 2 {
		t.Errorf("%d keys noted, want 2", n)
	}
	b.opens(who, id, "mine")
}

// checksum is a digest of the vault's tables.
func (b *bundle) checksum() (sum string) {
	b.Helper()
	if err := b.db.QueryRow(b.Context(), `
		SELECT md5(concat((SELECT string_agg(k::text, ',') FROM key_checks k), (SELECT string_agg(k::text, ',') FROM data_keys k),
			(SELECT string_agg(t::text, ',') FROM connection_tokens t), (SELECT count(*) FROM access_ledger)))`).Scan(&sum); err != nil {
		b.Fatal(err)
	}
	return sum
}
