package pages

import (
	"strings"
	"time"

	"dashtam/services/profile"
	"dashtam/services/review"
	"dashtam/views/components"
)

// row is one line of the document's table.
type row struct {
	review.Operation
	Name, How, Design string
	From, Upto        time.Duration // the design's figure
	Limit             time.Duration // up to which a p95 is acceptable
	Compute           bool
	Wrapper           string
}

var rowFacts = map[profile.Op]row{
	profile.Hash:      {Name: "Hash a password", How: "bcrypt, cost 12", Design: "~300 ms", From: 200 * time.Millisecond, Upto: 400 * time.Millisecond, Limit: 500 * time.Millisecond, Compute: true},
	profile.Verify:    {Name: "Verify a password", How: "bcrypt, cost 12", Design: "~300 ms", From: 200 * time.Millisecond, Upto: 400 * time.Millisecond, Limit: 500 * time.Millisecond, Compute: true},
	profile.JWTIssue:  {Name: "Issue a JWT", How: "HS256", Design: "< 1 ms", From: time.Microsecond, Upto: time.Millisecond, Limit: time.Millisecond, Compute: true},
	profile.JWTVerify: {Name: "Verify a JWT", How: "HS256", Limit: time.Millisecond, Compute: true},
	profile.Seal:      {Name: "Encrypt a bank token", How: "AES-256-GCM", Design: "< 1 ms", From: time.Microsecond, Upto: time.Millisecond, Limit: time.Millisecond, Compute: true},
	profile.Open:      {Name: "Decrypt a bank token", How: "AES-256-GCM", Limit: time.Millisecond, Compute: true},
	profile.Query:     {Name: "Query the database", How: "PostgreSQL", Design: "1–50 ms", From: time.Millisecond, Upto: 50 * time.Millisecond, Limit: 50 * time.Millisecond},
	profile.Provider:  {Name: "Call a bank", How: "HTTP", Design: "100–1,000 ms", From: 100 * time.Millisecond, Upto: time.Second, Limit: time.Second},
	profile.Mail:      {Name: "Send a mail", How: "from a job; nobody waits", Limit: 10 * time.Second},
	profile.Redis:     {Name: "Ask Redis", How: "where there is one", Limit: 5 * time.Millisecond},
	profile.Render:    {Name: "Render a page", How: "templates to HTML", Limit: 10 * time.Millisecond, Compute: true},
}

func (p Performance) rows() (list []row) {
	for _, o := range p.Operations {
		r := rowFacts[o.Op]
		r.Operation = o
		r.Wrapper = r.wrapper(p.Hashes.Workers)
		list = append(list, r)
	}
	return list
}

// wrapper answers the document's column "Async Needed?".
func (r row) wrapper(workers int) string {
	switch {
	case !r.Compute:
		return "Already asynchronous"
	case (r.Op == profile.Hash || r.Op == profile.Verify) && workers == 0:
		return "Switched off"
	case r.Op == profile.Hash || r.Op == profile.Verify:
		return "Has one: hashpool"
	case r.Day.P99 > 10*time.Millisecond:
		return "Look: over a turn of 10 ms"
	default:
		return "No"
	}
}

// acceptable judges the day.
func (r row) acceptable() (tone components.Tone, icon, words string) {
	switch f := r.Day; {
	case f.Count == 0:
		return components.Quiet, "ellipsis", "Not seen"
	case f.P95 > r.Limit:
		return components.Bad, "circle-alert", "No"
	case f.P99 > r.Limit:
		return components.Close, "triangle-alert", "Watch p99"
	default:
		return components.Good, "check", "Yes"
	}
}

func (r row) scale() components.ScaleProps {
	s := components.ScaleProps{From: r.From, Upto: r.Upto, Label: r.Name + ": not seen yet"}
	if r.Day.Count > 0 {
		s.P50, s.P99 = r.Day.P50, r.Day.P99
		s.Label = r.Name + " in 24 hours: p50 " + components.Measured(s.P50) + ", p99 " + components.Measured(s.P99)
	}
	return s
}

// limit is up to where a p95 is acceptable: "50 ms", "1 s".
func (r row) limit() string {
	return strings.Replace(strings.Replace(components.Measured(r.Limit), ".00", "", 1), ".0", "", 1)
}

// figure is a percentile, where something was measured.
func figure(f profile.Figures, d time.Duration) string {
	if f.Count == 0 {
		return "none"
	}
	return components.Measured(d)
}
