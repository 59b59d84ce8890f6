package admin_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/admin"
	"dashtam/services/audit"
	"dashtam/services/auth"
	"dashtam/services/connections"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

var boss = actor.Actor{Kind: actor.Admin, UserID: uuid.New()}

func exec(t *testing.T, tx pgx.Tx, sql string, args ...any) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// desk is the service over tx.
func desk(tx postgres.DB) *admin.Service {
	return admin.New(tx, auth.NewSessions(tx, auth.SessionConfig{}))
}

// person makes a person, signed in an hour ago, and gives their id.
func person(t *testing.T, tx pgx.Tx, email string) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	exec(t, tx, `INSERT INTO users (id, email, email_key, name, password_hash, last_login_at) VALUES ($1, $2, $2, 'Name', 'hash', now() - interval '1 hour')`, id, email)
	return id
}

func connection(t *testing.T, tx pgx.Tx, user uuid.UUID, status connections.Status) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	exec(t, tx, `INSERT INTO connections (user_id, id, provider, name, status, cause, disconnected_at)
		VALUES ($1, $2, 'sandbox', 'my divorce account', $3, 'bank_away', CASE WHEN $3 = 'disconnected' THEN now() END)`, user, id, string(status))
	return id
}

// Only an administrator, or the program itself, gets an answer (AZ-4, AZ-5).
// Break AZ-5: services/admin/service.go: may returns nil
func TestAdmin_AZ5_NobodyElse(t *testing.T) {
	tx := pgtest.Tx(t)
	s := desk(tx)
	for _, kind := range []actor.Kind{actor.Anonymous, actor.User, actor.Job} {
		who := actor.Actor{Kind: kind, UserID: uuid.New()}
		_, err := s.Counts(t.Context(), who)
		_, _, err2 := s.People(t.Context(), who, "", uuid.Nil)
		_, _, err3 := s.Connections(t.Context(), who, "", uuid.Nil)
		backlog := admin.NewBacklog(tx, nil)
		_, _, err4 := backlog.List(t.Context(), who, admin.JobOpen, 0)
		_, err8 := backlog.Counts(t.Context(), who)
		err9, err10 := backlog.Retry(t.Context(), who, 1), backlog.Cancel(t.Context(), who, 1)
		_, _, err5 := s.Events(t.Context(), who, admin.EventTerms{}, time.UTC, 5)
		_, err6 := s.Person(t.Context(), who, uuid.New())
		err7 := s.ExportEvents(t.Context(), who, admin.EventTerms{}, time.UTC, func(admin.Event) error { return nil })
		for i, err := range []error{err, err2, err3, err4, err5, err6, err7, err8, err9, err10} {
			if !errors.Is(err, admin.ErrNotAdmin) {
				t.Errorf("%s, question %d: %v", kind, i, err)
			}
		}
	}
}

func TestCounts(t *testing.T) {
	tx := pgtest.Tx(t)
	s := desk(tx)
	nora := person(t, tx, "nora@example.com")
	exec(t, tx, `UPDATE users SET last_login_at = now() - interval '8 days' WHERE id = $1`, person(t, tx, "ada@example.com"))
	healthy := connection(t, tx, nora, connections.Healthy)
	connection(t, tx, nora, connections.Healthy)
	connection(t, tx, nora, connections.Disconnected)
	for i, state := range []string{"done", "done", "failed"} {
		exec(t, tx, `INSERT INTO sync_runs (user_id, connection_id, id, cause, state, finished_at) VALUES ($1, $2, $3, 'manual', $4, now() - $5::int * interval '1 hour')`,
			nora, healthy, uuid.New(), state, i+1)
	}
	exec(t, tx, `INSERT INTO sync_runs (user_id, connection_id, id, cause, state, finished_at) VALUES ($1, $2, $3, 'manual', 'done', now() - interval '25 hours')`, nora, healthy, uuid.New())
	exec(t, tx, `INSERT INTO river_job (kind, state, max_attempts, args, scheduled_at, finalized_at) VALUES
		('mail', 'available', 3, '{}', now() - interval '1 minute', NULL), ('mail', 'available', 3, '{}', now() + interval '1 hour', NULL),
		('mail', 'retryable', 3, '{}', now() + interval '1 minute', NULL), ('sync', 'discarded', 3, '{}', now(), now()), ('sync', 'completed', 3, '{}', now(), now())`)

	c, err := s.Counts(t.Context(), boss)
	if err != nil {
		t.Fatal(err)
	}
	if c.People != 2 || c.Active != 1 || c.Total() != 2 || c.Connections[connections.Healthy] != 2 || c.Connections[connections.Disconnected] != 1 {
		t.Errorf("people and connections: %+v", c)
	}
	if c.Syncs != 3 || c.SyncsDone != 2 || c.Waiting != 1 || c.Oldest == nil || c.Failing != 1 || c.GivenUp != 1 {
		t.Errorf("syncs and jobs: %+v", c)
	}
}

