package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"dashtam/services/encryption"
	"dashtam/services/tokens"
)

func trusting() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// command runs one command line to its end.
func command(t *testing.T, getenv func(string) string, args ...string) (stdout string, err error) {
	t.Helper()
	var out strings.Builder
	err = run(t.Context(), args, getenv, &out)
	return out.String(), err
}

func TestCommands_HelpAndWrongUsage(t *testing.T) {
	for _, line := range []string{"--help", "serve --help", "demo --help", "migrate --help", "setup-link --help", "admin --help", "admin grant --help", "admin reset-password --help", "audit verify --help", "keys status --help", "keys rotate --help", "doctor --help", "version --help"} {
		if out, err := command(t, with(), strings.Fields(line)...); err != nil || !strings.Contains(out, "Usage: dashtam") {
			t.Errorf("dashtam %s: %v, %q", line, err, out)
		}
	}
	for _, line := range []string{"", "nonsense", "serve --port 80", "admin", "admin grant", "admin reset-password", "audit", "admin grant a b", "keys"} {
		out, err := command(t, with(), strings.Fields(line)...)
		if _, ok := errors.AsType[*usageError](err); !ok || out != "" {
			t.Errorf("dashtam %s: %v, stdout %q", line, err, out)
		}
	}
	if out, err := command(t, with(), "version"); err != nil || !strings.HasPrefix(out, "dashtam ") {
		t.Errorf("version: %v, %q", err, out)
	}
}

func TestCommands_WorkOnTheDatabase(t *testing.T) {
	getenv := environmentFor(t, "DASHTAM_ADDR", "127.0.0.1:8080")
	if out, err := command(t, getenv, "setup-link"); err != nil || !strings.HasPrefix(out, "set-up: http://localhost:8080/setup/") {
		t.Errorf("setup-link: %v, %q", err, out)
	}
	if out, err := command(t, getenv, "migrate"); err != nil || out == "" {
		t.Errorf("migrate: %v, %q", err, out)
	}
	if out, err := command(t, getenv, "keys", "status"); err != nil || !strings.HasPrefix(out, "k1: opens the tokens of 0 connections, is used for new ones\n") {
		t.Errorf("keys status: %v, %q", err, out)
	}
	for _, what := range []string{"grant", "revoke", "reset-password"} {
		if out, err := command(t, getenv, "admin", what, "nobody@example.org"); err == nil || out != "" {
			t.Errorf("admin %s of a stranger: %v, %q", what, err, out)
		}
	}
}

// Break VT-4: cmd/dashtam/keys.go: in newCurrentKey, return nil at once
func TestKeys_VT4_RotateAndDestroy(t *testing.T) {
	getenv := environmentFor(t)
	path := filepath.Join(getenv("DASHTAM_DATA_DIR"), "keys")
	ids := func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		ring, err := encryption.ParseKeyring(string(text))
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the key file is %v, %v", info.Mode(), err)
		}
		return strings.Join(ring.IDs(), " ")
	}
	if _, err := command(t, getenv, "migrate"); err != nil {
		t.Fatal(err)
	}
	if out, err := command(t, getenv, "keys", "rotate"); err != nil || !strings.Contains(out, "Every connection is under k2.") || ids() != "k2 k1" {
		t.Errorf("rotate: %v, %q, %s", err, out, ids())
	}
	if out, err := command(t, getenv, "keys", "status"); err != nil || !strings.Contains(out, "k1: opens the tokens of 0 connections, is retired\nk2: opens the tokens of 0 connections, is used for new ones\n") {
		t.Errorf("status: %v, %q", err, out)
	}
	if out, err := command(t, getenv, "keys", "rotate", "--destroy-old"); err != nil || !strings.Contains(out, "The old keys are gone") || ids() != "k3" {
		t.Errorf("destroy: %v, %q, %s", err, out, ids())
	}
	if out, err := command(t, getenv, "keys", "status"); err != nil || !strings.Contains(out, "k3: opens the tokens of 0 connections, is used for new ones\n") {
		t.Errorf("after the end of the old ones: %v, %q", err, out)
	}
	fixed := with("DASHTAM_DATABASE_URL", getenv("DASHTAM_DATABASE_URL"), "DASHTAM_DATA_DIR", t.TempDir(), "DASHTAM_KEYS", "k9:"+base64.StdEncoding.EncodeToString([]byte("0123456789abcdefghij-+*/!?%&()=$")))
	if _, err := command(t, fixed, "keys", "rotate", "--destroy-old"); err == nil || !strings.Contains(err.Error(), "DASHTAM_KEYS") {
		t.Errorf("keys in the environment: %v", err)
	}
}

