package tokens_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/encryption"
	"dashtam/services/tokens"
)

// secret stores a bank's client secret and gives its id.
func (b *bundle) secret(provider, plain string) (id uuid.UUID) {
	b.Helper()
	err := pgx.BeginFunc(b.Context(), b.db, func(tx pgx.Tx) (err error) {
		id, err = b.vault.StoreSecret(b.Context(), tx, provider, encryption.Secret(plain))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

func (b *bundle) opensSecret(id uuid.UUID, provider, want string) {
	b.Helper()
	if got, err := b.vault.Secret(b.Context(), id, provider); err != nil || got.Reveal() != want {
		b.Errorf("Secret = %q, %v; want %q", got.Reveal(), err, want)
	}
}

// A client secret opens as itself, in its own row and for its own bank, and nowhere else.
// Break VT-1: services/tokens/secrets.go: in both AADs of clientSecret, leave out Row
// Break VT-7: services/tokens/secrets.go: in StoreSecret, set sealed to []byte(secret.Reveal()) before it is stored
func TestSecret_VT1_VT7_OnlyInItsOwnPlace(t *testing.T) {
	b := newBundle(t)
	mine, theirs, old := b.secret("alder", "canary-mine"), b.secret("alder", "canary-theirs"), b.secret("birch", "canary-old")
	b.opensSecret(mine, "alder", "canary-mine")
	if n := b.count(`SELECT count(*) FROM provider_secrets s WHERE s::text LIKE '%' || encode('canary', 'hex') || '%' OR s::text LIKE '%canary%'`, nil); n != 0 {
		t.Errorf("%d secrets lie in the clear", n)
	}
	refused := func(what string, id uuid.UUID, provider string) {
		t.Helper()
		if got, err := b.vault.Secret(t.Context(), id, provider); !errors.Is(err, tokens.ErrTampered) || got != "" || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %q, %v; want ErrTampered", what, got.Reveal(), err)
		}
	}
	refused("of another bank", mine, "birch")
	b.exec(`UPDATE provider_secrets SET wrapped = o.wrapped, secret = o.secret FROM provider_secrets o WHERE provider_secrets.id = @mine AND o.id = @theirs`,
		pgx.NamedArgs{"mine": mine, "theirs": theirs})
	refused("another row put over it", mine, "alder")
	b.exec(`UPDATE provider_secrets SET secret = set_byte(secret, 20, get_byte(secret, 20) # 1) WHERE id = @id`, pgx.NamedArgs{"id": old})
	refused("a changed bit", old, "birch")
	if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'tokens.tampered'`, nil); n != 3 {
		t.Errorf("%d audit rows, want 3", n)
	}
	if err := pgx.BeginFunc(t.Context(), b.db, func(tx pgx.Tx) error { return b.vault.DestroySecret(t.Context(), tx, theirs) }); err != nil {
		t.Fatal(err)
	}
	if _, err := b.vault.Secret(t.Context(), theirs, "alder"); !errors.Is(err, tokens.ErrNone) {
		t.Errorf("after its end: %v, want ErrNone", err)
	}
}

// A rotation takes client secrets along, the count of what a key opens includes them, and without their key nothing starts.
// Break VT-4: services/tokens/rotate.go: in Rotate, leave out rewrapSecrets
// Break VT-5: services/tokens/keys.go: in tryKeys, leave out the UNION
func TestRotate_VT4_VT5_ClientSecrets(t *testing.T) {
	b, file := newBundle(t), &keyFile{}
	file.add(t, "k1")
	b.exec(`DELETE FROM key_checks`, nil)
	b.vault = file.node(b)
	if err := b.vault.CheckKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, broken := b.secret("alder", "canary"), b.secret("birch", "canary")
	uses := func(want string) {
		t.Helper()
		var got []string
		all, err := b.vault.KeyUses(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range all {
			got = append(got, u.ID+": "+u.Opens())
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s, want %s", strings.Join(got, "; "), want)
		}
	}
	uses("k1: the tokens of 0 connections and the client secrets of 2 banks")
	b.exec(`UPDATE provider_secrets SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) WHERE id = @id`, pgx.NamedArgs{"id": broken})
	file.add(t, "k2")
	if err := file.node(b).CheckKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	newest, _, _ := strings.Cut(file.text, "\n")
	if err := (&keyFile{text: newest}).node(b).TryKeys(t.Context()); !errors.Is(err, tokens.ErrMissingKey) {
		t.Errorf("without the key of the secrets: %v", err)
	}
	if err := file.node(b).Rotate(t.Context(), operator, quietly); !errors.Is(err, tokens.ErrUnopened) {
		t.Errorf("with one that does not open: %v", err)
	}
	uses("k1: the tokens of 0 connections and the client secrets of 1 banks; k2: the tokens of 0 connections and the client secrets of 1 banks")
	b.opensSecret(id, "alder", "canary")
	b.exec(`DELETE FROM provider_secrets WHERE id = @id`, pgx.NamedArgs{"id": broken})
	if err := file.node(b).Rotate(t.Context(), operator, quietly); err != nil {
		t.Error(err)
	}
	b.opensSecret(id, "alder", "canary")
}