func TestCounts_Empty(t *testing.T) {
	c, err := desk(pgtest.Tx(t)).Counts(t.Context(), actor.ForSystem("test"))
	if err != nil || c.People != 0 || c.Total() != 0 || c.Oldest != nil {
		t.Errorf("got %+v, %v", c, err)
	}
}

// A list is paged by its last row, so that everybody is on exactly one page.
func TestPeople_Pages(t *testing.T) {
	tx := pgtest.Tx(t)
	s := desk(tx)
	for i := range admin.PageSize + 3 {
		person(t, tx, fmt.Sprintf("p%02d@example.com", i))
	}
	first, more, err := s.People(t.Context(), boss, "", uuid.Nil)
	if err != nil || !more || len(first) != admin.PageSize || first[0].Email != "p52@example.com" {
		t.Fatalf("%d, %v, %v", len(first), more, err)
	}
	second, more, err := s.People(t.Context(), boss, "", first[len(first)-1].ID)
	if err != nil || more || len(second) != 3 || second[2].Email != "p00@example.com" {
		t.Errorf("%+v, %v, %v", second, more, err)
	}
	if p := second[2]; p.Admin || p.VerifiedAt != nil || p.LastLoginAt == nil || p.Connections != 0 {
		t.Errorf("%+v", p)
	}
}

// What an administrator sees of a connection holds nothing its owner wrote and nothing the bank said (AZ-5).
// Break AZ-5: lists.go: c.name AS owner
func TestConnections_AZ5_OnlyWhetherItWorks(t *testing.T) {
	tx := pgtest.Tx(t)
	s := desk(tx)
	nora := person(t, tx, "nora@example.com")
	connection(t, tx, nora, connections.Healthy)
	paused := connection(t, tx, nora, connections.Paused)
	all, more, err := s.Connections(t.Context(), boss, "", uuid.Nil)
	if err != nil || more || len(all) != 2 || all[0].ID != paused {
		t.Fatalf("%+v, %v, %v", all, more, err)
	}
	want := admin.Connection{ID: paused, Owner: "nora@example.com", Provider: "sandbox", Status: connections.Paused, Cause: "bank_away", StatusSince: all[0].StatusSince}
	if all[0] != want {
		t.Errorf("got %+v", all[0])
	}
	if one, _, err := s.Connections(t.Context(), boss, connections.Paused, uuid.Nil); err != nil || len(one) != 1 {
		t.Errorf("of one status: %+v, %v", one, err)
	}
	if older, _, err := s.Connections(t.Context(), boss, "", paused); err != nil || len(older) != 1 || older[0].Status != connections.Healthy {
		t.Errorf("before it: %+v, %v", older, err)
	}
}

