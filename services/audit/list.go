package audit

import (
	"context"
	"fmt"
	"strings"
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

// byTime reports that days alone narrow the search down. Then entries come in the order of their times: those of a day
// long ago must not be looked for from today backwards.
func (f Filter) byTime() bool {
	return (!f.From.IsZero() || !f.Before.IsZero()) && f.UserID == uuid.Nil && f.Person == uuid.Nil
}

// where is f as a condition with its arguments. What is not asked for does not stand in it, so that an index serves what
// is, whatever plan the database keeps.
func (f Filter) where() (string, pgx.NamedArgs) {
	args := pgx.NamedArgs{}
	conditions := []string{"true"}
	with := func(asked bool, condition, name string, value any) {
		if asked {
			conditions = append(conditions, condition)
			args[name] = value
		}
	}
	with(f.UserID != uuid.Nil, "user_id = @user", "user", f.UserID)
	with(f.Person != uuid.Nil, "(user_id = @person OR actor_id = @person)", "person", f.Person)
	with(f.Act != "", "act = @act", "act", f.Act)
	with(f.Result == Done, "result = @result", "result", string(f.Result))
	with(f.Result != "" && f.Result != Done, "result = @result AND result <> 'done'", "result", string(f.Result)) // as the index says it
	with(!f.From.IsZero(), "at >= @from", "from", f.From)
	with(!f.Before.IsZero(), "at < @before", "before", f.Before)
	with(f.Older > 0 && !f.byTime(), "id < @older", "older", f.Older)
	with(f.Older > 0 && f.byTime(), "(at, id) < ((SELECT at FROM audit_events WHERE id = @older), @older)", "older", f.Older)
	return strings.Join(conditions, " AND "), args
}

// List gives a page of at most limit entries, newest first; the last one's id is the next page's Older, if there is more.
func List(ctx context.Context, db postgres.DB, f Filter, limit int) (page []Entry, more bool, err error) {
	where, args := f.where()
	args["limit"] = limit + 1
	order := "id DESC"
	if f.byTime() {
		order = "at DESC, id DESC"
	}
	rows, err := db.Query(ctx, `
		SELECT id, at, actor_kind, actor_id, user_id, act, target, result, ip, user_agent, request_id, detail
		FROM audit_events WHERE `+where+` ORDER BY `+order+` LIMIT @limit`, args)
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
