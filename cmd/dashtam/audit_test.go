package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The running server seals what happened; the command finds what was done to it behind its back, and says what it cannot
// find.
// Break AU-2: cmd/dashtam/wire.go: leave jobs.AuditSeal out of Periodic
func TestAudit_AU2_SealedWhileServingAndVerified(t *testing.T) {
	getenv := environmentFor(t)
	verify := func(want error, says ...string) {
		t.Helper()
		out, err := command(t, getenv, "audit", "verify")
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
		for _, words := range append(says, "What this cannot tell:", "key-encryption key") {
			if !strings.Contains(out, words) {
				t.Errorf("it does not say %q:\n%s", words, out)
			}
		}
	}
	if _, err := command(t, getenv, "setup-link"); err != nil {
		t.Fatal(err)
	}
	verify(nil, "0 rows are as they were sealed. 2 are new", "no seal was ever made from this data directory")

	db, err := pgx.Connect(t.Context(), getenv("DASHTAM_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	p := serve(t, getenv)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if note, _ := os.ReadFile(filepath.Join(getenv("DASHTAM_DATA_DIR"), "audit-seal")); len(note) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is sealed")
		}
	}
	if err := p.end(t); err != nil {
		t.Fatal(err)
	}
	verify(nil, "rows are as they were sealed.", "The note beside the data knows of seal", "run this on every node")
	for _, c := range [][2]string{
		{`UPDATE audit_events SET actor_kind = 'admin' WHERE id = 1`, "changed: not what was sealed: rows 1"},
		{`DELETE FROM audit_events WHERE id = 1`, "missing: sealed, and not there any more: rows 1"},
		{`TRUNCATE audit_events, audit_seals`, "cut: "},
	} {
		if _, err := db.Exec(t.Context(), `ALTER TABLE audit_events DISABLE TRIGGER ALL; ALTER TABLE audit_seals DISABLE TRIGGER ALL; `+c[0]); err != nil {
			t.Fatal(err)
		}
		verify(errTampered, c[1])
	}
}

func TestAdmin_ResetPasswordMails(t *testing.T) {
	getenv := environmentFor(t)
	if _, err := command(t, getenv, "migrate"); err != nil {
		t.Fatal(err)
	}
	db, err := pgx.Connect(t.Context(), getenv("DASHTAM_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	if _, err := db.Exec(t.Context(), `INSERT INTO users (id, email, email_key, name, password_hash, verified_at) VALUES (gen_random_uuid(), 'Nora@example.com', 'nora@example.com', 'Nora', 'x', now())`); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, getenv, "admin", "reset-password", "NORA@example.com")
	if err != nil || !strings.Contains(out, "goes to Nora@example.com") {
		t.Errorf("%q, %v", out, err)
	}
	out, err = command(t, getenv, "admin", "reset-password", "--print", "nora@example.com")
	if err != nil || !strings.HasPrefix(out, "reset: http") || !strings.Contains(out, "/password/reset/") {
		t.Errorf("%q, %v", out, err)
	}
	var mails, lines int
	if err := db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM river_job WHERE args ->> 'purpose' = 'reset'),
		(SELECT count(*) FROM audit_events WHERE act = 'user.reset' AND actor_kind = 'system')`).Scan(&mails, &lines); err != nil || mails != 1 || lines != 1 {
		t.Errorf("%d mails, %d lines, %v", mails, lines, err)
	}
}