func TestJobs(t *testing.T) {
	tx := pgtest.Tx(t)
	b := admin.NewBacklog(tx, nil)
	exec(t, tx, `INSERT INTO river_job (kind, state, max_attempts, attempt, args, errors) VALUES ('mail', 'retryable', 3, 2, '{"user_id": "secret"}',
		ARRAY['{"attempt": 1, "error": "first"}', '{"attempt": 2, "error": "the server is away"}']::jsonb[])`)
	exec(t, tx, `INSERT INTO river_job (kind, state, max_attempts, args) VALUES ('sync', 'available', 4, '{}')`)
	exec(t, tx, `INSERT INTO river_job (kind, state, max_attempts, args, finalized_at) VALUES ('sync_due', 'completed', 1, '{}', now())`)
	jobs, more, err := b.List(t.Context(), boss, admin.JobOpen, 0)
	if err != nil || more || len(jobs) != 2 || jobs[0].Kind != "sync" || jobs[0].Error != "" {
		t.Fatalf("%+v, %v, %v", jobs, more, err)
	}
	if j := jobs[1]; j.Error != "the server is away" || j.Attempt != 2 || j.MaxAttempts != 3 || j.State != "retryable" {
		t.Errorf("%+v", j)
	}
	if older, _, err := b.List(t.Context(), boss, admin.JobOpen, jobs[0].ID); err != nil || len(older) != 1 || older[0].ID != jobs[1].ID {
		t.Errorf("before it: %+v, %v", older, err)
	}
	if c, err := b.Counts(t.Context(), boss); err != nil || c != (admin.JobCounts{Open: 2}) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestEvents(t *testing.T) {
	tx := pgtest.Tx(t)
	s := desk(tx)
	nora := actor.Actor{Kind: actor.User, UserID: person(t, tx, "nora@example.com")}
	gone := actor.Actor{Kind: actor.User, UserID: uuid.New()}
	for _, who := range []actor.Actor{nora, gone, actor.ForSystem("keys")} {
		if err := audit.Record(t.Context(), tx, who, audit.Event{Act: "login"}); err != nil {
			t.Fatal(err)
		}
	}
	events, more, err := s.Events(t.Context(), boss, admin.EventTerms{}, time.UTC, 10)
	if err != nil || more || len(events) != 3 || events[0].Who != "" || events[1].Who != "" || events[2].Who != "nora@example.com" || events[2].Whose != "nora@example.com" {
		t.Errorf("%+v, %v", events, err)
	}
	for _, terms := range []admin.EventTerms{{Person: "NORA@example.com"}, {Person: gone.UserID.String()}, {Act: "login", Cursor: strconv.FormatInt(events[1].ID, 10)}} {
		if found, _, err := s.Events(t.Context(), boss, terms, time.UTC, 10); err != nil || len(found) != 1 {
			t.Errorf("%+v: %+v, %v", terms, found, err)
		}
	}
	// A day is the reader's, and the last one counts.
	exec(t, tx, `INSERT INTO audit_events (at, actor_kind, act) VALUES ('2026-03-01T23:30:00Z', 'user', 'old')`)
	for zone, want := range map[*time.Location]int{time.UTC: 1, time.FixedZone("east", 3600): 0} {
		if found, _, err := s.Events(t.Context(), boss, admin.EventTerms{Act: "old", From: "2026-03-01", To: "2026-03-01"}, zone, 10); err != nil || len(found) != want {
			t.Errorf("%v: %+v, %v", zone, found, err)
		}
	}
}

// A search finds parts of names and addresses, and nothing in it is a pattern.
func TestPeople_Search(t *testing.T) {
	tx := pgtest.Tx(t)
	s := desk(tx)
	nora := person(t, tx, "nora.okafor@example.com")
	person(t, tx, "ada@example.org")
	for search, want := range map[string]int{"": 2, "OKAFOR": 1, "example": 2, "example.org": 1, "name": 2, "%": 0, "_": 0, "Nora.Okafor@EXAMPLE.com": 1, "zz": 0} {
		if list, _, err := s.People(t.Context(), boss, " "+search+" ", uuid.Nil); err != nil || len(list) != want {
			t.Errorf("%q: %d, %v", search, len(list), err)
		}
	}
	connection(t, tx, nora, connections.Healthy)
	connection(t, tx, nora, connections.Disconnected)
	exec(t, tx, `INSERT INTO sessions (token_hash, id, user_id, data, expires_at) VALUES ('h', gen_random_uuid(), $1, '', now() + interval '1 hour')`, nora)
	exec(t, tx, `INSERT INTO sessions (token_hash, id, user_id, data, expires_at, last_seen_at) VALUES ('i', gen_random_uuid(), $1, '', now() + interval '1 hour', now() - interval '31 minutes')`, nora)
	exec(t, tx, `INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at, created_at) VALUES ('r', gen_random_uuid(), $1, now() + interval '1 day', now() - interval '1 day')`, nora) // of an old password
	exec(t, tx, `UPDATE users SET role = 'admin' WHERE id = $1`, nora)
	p, err := s.Person(t.Context(), boss, nora)
	if err != nil || p.Sessions != 1 || p.Clients != 0 || p.Connections != 1 || p.Ended != 1 || !p.LastAdmin || !p.Admin {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := s.Person(t.Context(), boss, uuid.New()); !errors.Is(err, admin.ErrNoPerson) {
		t.Error(err)
	}
}

func TestAdmin_DatabaseAway(t *testing.T) {
	s := desk(pgtest.Broken(t))
	if _, err := s.Counts(t.Context(), boss); err == nil {
		t.Error("counted on a database that is away")
	}
	if _, _, err := s.People(t.Context(), boss, "", uuid.Nil); err == nil {
		t.Error("listed on a database that is away")
	}
}
