package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/auth"
	"dashtam/services/errs"
)

// Event is a line of the audit log with addresses in place of ids.
type Event struct {
	audit.Entry
	Who   string // e-mail of who acted; empty where no person did or the person is gone
	Whose string // e-mail of whose data it touched, likewise
}

// EventTerms are a search in the audit log as it stands in the address of its page. All may be empty.
type EventTerms struct {
	Person string // an e-mail address, or an id, which also finds people who are gone
	Act    string // a code
	From   string // a day
	To     string // a day, which counts
	Result string
	Cursor string // id of the last line of the page before
}

// Events is a page of the audit log, the newest line first. Days are those of zone. What cannot be searched for is
// Invalid with a sentence per field.
func (s *Service) Events(ctx context.Context, who actor.Actor, t EventTerms, zone *time.Location, limit int) (page []Event, more bool, err error) {
	if err := may(who); err != nil {
		return nil, false, err
	}
	f, err := s.filter(ctx, t, zone)
	if err != nil {
		return nil, false, err
	}
	return s.events(ctx, f, limit)
}

// exportPage is how many lines an export holds in memory.
const exportPage = 500

// ExportEvents hands every line of a search to write, from the newest on. That it was done is a line itself.
func (s *Service) ExportEvents(ctx context.Context, who actor.Actor, t EventTerms, zone *time.Location, write func(Event) error) error {
	if err := may(who); err != nil {
		return err
	}
	f, err := s.filter(ctx, t, zone)
	if err != nil {
		return err
	}
	if err := audit.Record(ctx, s.db, who, audit.Event{Act: "audit.exported"}); err != nil {
		return err
	}
	for {
		page, more, err := s.events(ctx, f, exportPage)
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := write(e); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		f.Older = page[len(page)-1].ID
	}
}

func (s *Service) events(ctx context.Context, f audit.Filter, limit int) (page []Event, more bool, err error) {
	entries, more, err := audit.List(ctx, s.db, f, limit)
	if err != nil {
		return nil, false, err
	}
	addresses, err := s.addresses(ctx, entries)
	if err != nil {
		return nil, false, err
	}
	page = make([]Event, len(entries))
	for i, e := range entries {
		page[i].Entry = e
		if e.ActorID != nil {
			page[i].Who = addresses[*e.ActorID]
		}
		if e.UserID != nil {
			page[i].Whose = addresses[*e.UserID]
		}
	}
	return page, more, nil
}

// addresses are the e-mail addresses of everybody who acted or was acted upon.
func (s *Service) addresses(ctx context.Context, entries []audit.Entry) (map[uuid.UUID]string, error) {
	var ids []uuid.UUID
	for _, e := range entries {
		for _, id := range []*uuid.UUID{e.ActorID, e.UserID} {
			if id != nil {
				ids = append(ids, *id)
			}
		}
	}
	rows, err := s.db.Query(ctx, `SELECT id, email FROM users WHERE id = ANY (@ids::uuid[])`, pgx.NamedArgs{"ids": ids})
	if err != nil {
		return nil, fmt.Errorf("admin: looking up people: %w", err)
	}
	addresses := map[uuid.UUID]string{}
	var id uuid.UUID
	var email string
	if _, err := pgx.ForEachRow(rows, []any{&id, &email}, func() error {
		addresses[id] = email
		return nil
	}); err != nil {
		return nil, fmt.Errorf("admin: looking up people: %w", err)
	}
	return addresses, nil
}

// filter reads terms.
func (s *Service) filter(ctx context.Context, t EventTerms, zone *time.Location) (f audit.Filter, err error) {
	wrong := map[string]string{}
	day := func(name, text string) (d time.Time) {
		if text == "" {
			return d
		}
		d, err := time.ParseInLocation(time.DateOnly, text, zone)
		if err != nil || d.Year() < 2000 || d.Year() > 9999 {
			wrong[name] = "This is no day. Write it like 2026-11-23."
		}
		return d
	}
	f = audit.Filter{Act: t.Act, Result: audit.Result(t.Result), From: day("from", t.From), Before: day("to", t.To)}
	if !f.Before.IsZero() {
		f.Before = f.Before.AddDate(0, 0, 1)
	}
	switch f.Result {
	case "", audit.Done, audit.Refused, audit.Failed:
	default:
		wrong["result"] = "A result is done, refused or failed."
	}
	if t.Cursor != "" {
		if f.Older, err = strconv.ParseInt(t.Cursor, 10, 64); err != nil || f.Older < 1 {
			wrong["before"] = "This link is damaged. Start again from the newest line."
		}
	}
	if f.Person, err = s.person(ctx, t.Person); errors.Is(err, ErrNoPerson) {
		wrong["person"] = "Nobody here has this address. Somebody who is gone can be found by their id."
	} else if err != nil {
		return f, err
	}
	return f, errs.Fields(wrong)
}

// person is the id of an address, or the id that text is.
func (s *Service) person(ctx context.Context, text string) (id uuid.UUID, err error) {
	if text = strings.TrimSpace(text); text == "" {
		return uuid.Nil, nil
	}
	if id, err := uuid.Parse(text); err == nil {
		return id, nil
	}
	err = s.db.QueryRow(ctx, `SELECT id FROM users WHERE email_key = @key`, pgx.NamedArgs{"key": auth.EmailKey(text)}).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, ErrNoPerson
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("admin: looking for a person: %w", err)
	}
	return id, nil
}