func TestServe_SecondOnADataDirectoryNamesTheFirst(t *testing.T) {
	getenv := environmentFor(t)
	serve(t, getenv)
	if _, err := command(t, getenv, "serve"); err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("%v", err)
	}
}

// Break VT-6: cmd/dashtam/main.go: leave out Setrlimit
func TestServe_VT6_LeavesNoCore(t *testing.T) {
	if _, err := command(t, with(), "version"); err != nil {
		t.Fatal(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		t.Errorf("%+v, %v", limit, err)
	}
}

func TestKeys_TheFirstStartMakesAKeyFileForItsOwnerOnly(t *testing.T) {
	getenv := environmentFor(t)
	path := filepath.Join(getenv("DASHTAM_DATA_DIR"), "keys")
	if _, err := command(t, getenv, "migrate"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	before, _ := os.ReadFile(path)
	if _, err := command(t, getenv, "migrate"); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the second start changed the key file")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, getenv, "migrate"); err == nil || !strings.Contains(err.Error(), "read by others") {
		t.Errorf("a key file that others can read: %v", err)
	}
}

// Break VT-5: cmd/dashtam/keys.go: leave out the CheckKeys before Migrate, and let the one behind it return nil.
func TestKeys_VT5_F23_WrongOrMissingKeysTouchNothing(t *testing.T) {
	getenv := environmentFor(t, "DASHTAM_KEYS", freshKey(t, "k1"))
	if _, err := command(t, getenv, "migrate"); err != nil {
		t.Fatal(err)
	}
	before := fingerprint(t, getenv("DASHTAM_DATABASE_URL"))
	for name, c := range map[string]struct {
		keys string
		want error
	}{
		"another key of that name": {freshKey(t, "k1"), tokens.ErrWrongKey},
		"another key":              {freshKey(t, "k2"), tokens.ErrMissingKey},
		"the key file was lost":    {"", tokens.ErrWrongKey},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			other := with("DASHTAM_ADDR", "127.0.0.1:0", "DASHTAM_SANDBOX_ADDR", "off", "DASHTAM_ADMIN_ADDR", "off",
				"DASHTAM_DATABASE_URL", getenv("DASHTAM_DATABASE_URL"), "DASHTAM_DATA_DIR", dir, "DASHTAM_KEYS", c.keys)
			if _, err := command(t, other, "serve"); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if fingerprint(t, getenv("DASHTAM_DATABASE_URL")) != before {
				t.Error("the database was changed")
			}
			if _, err := os.Stat(filepath.Join(dir, "keys")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a new key file was made: %v", err)
			}
		})
	}
}

// Break VT-5: services/encryption/keyring.go: let guessable return false
func TestKeys_VT5_ExamplesAreRefused(t *testing.T) {
	zeros := base64.StdEncoding.EncodeToString(make([]byte, encryption.KeySize))
	for _, keys := range []string{"k1:" + zeros, "k1:c2hvcnQ=", "no colon", "k1:***"} {
		if _, err := command(t, environmentFor(t, "DASHTAM_KEYS", keys), "migrate"); err == nil || !strings.HasPrefix(err.Error(), "DASHTAM_KEYS: ") {
			t.Errorf("%s: %v", keys, err)
		}
	}
}

func freshKey(t *testing.T, id string) string {
	t.Helper()
	key, err := encryption.GenerateKey(id)
	if err != nil {
		t.Fatal(err)
	}
	return key.Line().Reveal()
}

// fingerprint is the same as long as no row of any table changed.
func fingerprint(t *testing.T, database string) (sum string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	err = conn.QueryRow(t.Context(), `
		SELECT string_agg(tablename || md5(query_to_xml(format('SELECT * FROM %I.%I t ORDER BY t::text', schemaname, tablename), true, true, '')::text), ' ' ORDER BY tablename)
		FROM pg_tables WHERE schemaname IN ('public', 'sandbox')`).Scan(&sum)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
