package audit_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/encryption"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

func ring(t *testing.T, ids ...string) *encryption.Keyring {
	t.Helper()
	var lines []string
	for _, id := range ids {
		key, err := encryption.GenerateKey(id)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, key.Line().Reveal())
	}
	keys, err := encryption.ParseKeyring(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func sealer(t *testing.T, db postgres.DB) *audit.Sealer {
	t.Helper()
	return &audit.Sealer{DB: db, Keys: ring(t, "k1"), Note: filepath.Join(t.TempDir(), "audit-seal"), Log: slog.New(slog.DiscardHandler)}
}

func write(t *testing.T, db postgres.DB, n int) {
	t.Helper()
	for range n {
		if err := audit.Record(t.Context(), db, actor.ForSystem("test"), audit.Event{Act: "login", Detail: map[string]string{"reason": "password"}}); err != nil {
			t.Fatal(err)
		}
	}
}

func seal(t *testing.T, s *audit.Sealer, want int) {
	t.Helper()
	if n, err := s.Seal(t.Context()); err != nil || n != want {
		t.Fatalf("sealed %d, %v; want %d", n, err, want)
	}
}

func verify(t *testing.T, s *audit.Sealer) audit.Report {
	t.Helper()
	r, err := s.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// force does what only the owner of the tables can: without the triggers.
func force(t *testing.T, db postgres.DB, sql string) {
	t.Helper()
	for _, statement := range []string{
		`ALTER TABLE audit_events DISABLE TRIGGER ALL`, `ALTER TABLE audit_seals DISABLE TRIGGER ALL`, sql,
		`ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only`, `ALTER TABLE audit_seals ENABLE ALWAYS TRIGGER audit_seals_append_only`,
	} {
		if _, err := db.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// Whoever takes the triggers away and changes what was sealed is found out, whatever they change and in whichever row.
// Break AU-2: services/audit/verify.go: in compare, put false && before !bytes.Equal
// Break AU-2: services/audit/seal.go: leave e.user_agent out of content
func TestVerify_AU2_ChangedRows(t *testing.T) {
	for _, change := range []string{
		`at = at - interval '1 microsecond'`, `actor_kind = 'admin'`, `actor_id = gen_random_uuid()`, `user_id = gen_random_uuid()`, `act = 'logout'`,
		`target = 'x'`, `result = 'failed'`, `ip = '192.0.2.1'`, `user_agent = 'x'`, `request_id = 'x'`, `detail = '{}'`, `detail = '[1]'`, `at = 'infinity'`,
	} {
		t.Run(change, func(t *testing.T) {
			tx := pgtest.Tx(t)
			s := sealer(t, tx)
			write(t, tx, 5)
			seal(t, s, 5)
			if r := verify(t, s); !r.OK() || r.Sealed != 5 || r.Waiting != 0 || r.Noted != 5 || r.NotedAt.IsZero() {
				t.Fatalf("untouched: %+v", r)
			}
			force(t, tx, `UPDATE audit_events SET `+change+` WHERE id = (SELECT min(id) + 2 FROM audit_events)`)
			if r := verify(t, s); r.OK() || r.Changed.Count != 1 || r.Sealed != 4 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Break AU-2: services/audit/verify.go: leave out the loop that counts lost numbers
// Break AU-2: services/audit/note.go: let lost return nothing for pgx.ErrNoRows
func TestVerify_AU2_RemovedRows(t *testing.T) {
	last := `(SELECT max(id) FROM audit_events)`
	for name, c := range map[string]struct {
		sql   string
		found func(r audit.Report) bool
	}{
		"a row":                       {`DELETE FROM audit_events WHERE id = ` + last + ` - 2`, func(r audit.Report) bool { return r.Missing.Count == 1 }},
		"the last row":                {`DELETE FROM audit_events WHERE id = ` + last, func(r audit.Report) bool { return r.Missing.Count == 1 }},
		"a row and its seal":          {`WITH e AS (DELETE FROM audit_events WHERE id = ` + last + ` - 2) DELETE FROM audit_seals WHERE number = 3`, func(r audit.Report) bool { return r.Lost.Count == 1 && r.Lost.First[0] == 3 }},
		"the tail":                    {`WITH e AS (DELETE FROM audit_events WHERE id > ` + last + ` - 2) DELETE FROM audit_seals WHERE number > 3`, func(r audit.Report) bool { return strings.Contains(r.Cut, "5 rows were sealed") }},
		"everything":                  {`WITH e AS (DELETE FROM audit_events) DELETE FROM audit_seals`, func(r audit.Report) bool { return r.Cut != "" }},
		"everything, by TRUNCATE":     {`TRUNCATE audit_events, audit_seals`, func(r audit.Report) bool { return r.Cut != "" }},
		"only the seals":              {`DELETE FROM audit_seals`, func(r audit.Report) bool { return r.Cut != "" }},
		"a row put in the past":       {`INSERT INTO audit_events (act, actor_kind, at) VALUES ('login', 'user', now() - interval '1 day')`, func(r audit.Report) bool { return r.Unsealed.Count == 1 }},
		"a seal for another":          {`UPDATE audit_seals SET event_id = event_id + 1000 WHERE number = 5`, func(r audit.Report) bool { return r.Missing.Count == 1 }},
		"two rows against each other": {`UPDATE audit_seals SET event_id = -event_id WHERE number < 3; UPDATE audit_seals s SET event_id = -(SELECT o.event_id FROM audit_seals o WHERE o.number = 3 - s.number) WHERE number < 3`, func(r audit.Report) bool { return r.Changed.Count == 2 }},
		"a key that is not here":      {`UPDATE audit_seals SET key_id = 'gone' WHERE number = 2`, func(r audit.Report) bool { return r.Changed.Count == 1 }},
		"no key that is here":         {`UPDATE audit_seals SET key_id = 'gone'`, func(r audit.Report) bool { return r.Unknown["gone"] == 5 }},
	} {
		t.Run(name, func(t *testing.T) {
			tx := pgtest.Tx(t)
			s := sealer(t, tx)
			write(t, tx, 5)
			seal(t, s, 5)
			force(t, tx, c.sql)
			if r := verify(t, s); r.OK() || !c.found(r) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A tail that was cut stays reported when the log has grown over the gap again.
// Break AU-2: services/audit/note.go: in remember, write the note whatever lost says
func TestVerify_AU2_ACutTailThatGrewAgain(t *testing.T) {
	tx := pgtest.Tx(t)
	s := sealer(t, tx)
	write(t, tx, 5)
	seal(t, s, 5)
	force(t, tx, `WITH e AS (DELETE FROM audit_events WHERE id > (SELECT max(id) FROM audit_events) - 2) DELETE FROM audit_seals WHERE number > 3`)
	write(t, tx, 7)
	seal(t, s, 7)
	if r := verify(t, s); r.OK() || !strings.Contains(r.Cut, "knows seal 5 as another") || r.Sealed != 10 {
		t.Errorf("%+v", r)
	}
}

// Seals made under an older key are still checked, and those under another key of the same name do not fit.
// A key that was destroyed leaves the first rows unchecked, and nobody can say of a later row that it was sealed under it.
// Break AU-2: services/audit/verify.go: take the sealing key of s.Keys.Current().ID() for every id
// Break AU-2: services/audit/verify.go: in compare, case key == nil in place of case !r.begun
func TestVerify_AU2_KeysChange(t *testing.T) {
	tx := pgtest.Tx(t)
	s := sealer(t, tx)
	write(t, tx, 2)
	seal(t, s, 2)
	old, _ := s.Keys.Key("k1")
	fresh, err := encryption.GenerateKey("k2")
	if err != nil {
		t.Fatal(err)
	}
	if s.Keys, err = encryption.ParseKeyring(fresh.Line().Reveal() + "," + old.Line().Reveal()); err != nil {
		t.Fatal(err)
	}
	write(t, tx, 3)
	seal(t, s, 3)
	if r := verify(t, s); !r.OK() || r.Sealed != 5 {
		t.Errorf("after the key was changed: %+v", r)
	}
	s.Keys = ring(t, "k1", "k2")
	if r := verify(t, s); r.OK() || r.Changed.Count != 5 {
		t.Errorf("with keys of the same names: %+v", r)
	}
	if s.Keys, err = encryption.ParseKeyring(fresh.Line().Reveal()); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, s); !r.OK() || r.Unknown["k1"] != 2 || r.Sealed != 3 {
		t.Errorf("after the old key was destroyed: %+v", r)
	}
	force(t, tx, `UPDATE audit_seals SET key_id = 'k1' WHERE number = 4`)
	if r := verify(t, s); r.OK() || r.Changed.Count != 1 {
		t.Errorf("a row that is said to be of the destroyed key: %+v", r)
	}
}

// Nodes get a new key one after the other. The one that has it not yet leaves the sealing to those that have: behind
// theirs its seals would look forged once its key is destroyed.
// Break AU-2: services/audit/seal.go: in behind, return false, nil at once
func TestSeal_AU2_KeysChangeNodeByNode(t *testing.T) {
	tx := pgtest.Tx(t)
	a := sealer(t, tx)
	write(t, tx, 1)
	seal(t, a, 1)
	old, _ := a.Keys.Key("k1")
	fresh, err := encryption.GenerateKey("k2")
	if err != nil {
		t.Fatal(err)
	}
	b := sealer(t, tx)
	if b.Keys, err = encryption.ParseKeyring(fresh.Line().Reveal() + "," + old.Line().Reveal()); err != nil {
		t.Fatal(err)
	}
	write(t, tx, 1)
	seal(t, b, 1)
	write(t, tx, 1)
	seal(t, a, 0)
	seal(t, b, 1)
	a.Reload = func() error { a.Keys.Replace(b.Keys); return nil } // where they share a key file
	write(t, tx, 1)
	seal(t, a, 1)
	if b.Keys, err = encryption.ParseKeyring(fresh.Line().Reveal()); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, b); !r.OK() || r.Unknown["k1"] != 1 || r.Sealed != 3 {
		t.Errorf("%+v", r)
	}
	b.Keys = ring(t, "k3") // all are lost: a new one goes on
	write(t, tx, 1)
	seal(t, b, 1)
}

// What is new waits; what is old and has no seal is reported; a damaged note is an error and no silence.
func TestVerify_WaitingAndTheNote(t *testing.T) {
	tx := pgtest.Tx(t)
	s := sealer(t, tx)
	write(t, tx, 2)
	if r := verify(t, s); !r.OK() || r.Waiting != 2 || r.Noted != 0 {
		t.Errorf("new: %+v", r)
	}
	seal(t, s, 2)
	seal(t, s, 0)
	if err := os.WriteFile(s.Note, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(t.Context()); err == nil {
		t.Error("a damaged note went unnoticed")
	}
}

// Two nodes that seal at the same moment, beside people who act, give every row one seal and every number one row.
// Break AU-2: services/audit/seal.go: leave out pg_advisory_xact_lock
func TestSeal_AU2_TwoNodesAtOnce(t *testing.T) {
	pool := pgtest.New(t)
	a := sealer(t, pool)
	b := sealer(t, pool)
	b.Keys = a.Keys
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { write(t, pool, 150) })
	}
	for _, s := range []*audit.Sealer{a, b} {
		all.Go(func() {
			for range 20 {
				if _, err := s.Seal(context.WithoutCancel(t.Context())); err != nil {
					t.Errorf("sealing: %v", err)
				}
			}
		})
	}
	all.Wait()
	if _, err := a.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*audit.Sealer{a, b} {
		if r := verify(t, s); !r.OK() || r.Sealed != 300 {
			t.Errorf("%+v", r)
		}
	}
}

// A row that was committed behind its neighbours, because its act took long, is sealed too.
func TestSeal_ARowThatWasCommittedLate(t *testing.T) {
	pool := pgtest.New(t)
	s := sealer(t, pool)
	err := pgx.BeginFunc(t.Context(), pool, func(late pgx.Tx) error {
		write(t, late, 1)
		write(t, pool, 2)
		seal(t, s, 2)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seal(t, s, 1)
	if r := verify(t, s); !r.OK() || r.Sealed != 3 {
		t.Errorf("%+v", r)
	}
}

// So is one that was committed just before nobody sealed for hours: the hour within which it is looked for is one of sealing.
// Break AU-2: services/audit/seal.go: in unsealed, now() in place of the newest seal's time
func TestSeal_AU2_ARowThatWasCommittedLateBeforeAPause(t *testing.T) {
	pool := pgtest.New(t)
	s := sealer(t, pool)
	err := pgx.BeginFunc(t.Context(), pool, func(late pgx.Tx) error {
		write(t, late, 1)
		write(t, pool, 2)
		seal(t, s, 2)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	force(t, pool, `UPDATE audit_seals SET sealed_at = sealed_at - interval '2 hours'`)
	seal(t, s, 1)
	if r := verify(t, s); !r.OK() || r.Sealed != 3 {
		t.Errorf("%+v", r)
	}
}

// A node that never comes to seal, because another is always faster, still has a note to tell a cut end by.
// Break AU-2: services/audit/seal.go: in Seal, remember only if n > 0
func TestSeal_AU2_EveryNodeRemembers(t *testing.T) {
	tx := pgtest.Tx(t)
	a, b := sealer(t, tx), sealer(t, tx)
	b.Keys = a.Keys
	write(t, tx, 5)
	seal(t, a, 5)
	seal(t, b, 0)
	force(t, tx, `TRUNCATE audit_events, audit_seals`)
	if r := verify(t, b); r.OK() || r.Noted != 5 || r.Cut == "" {
		t.Errorf("%+v", r)
	}
}

func TestSeal_DatabaseAway(t *testing.T) {
	s := sealer(t, pgtest.Broken(t))
	if _, err := s.Seal(t.Context()); err == nil {
		t.Error("sealed on a database that is away")
	}
	if _, err := s.Verify(t.Context()); err == nil {
		t.Error("verified on a database that is away")
	}
}
