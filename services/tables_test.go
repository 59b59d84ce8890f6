package services_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres/pgtest"
)

// shared are tables that carry user_id and are not reached through their owner: by cookie, by token, by time.
var shared = []string{"sessions", "links", "refresh_tokens", "audit_events"}

// libraries are tables that goose and River made.
var libraries = regexp.MustCompile(`^(goose_db_version|river_\w+)$`)

func TestKeysBeginWithUserID(t *testing.T) {
	rows, _ := pgtest.Tx(t).Query(t.Context(), `
		SELECT c.relname::text, i.relname::text, a.attname::text
		FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
		WHERE x.indisunique AND EXISTS (SELECT FROM pg_attribute u WHERE u.attrelid = c.oid AND u.attname = 'user_id')
		UNION ALL
		SELECT c.relname::text, k.conname::text, a.attname::text
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
		WHERE k.contype = 'f' AND EXISTS (SELECT FROM pg_attribute u WHERE u.attrelid = c.oid AND u.attname = 'user_id')`)
	type key struct{ Table, Key, First string }
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[key])
	if err != nil || len(keys) < 10 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, k := range keys {
		if k.First != "user_id" && !slices.Contains(shared, k.Table) {
			t.Errorf("%s: key %s begins with %s", k.Table, k.Key, k.First)
		}
	}
}

func TestEveryTableHasOneOwner(t *testing.T) {
	owners := tableOwners(t)
	rows, _ := pgtest.Tx(t).Query(t.Context(), `
		SELECT CASE schemaname WHEN 'public' THEN tablename ELSE schemaname || '.*' END
		FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if owners[table] == "" && !libraries.MatchString(table) {
			t.Errorf("nobody owns %s", table)
		}
	}
	for table, owner := range owners {
		if !slices.Contains(tables, table) {
			t.Errorf("%s owns %s, which does not exist", owner, table)
		}
	}
}

var writes = regexp.MustCompile(`(?i)\b(?:INSERT INTO|DELETE FROM|UPDATE|MERGE INTO|TRUNCATE)\s+(?:ONLY\s+)?([a-z_]+(?:\.[a-z_]+)?)`)

func TestOnlyTheOwnerWrites(t *testing.T) {
	owners := tableOwners(t)
	for _, p := range load(t) {
		name := strings.TrimPrefix(p.PkgPath, "dashtam/services/")
		for _, file := range p.Syntax {
			ast.Inspect(file, func(n ast.Node) bool {
				text, ok := n.(*ast.BasicLit)
				if !ok || text.Kind != token.STRING {
					return true
				}
				for _, m := range writes.FindAllStringSubmatch(text.Value, -1) {
					table := m[1]
					if schema, _, ok := strings.Cut(table, "."); ok {
						table = schema + ".*"
					}
					if owner := owners[table]; owner != "" && owner != name {
						t.Errorf("%v: %s writes %s, which is %s's", p.Fset.Position(text.Pos()), name, m[1], owner)
					}
				}
				return true
			})
		}
	}
}

func tableOwners(t *testing.T) map[string]string {
	t.Helper()
	owners := map[string]string{}
	for name, row := range classification(t) {
		for _, table := range row.tables {
			if owners[table] != "" {
				t.Errorf("%s and %s both own %s", owners[table], name, table)
			}
			owners[table] = name
		}
	}
	return owners
}
