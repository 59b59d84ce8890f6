package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDoctor_Command(t *testing.T) {
	address := freeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	getenv := environmentFor(t, "DASHTAM_ADDR", address, "DASHTAM_SANDBOX_ADDR", freeAddress(t), "DASHTAM_KEYS", freshKey(t, "k1"))
	keys := strings.TrimPrefix(getenv("DASHTAM_KEYS"), "k1:")
	doctor := func() (string, error) {
		t.Helper()
		out, err := command(t, getenv, "doctor")
		if strings.Contains(out, keys) || strings.Contains(out, getenv("DASHTAM_DATABASE_URL")) {
			t.Errorf("it prints a secret: %s", out)
		}
		return out, err
	}

	if out, err := doctor(); err == nil || !strings.Contains(out, "fail  Database: The database lacks ") && !strings.Contains(out, "fail  Base URL: Nobody answers at http://localhost:"+port) {
		t.Errorf("where nothing runs: %v, %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(getenv("DASHTAM_DATA_DIR"), "keys")); err == nil {
		t.Error("it made a key file")
	}
	serve(t, getenv)
	out, err := doctor()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, line := range []string{
		"ok    Base URL: http://localhost:" + port + " leads to this Dashtam.\n",
		"ok    Proxy headers: There is no proxy in between.\n",
		"      Sandbox Bank: http://localhost:" + port + "/connections/sandbox/callback\n",
		"ok    Mail: ", "ok    Clock: ", "ok    Keys: ", "ok    Database: PostgreSQL ", "  Disk: There is ",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
}

func TestDoctor_FindsLostKeys(t *testing.T) {
	getenv := environmentFor(t)
	if _, err := command(t, getenv, "migrate"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(getenv("DASHTAM_DATA_DIR"), "keys")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, getenv, "doctor")
	if err == nil || !strings.Contains(err.Error(), "of 8 checks failed") || !strings.Contains(out, "fail  Keys: The keys cannot be used: the key file "+path+" is not there.") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it made new keys")
	}
}
