package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"dashtam/services/audit"
)

// errTampered is what a verification ends with that found anything.
var errTampered = errors.New("the audit log is not as it was written")

type auditCommands struct {
	Verify auditVerifyCommand `cmd:"" help:"Compare every row of the audit log with its seal; 1 when something is wrong."`
}

type auditVerifyCommand struct{}

// verifyLasts is more than any log takes to read.
const verifyLasts = time.Hour

// Run says what is not as it was sealed, and what no seal can tell.
func (auditVerifyCommand) Run(ctx context.Context, a *app) error {
	ctx, cancel := context.WithTimeout(ctx, verifyLasts)
	defer cancel()
	return a.withDatabase(ctx, func(ctx context.Context, n *node) error {
		r, err := n.sealer().Verify(ctx)
		if err != nil {
			return err
		}
		for _, line := range verdict(r, time.Now()) {
			fmt.Fprintln(a.stdout, line)
		}
		if !r.OK() {
			return errTampered
		}
		return nil
	})
}

// sealer seals and checks the audit log. Its note lies beside the data, outside the database.
func (n *node) sealer() *audit.Sealer {
	note := filepath.Join(n.app.config.DataDir, "audit-seal")
	return &audit.Sealer{DB: n.pool, Keys: n.keys, Note: note, Log: n.app.log, Reload: n.app.reloadKeys(n.keys)}
}

// verdict puts a report into lines.
func verdict(r audit.Report, now time.Time) []string {
	lines := []string{fmt.Sprintf("%d rows are as they were sealed. %d are new and wait for the next sealing.", r.Sealed, r.Waiting)}
	if r.Noted > 0 {
		age := now.Sub(r.NotedAt).Round(time.Second)
		lines = append(lines, fmt.Sprintf("The note beside the data knows of seal %d, as of %v ago.", r.Noted, age))
	}
	for _, found := range []struct {
		what string
		audit.Found
	}{
		{"changed: not what was sealed: rows", r.Changed}, {"missing: sealed, and not there any more: rows", r.Missing},
		{"removed: rows are gone together with their seals: seals", r.Lost}, {"unsealed: older than five minutes without a seal: rows", r.Unsealed},
	} {
		if found.Count > 0 {
			lines = append(lines, found.what+" "+numbers(found.Found))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.Unknown)) {
		lines = append(lines, fmt.Sprintf("unchecked: %d of the first rows were sealed under the key %s, which is not here any more", r.Unknown[id], id))
	}
	if len(r.Unknown) > 0 && r.Sealed == 0 {
		lines = append(lines, "unchecked: no row at all was sealed under a key that is here")
	}
	if r.Cut != "" {
		lines = append(lines, "cut: "+r.Cut+". The end was removed, or an older copy of the database was put back")
	}
	lines = append(lines, "", "What this cannot tell:",
		"- rows that were changed or removed before they were sealed, which takes a minute at most;",
		"- acts that were never written down, and rows added by somebody who can write to the database;",
		"- anything, if whoever did it also has the key-encryption key.")
	if len(r.Unknown) > 0 {
		lines = append(lines, "- whether the unchecked rows are as they were written. Whoever changes the first rows can name a destroyed key for them.")
	}
	if r.Noted == 0 {
		return append(lines, "- whether the newest rows and their seals were cut off together: no seal was ever made from this data directory.")
	}
	return append(lines, "- whether rows sealed after the note were cut off. Each node has a note of its own: run this on every node.")
}

// numbers lists the first findings.
func numbers(f audit.Found) string {
	var parts []string
	for _, id := range f.First {
		parts = append(parts, strconv.FormatInt(id, 10))
	}
	s := strings.Join(parts, ", ")
	if rest := f.Count - len(f.First); rest > 0 {
		s += fmt.Sprintf(" and %d more", rest)
	}
	return s
}
