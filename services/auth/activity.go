package auth

import (
	"context"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/audit"
)

// Activity is a page of what touched who's own account and data, whoever did it, the newest first: lines with an id below
// older, 0 = from the newest on. Of others' acts it leaves out where they were.
func (s *Service) Activity(ctx context.Context, who actor.Actor, older int64, limit int) (page []audit.Entry, more bool, err error) {
	if who.UserID == uuid.Nil {
		return nil, false, ErrNotFound
	}
	page, more, err = audit.List(ctx, s.DB, audit.Filter{UserID: who.UserID, Older: older}, limit)
	for i, e := range page {
		if e.ActorID != nil && *e.ActorID != who.UserID {
			page[i].IP, page[i].UserAgent, page[i].RequestID = nil, "", ""
		}
	}
	return page, more, err
}
