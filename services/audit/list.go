package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres"
)

// Filter chooses entries. The zero value means all.
type Filter struct {
	UserID uuid.UUID // only what touched this person's data
	Person uuid.UUID // only what touched this person's data or was done by them
	Act    string
	Result Result
	From   time.Time // at or after; zero = from the beginning
	Before time.Time // before; zero = up to now
	Older  int64     // only entries with a lower id, for paging; 0 = from the newest on
}

const selectEntries = `
	SELECT id, at, actor_kind, actor_id, user_id, act, target, result, ip, user_agent, request_id, detail
	FROM audit_events
	WHERE (@user::uuid IS NULL OR user_id = @user::uuid)
		AND (@person::uuid IS NULL OR user_id = @person::uuid OR actor_id = @person::uuid)
		AND (@act::text = '' OR act = @act::text) AND (@result::text = '' OR result = @result::text)
		AND (@from::timestamptz IS NULL OR at >= @from::timestamptz) AND (@before::timestamptz IS NULL OR at < @before::timestamptz)
		AND (@older::bigint = 0 OR id < @older::bigint)
	ORDER BY id DESC`

func (f Filter) args() pgx.NamedArgs {
	return pgx.NamedArgs{
		"user": orNull(f.UserID), "person": orNull(f.Person), "act": f.Act, "result": string(f.Result),
		"from": timeOrNull(f.From), "before": timeOrNull(f.Before), "older": f.Older,
	}
}

// List gives a page of at most limit entries, newest first; the last one's id is the next page's Older, if there is more.
func List(ctx context.Context, db postgres.DB, f Filter, limit int) (page []Entry, more bool, err error) {
	args := f.args()
	args["limit"] = limit + 1
	rows, err := db.Query(ctx, selectEntries+` LIMIT @limit`, args)
	if err != nil {
		return nil, false, fmt.Errorf("audit: %w", err)
	}
	if page, err = pgx.CollectRows(rows, pgx.RowToStructByName[Entry]); err != nil {
		return nil, false, fmt.Errorf("audit: %w", err)
	}
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, nil
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
