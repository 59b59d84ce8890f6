package review

import (
	"context"
	"time"

	"dashtam/services/actor"
	"dashtam/services/hashpool"
	"dashtam/services/profile"
)

// Operation is the figures of one operation.
type Operation struct {
	Op          profile.Op
	Lately, Day profile.Figures
}

// Status is how a criterion stands.
type Status struct {
	Criterion
	Measure
	Last Line // the last crossing or return of any node; zero = it never was crossed
}

// Due reports whether the criterion is crossed, by this node's measure or since a line that nobody took back.
func (s Status) Due() bool { return s.Over || s.Last.Crossed }

// Since is since when the criterion is crossed; zero when its line is yet to be written.
func (s Status) Since() time.Time {
	if s.Last.Crossed {
		return s.Last.At
	}
	return time.Time{}
}

// Report is everything the administrators' page shows.
type Report struct {
	Now, Began    time.Time
	Span          time.Duration // of the pictures: profile.Lately or profile.Day
	Cores         int
	Hashes        hashpool.Stats
	Operations    []Operation     // the document's table
	Stages        []Operation     // of a login that worked, in order; the whole stands last
	Pages         Operation       // all of them
	Alone, Beside profile.Figures // of five minutes: pages while no password was hashed, and while one was
	Scheduler     Operation
	LoggingIn     int // now
	LoginsAtOnce  int // the peak of five minutes
	SentAway      int // of five minutes
	FeltSlow      int // of a day
	Criteria      []Status
	Lines         []Line
	PagesOver     []profile.Point
	LoginsOver    []profile.Point
	WaitingOver   []profile.Point
}

var (
	operations = []profile.Op{
		profile.Hash, profile.Verify, profile.JWTIssue, profile.JWTVerify, profile.Seal, profile.Open, profile.Query,
		profile.Provider, profile.Mail, profile.Redis, profile.Render,
	}
	stages = []profile.Op{
		profile.LoginFind, profile.LoginWait, profile.LoginVerify, profile.LoginStart, profile.LoginWrite, profile.Login,
	}
)

// lines is how many of them a report holds.
const lines = 12

// Report gives administrators the state of things, with pictures over span. Errors: ErrNotAdmin.
func (s *Service) Report(ctx context.Context, who actor.Actor, span time.Duration) (Report, error) {
	if who.Kind != actor.Admin {
		return Report{}, ErrNotAdmin
	}
	last, err := s.newest(ctx)
	if err != nil {
		return Report{}, err
	}
	p := s.Profile
	r := Report{
		Now: s.Now(), Began: p.Since(), Span: span, Cores: s.Cores, Hashes: s.Hashes.Stats(),
		Operations: s.several(operations), Stages: s.several(stages), Scheduler: s.one(profile.Scheduler),
		Alone: p.Figures(profile.Page, profile.Lately), Beside: p.Figures(profile.PageBeside, profile.Lately),
		LoggingIn:    p.LoggingIn(),
		LoginsAtOnce: p.Peak(profile.AtOnce, profile.Lately), SentAway: p.Events(profile.SentAway, profile.Lately),
		FeltSlow:    p.Events(profile.FeltSlow, profile.Day),
		PagesOver:   p.Over(span, profile.Page, profile.PageBeside),
		LoginsOver:  p.Over(span, profile.Login),
		WaitingOver: p.LevelOver(profile.Waiting, span),
	}
	r.Pages = Operation{
		Op: profile.Page, Lately: p.Together(profile.Lately, profile.Page, profile.PageBeside),
		Day: p.Together(profile.Day, profile.Page, profile.PageBeside),
	}
	for _, c := range Criteria {
		r.Criteria = append(r.Criteria, Status{c, s.measure(c), last[c]})
	}
	r.Lines, err = s.latest(ctx, lines)
	return r, err
}

func (s *Service) several(ops []profile.Op) (list []Operation) {
	for _, op := range ops {
		list = append(list, s.one(op))
	}
	return list
}

func (s *Service) one(op profile.Op) Operation {
	return Operation{op, s.Profile.Figures(op, profile.Lately), s.Profile.Figures(op, profile.Day)}
}
