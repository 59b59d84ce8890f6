package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Clock tells the database's time without asking for it each time: this machine's, and how far the two were apart when they
// were last compared. Several nodes with several clocks so agree on what is over, as they do where SQL decides; and a clock
// that is wrong, or is put right, neither prolongs anything nor ends it early.
type Clock struct {
	local func() time.Time
	ahead atomic.Int64 // nanoseconds by which the database is
}

// NewClock makes a Clock over this machine's time, which it tells until Compare has succeeded.
func NewClock(local func() time.Time) *Clock { return &Clock{local: local} }

// Now is the database's time.
func (c *Clock) Now() time.Time { return c.local().Add(time.Duration(c.ahead.Load())) }

// slow is an answer that says too little about when it was given.
const slow = 2 * time.Second

// Compare asks for the database's time. It is to be called now and then, since clocks are set.
func (c *Clock) Compare(ctx context.Context, db DB) (apart time.Duration, err error) {
	began, at := c.local(), time.Time{}
	if err := db.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&at); err != nil {
		return 0, fmt.Errorf("postgres: comparing clocks: %w", err)
	}
	took := c.local().Sub(began)
	apart = at.Sub(began.Add(took / 2).Round(0)) // without the monotonic reading
	if took < slow {
		c.ahead.Store(int64(apart))
	}
	return apart, nil
}
