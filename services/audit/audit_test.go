package audit_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/postgres/pgtest"
)

func TestRecord_EverythingComesBack(t *testing.T) {
	tx := pgtest.Tx(t)
	who := actor.Actor{Kind: actor.User, UserID: uuid.New(), RequestID: "r1", IP: netip.MustParseAddr("2001:db8::7"), UserAgent: "Firefox"}
	other := uuid.New()
	for _, e := range []audit.Event{
		{Act: "connection.created", Target: "c1", Detail: map[string]string{"provider": "sandbox"}},
		{Act: "user.disabled", UserID: other, Result: audit.Refused},
	} {
		if err := audit.Record(t.Context(), tx, who, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := audit.Record(t.Context(), tx, actor.ForSystem("keys"), audit.Event{Act: "keys.rotated"}); err != nil {
		t.Fatal(err)
	}

	entries, _, err := audit.List(t.Context(), tx, audit.Filter{UserID: who.UserID}, 10)
	if err != nil || len(entries) != 1 {
		t.Fatalf("got %+v, %v", entries, err)
	}
	e := entries[0]
	if e.Act != "connection.created" || e.Target != "c1" || e.Result != audit.Done || e.ActorKind != "user" || *e.ActorID != who.UserID ||
		*e.IP != who.IP || e.UserAgent != "Firefox" || e.RequestID != "r1" || e.Detail["provider"] != "sandbox" || e.At.IsZero() {
		t.Errorf("got %+v", e)
	}
	all, more, err := audit.List(t.Context(), tx, audit.Filter{}, 2)
	if err != nil || !more || len(all) != 2 || all[0].Act != "keys.rotated" || all[0].ActorID != nil || all[0].UserID != nil || all[0].IP != nil || all[1].Act != "user.disabled" || *all[1].UserID != other {
		t.Errorf("the newest two: %+v, %v", all, err)
	}
}

// Every part of a filter narrows what is found, and pages meet without a gap.
func TestList_Filters(t *testing.T) {
	tx := pgtest.Tx(t)
	nora, ada := uuid.New(), uuid.New()
	for _, e := range []struct {
		who actor.Actor
		e   audit.Event
	}{
		{actor.Actor{Kind: actor.User, UserID: nora}, audit.Event{Act: "login"}},
		{actor.Actor{Kind: actor.Admin, UserID: ada}, audit.Event{Act: "role", UserID: nora}},
		{actor.Actor{}, audit.Event{Act: "login", UserID: nora, Result: audit.Refused}},
		{actor.Actor{Kind: actor.Admin, UserID: ada}, audit.Event{Act: "login"}},
	} {
		if err := audit.Record(t.Context(), tx, e.who, e.e); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for name, c := range map[string]struct {
		f    audit.Filter
		want int
	}{
		"all": {audit.Filter{}, 4}, "hers": {audit.Filter{UserID: nora}, 3}, "hers and by her": {audit.Filter{Person: ada}, 2}, "both": {audit.Filter{Person: nora, UserID: ada}, 0},
		"act": {audit.Filter{Act: "login"}, 3}, "act and result": {audit.Filter{Act: "login", Result: audit.Refused}, 1},
		"from": {audit.Filter{From: now.Add(time.Hour)}, 0}, "before": {audit.Filter{Before: now.Add(-time.Hour)}, 0}, "between": {audit.Filter{From: now.Add(-time.Hour), Before: now.Add(time.Hour)}, 4},
	} {
		var got []int64
		for {
			page, more, err := audit.List(t.Context(), tx, c.f, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page {
				got, c.f.Older = append(got, e.ID), e.ID
			}
			if !more {
				break
			}
		}
		if len(got) != c.want || !slices.IsSortedFunc(got, func(a, b int64) int { return int(b - a) }) {
			t.Errorf("%s: %v, want %d", name, got, c.want)
		}
	}
}

// Nobody changes what was written, whatever their role: not even the owner of the table (AU-2).
// Break AU-2: migrations/0006_seals_invitations.sql: leave out ENABLE ALWAYS
// Break AU-2: migrations/0001_house.sql: CREATE TRIGGER audit_events_append_only without "OR DELETE"
func TestAudit_AU2_AppendOnly(t *testing.T) {
	tx := pgtest.Tx(t)
	if err := audit.Record(t.Context(), tx, actor.ForSystem("test"), audit.Event{Act: "login"}); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`UPDATE audit_events SET act = 'nothing'`,
		`UPDATE audit_events SET act = act WHERE false`,
		`DELETE FROM audit_events`,
		`TRUNCATE audit_events`,
		`TRUNCATE audit_events CASCADE`,
		`SET LOCAL session_replication_role = replica; DELETE FROM audit_events`, // which skips ordinary triggers
		`UPDATE audit_seals SET number = 7`,
		`DELETE FROM audit_seals`,
		`TRUNCATE audit_seals`,
	} {
		err := pgx.BeginFunc(t.Context(), tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), statement)
			return err
		})
		if refusal, ok := errors.AsType[*pgconn.PgError](err); !ok || refusal.Code != "42501" {
			t.Errorf("%s: got %v, want it refused", statement, err)
		}
	}
	if entries, _, err := audit.List(t.Context(), tx, audit.Filter{}, 10); err != nil || len(entries) != 1 || entries[0].Act != "login" {
		t.Errorf("left: %+v, %v", entries, err)
	}
}

// An act that fails leaves no trace of having been done (AU-1).
func TestRecord_InTheTransactionOfTheAct(t *testing.T) {
	tx := pgtest.Tx(t)
	failed := errors.New("the act failed")
	err := pgx.BeginFunc(t.Context(), tx, func(tx pgx.Tx) error {
		if err := audit.Record(t.Context(), tx, actor.ForSystem("test"), audit.Event{Act: "connection.created"}); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if entries, _, err := audit.List(t.Context(), tx, audit.Filter{}, 10); err != nil || len(entries) != 0 {
		t.Errorf("left: %+v, %v", entries, err)
	}
}

func TestRecord_DatabaseAway(t *testing.T) {
	if err := audit.Record(t.Context(), pgtest.Broken(t), actor.Actor{}, audit.Event{Act: "login"}); err == nil {
		t.Error("recorded on a database that is away")
	}
}
