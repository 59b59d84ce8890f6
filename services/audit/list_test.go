package audit_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/audit"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

// explained is a database that keeps how it carried out the last query.
type explained struct {
	postgres.DB
	t    *testing.T
	plan string
}

func (e *explained) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := e.DB.Query(ctx, `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) `+sql, args...)
	if err != nil {
		e.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		e.t.Fatal(err)
	}
	e.plan = strings.Join(lines, "\n")
	return e.DB.Query(ctx, sql, args...)
}

// Among two hundred thousand lines whatever the page of the audit log can be asked for is found by an index: no search
// reads the table, or walks through it from today backwards, to come upon few lines long ago.
//
// Break RL-8: migrations/0008_streaks.sql: leave out audit_events_act, audit_events_not_done or audit_events_at
// Break RL-8: services/audit/list.go: in List, leave out order = "at DESC, id DESC"
func TestList_RL8_EverySearchHasAnIndex(t *testing.T) {
	tx := pgtest.Tx(t)
	nora, begin := uuid.New(), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := tx.Exec(t.Context(), `
		INSERT INTO audit_events (at, actor_kind, actor_id, user_id, act, result)
		SELECT $2::timestamptz + n * interval '2 minutes', 'user', CASE WHEN n BETWEEN 20000 AND 20089 THEN $1 ELSE md5((n % 5000)::text)::uuid END,
			CASE WHEN n BETWEEN 20000 AND 20059 THEN $1 ELSE md5((n % 5000)::text)::uuid END,
			CASE WHEN n BETWEEN 20000 AND 20099 THEN 'role' ELSE 'login' END, CASE WHEN n BETWEEN 20000 AND 20099 THEN 'refused' ELSE 'done' END
		FROM generate_series(1, 200000) AS n`, nora, begin); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `ANALYZE audit_events`); err != nil {
		t.Fatal(err)
	}
	db := &explained{DB: tx, t: t}
	day, next := begin.AddDate(0, 0, 27), begin.AddDate(0, 0, 28)
	for name, f := range map[string]audit.Filter{
		"newest": {}, "act": {Act: "role"}, "result": {Result: audit.Refused}, "act and result": {Act: "role", Result: audit.Refused},
		"failed": {Result: audit.Failed}, "day": {From: day, Before: next}, "until": {Before: next}, "since": {From: begin.AddDate(0, 0, 277)},
		"person": {Person: nora}, "hers": {UserID: nora}, "act on a day": {Act: "role", Before: next}, "refused on a day": {Result: audit.Refused, Before: next},
	} {
		for page := range 2 {
			list, _, err := audit.List(t.Context(), db, f, 50)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(db.plan, "Seq Scan") || (name != "newest" && strings.Contains(db.plan, "Scan Backward using audit_events_pkey")) {
				t.Errorf("%s, page %d:\n%s", name, page+1, db.plan)
			}
			if (len(list) == 0) != (name == "failed") {
				t.Errorf("%s, page %d: %d lines", name, page+1, len(list))
			}
			if len(list) < 50 {
				break
			}
			f.Older = list[len(list)-1].ID
		}
	}
}
