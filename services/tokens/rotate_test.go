package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/encryption"
	"dashtam/services/errs"
	"dashtam/services/tokens"
)

// keyFile is where two nodes and the operator have their keys.
type keyFile struct {
	mu   sync.Mutex
	text string
}

func (f *keyFile) read(t *testing.T) *encryption.Keyring {
	f.mu.Lock()
	defer f.mu.Unlock()
	ring, err := encryption.ParseKeyring(f.text)
	if err != nil {
		t.Error(err)
	}
	return ring
}

func (f *keyFile) add(t *testing.T, id string) {
	t.Helper()
	k, err := encryption.GenerateKey(id)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = k.Line().Reveal() + "\n" + f.text
}

// node is a program that runs on b's database with the key file as it stands now, and looks into it again when it has to.
func (f *keyFile) node(b *bundle) *tokens.Service {
	b.Helper()
	ring := f.read(b.T)
	return tokens.New(tokens.Config{DB: b.db, Keys: ring, Wait: 10 * time.Millisecond, Reload: func() error {
		ring.Replace(f.read(b.T))
		return nil
	}})
}

func quietly(int, int) {}

var operator = actor.ForSystem("keys rotate")

// Two nodes go on reading and storing while the operator rotates, stops on the way and begins again.
// Break VT-4: services/tokens/rotate.go: in key, leave out the condition and return k, ok at once
// Break VT-4: services/tokens/rotate.go: in writable, SELECT key_id FROM key_checks with no WHERE
func TestRotate_VT4_F22_F29_UnderLoadOnTwoNodes(t *testing.T) {
	b, file := newBundle(t), &keyFile{}
	file.add(t, "k1")
	b.exec(`DELETE FROM key_checks`, nil)
	nodes := []*tokens.Service{file.node(b), file.node(b)}
	if err := nodes[0].CheckKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.vault = nodes[0]
	type held struct {
		who actor.Actor
		id  uuid.UUID
	}
	var all []held
	for i := range 500 {
		who, id := b.connection()
		b.store(who, id, tokens.Tokens{Access: encryption.Secret(fmt.Sprint("access", i)), Refresh: "r", ExpiresIn: time.Hour})
		all = append(all, held{who, id})
	}

	load, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	var reads, stores atomic.Int64
	for n, node := range nodes {
		busy.Go(func() {
			for i := n; load.Err() == nil; i = (i + 7) % len(all) {
				a, err := access(t.Context(), node, all[i].who, all[i].id, never)
				if err != nil || a.Token == "" {
					t.Errorf("node %d: %v", n, err)
					return
				}
				reads.Add(1)
			}
		})
		busy.Go(func() {
			for i := n; load.Err() == nil; i = (i + 11) % len(all) {
				err := pgx.BeginFunc(t.Context(), b.db, func(tx pgx.Tx) error {
					_, err := node.StoreTokens(t.Context(), tx, all[i].who, all[i].id, "alder", tokens.Tokens{Access: "again", Refresh: "r", ExpiresIn: time.Hour})
					return err
				})
				if err != nil && errs.KindOf(err) != errs.Unavailable {
					t.Errorf("node %d stores: %v", n, err)
					return
				}
				stores.Add(1)
			}
		})
	}
	file.add(t, "k2")
	killed, kill := context.WithCancel(t.Context())
	err := file.node(b).Rotate(killed, operator, func(int, int) { kill() })
	if err == nil {
		t.Error("it did not stop on the way")
	}
	if err := file.node(b).Rotate(t.Context(), operator, quietly); err != nil {
		t.Fatal(err)
	}
	for before := stores.Load(); stores.Load() < before+20 && !t.Failed(); time.Sleep(time.Millisecond) { // whoever began before has ended
	}
	stop()
	busy.Wait()
	t.Logf("%d reads and %d stores meanwhile", reads.Load(), stores.Load())
	if n := b.count(`SELECT count(*) FROM data_keys WHERE key_id <> 'k2'`, nil); n != 0 {
		t.Errorf("%d data keys are under a retired key", n)
	}
	for i := range 10 {
		if _, err := access(t.Context(), file.node(b), all[i].who, all[i].id, never); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}

// A copy of the database from before opens as long as the old key exists, and never again once it is destroyed.
// Break VT-3: services/tokens/rotate.go: in the UPDATE of rewrap, leave out wrapped = @wrapped
func TestRotate_VT3_DestroyedKeysOpenNoOldCopy(t *testing.T) {
	b, file := newBundle(t), &keyFile{}
	file.add(t, "k1")
	b.exec(`DELETE FROM key_checks`, nil)
	b.vault = file.node(b)
	if err := b.vault.CheckKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	who, id := b.stored("mine", "my-refresh", time.Hour)
	var old []byte
	if err := b.db.QueryRow(t.Context(), `SELECT wrapped FROM data_keys`).Scan(&old); err != nil {
		t.Fatal(err)
	}
	file.add(t, "k2")
	b.vault = file.node(b)
	if err := b.vault.Rotate(t.Context(), operator, quietly); err != nil {
		t.Fatal(err)
	}
	b.opens(who, id, "mine")

	b.exec(`UPDATE data_keys SET wrapped = @old, key_id = 'k1'`, pgx.NamedArgs{"old": old})
	b.opens(who, id, "mine") // as the README says

	file.text = file.text[:len(file.text)/2] // of two lines of the same length the first: k2
	b.vault = file.node(b)
	if _, err := access(t.Context(), b.vault, who, id, never); !errors.Is(err, tokens.ErrTampered) {
		t.Errorf("an old copy opens: %v", err)
	}
	if err := b.vault.CheckKeys(t.Context()); !errors.Is(err, tokens.ErrMissingKey) {
		t.Errorf("a start with an old copy: %v", err)
	}
}

// What does not open is said and left where it is.
func TestRotate_LeavesWhatDoesNotOpen(t *testing.T) {
	b, file := newBundle(t), &keyFile{}
	file.add(t, "k1")
	b.exec(`DELETE FROM key_checks`, nil)
	b.vault = file.node(b)
	if err := b.vault.CheckKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.stored("broken", "r", time.Hour)
	b.exec(`UPDATE data_keys SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)`, nil)
	who, id := b.stored("whole", "r", time.Hour)
	file.add(t, "k2")
	b.vault = file.node(b)
	if err := b.vault.Rotate(t.Context(), operator, quietly); !errors.Is(err, tokens.ErrUnopened) {
		t.Errorf("Rotate = %v", err)
	}
	b.opens(who, id, "whole")
	if n := b.count(`SELECT count(*) FROM data_keys WHERE key_id = 'k1'`, nil); n != 1 {
		t.Errorf("%d are left, want the broken one", n)
	}
	if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'tokens.tampered'`, nil); n != 1 {
		t.Errorf("%d audit rows", n)
	}
}
