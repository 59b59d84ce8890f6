package review

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"dashtam/services/actor"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/limits"
	"dashtam/services/postgres"
	"dashtam/services/profile"
)

// ErrNotAdmin is what everybody else is told.
var ErrNotAdmin = errs.New(errs.Forbidden, "This page is for administrators.")

// feltSlow bounds what one network may say, so that the count means something.
var feltSlow = limits.Rule{Name: "felt_slow", Max: 5, Window: time.Hour}

// calm is how long a criterion must stay below before it is back.
const calm = time.Minute

// Config is what a Service works with. Everything is required.
type Config struct {
	DB      postgres.DB
	Profile *profile.Profile
	Hashes  *hashpool.Pool
	Limits  *limits.Service
	Log     *slog.Logger
	Now     func() time.Time
	Cores   int
}

// Service watches the criteria.
type Service struct {
	Config
	mu     sync.Mutex
	states map[Criterion]*state // nil until the table was read
}

// state is how a criterion stands for this node.
type state struct {
	crossed  bool
	lastOver time.Time
	worst    float64 // since it was crossed
}

// New makes a Service. It does no I/O.
func New(c Config) *Service { return &Service{Config: c} }

// Evaluate measures every criterion and writes a line for each that was crossed or is back. It is called every few
// seconds; what could not be written is tried again with the next call.
func (s *Service) Evaluate(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	var failed error
	for _, c := range Criteria {
		if err := s.judge(ctx, c, s.states[c]); err != nil {
			failed = errors.Join(failed, fmt.Errorf("review: noting %s: %w", c, err))
		}
	}
	return failed
}

// judge moves one criterion on.
func (s *Service) judge(ctx context.Context, c Criterion, st *state) error {
	m, now := s.measure(c), s.Now()
	switch {
	case m.Over && !st.crossed:
		if err := s.write(ctx, Line{At: now, Criterion: c, Crossed: true, Value: m.Value}); err != nil {
			return err
		}
		s.Log.WarnContext(ctx, "review criterion crossed", "criterion", string(c), "value", m.Value, "limit", c.Limit())
		*st = state{true, now, m.Value}
	case m.Over:
		st.lastOver, st.worst = now, max(st.worst, m.Value)
	case st.crossed && now.Sub(st.lastOver) >= calm:
		if err := s.write(ctx, Line{At: now, Criterion: c, Value: st.worst}); err != nil {
			return err
		}
		s.Log.InfoContext(ctx, "review criterion back", "criterion", string(c), "worst", st.worst, "limit", c.Limit())
		*st = state{}
	}
	return nil
}

// load takes up where the process before left off.
func (s *Service) load(ctx context.Context) error {
	if s.states != nil {
		return nil
	}
	last, err := s.newest(ctx)
	if err != nil {
		return err
	}
	s.states = map[Criterion]*state{}
	for _, c := range Criteria {
		s.states[c] = &state{}
		if l, ok := last[c]; ok && l.Crossed {
			s.states[c] = &state{true, s.Now(), l.Value}
		}
	}
	return nil
}

// FeltSlow counts that somebody found signing in slow. Errors: RateLimited.
func (s *Service) FeltSlow(ctx context.Context, who actor.Actor) error {
	if err := s.Limits.Allow(ctx, feltSlow, limits.AddressSubject(who.IP)); err != nil {
		return err
	}
	s.Profile.Count(profile.FeltSlow)
	s.Log.InfoContext(ctx, "signing in felt slow", "request_id", who.RequestID)
	return nil
}
