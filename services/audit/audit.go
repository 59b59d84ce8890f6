package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/postgres"
)

// Result is how an act ended. Its zero value is stored as Done.
type Result string

// The results an event can have.
const (
	Done    Result = "done"
	Refused Result = "refused" // the rules said no
	Failed  Result = "failed"  // it was allowed and did not work
)

// Event is one act to be recorded.
type Event struct {
	Act    string            // a known code: "login", "connection.created"
	UserID uuid.UUID         // whose data it touched; uuid.Nil = the actor's own
	Target string            // id of the thing acted on, or empty
	Result Result            // empty = Done
	Detail map[string]string // known codes and figures only, never secrets or outside text
}

// Entry is one recorded act.
type Entry struct {
	ID        int64
	At        time.Time
	ActorKind string
	ActorID   *uuid.UUID
	UserID    *uuid.UUID
	Act       string
	Target    string
	Result    Result
	IP        *netip.Addr
	UserAgent string
	RequestID string
	Detail    map[string]string
}

// Record writes e as done by who, through db: the caller's transaction wherever the act changes something.
func Record(ctx context.Context, db postgres.DB, who actor.Actor, e Event) error {
	if e.UserID == uuid.Nil {
		e.UserID = who.UserID
	}
	if e.Result == "" {
		e.Result = Done
	}
	if e.Detail == nil {
		e.Detail = map[string]string{}
	}
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	_, err = db.Exec(ctx, `
		INSERT INTO audit_events (actor_kind, actor_id, user_id, act, target, result, ip, user_agent, request_id, detail)
		VALUES (@kind, @actor, @user, @act, @target, @result, @ip, @agent, @request, @detail)`,
		pgx.NamedArgs{
			"kind": who.Kind.String(), "actor": orNull(who.UserID), "user": orNull(e.UserID), "act": e.Act, "target": e.Target,
			"result": string(e.Result), "ip": addrOrNull(who.IP), "agent": who.UserAgent, "request": who.RequestID, "detail": string(detail),
		})
	if err != nil {
		return fmt.Errorf("audit: recording %s: %w", e.Act, err)
	}
	return nil
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func addrOrNull(a netip.Addr) *netip.Addr {
	if !a.IsValid() {
		return nil
	}
	return &a
}
