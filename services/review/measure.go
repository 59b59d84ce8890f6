package review

import (
	"time"

	"dashtam/services/profile"
)

// Criterion is one of the document's four.
type Criterion string

// The criteria, as the column review_lines.criterion holds them.
const (
	Pages     Criterion = "pages"
	Logins    Criterion = "logins"
	CPU       Criterion = "cpu"
	SlowLogin Criterion = "slow_login"
)

// Criteria are all of them in the document's order.
var Criteria = [...]Criterion{Pages, Logins, CPU, SlowLogin}

// The document's thresholds, and what is needed to speak of a percentile at all.
const (
	PageLimit = 500 * time.Millisecond
	CPULimit  = 0.9 // of all cores' time, for a minute: "saturates"
	ForP95    = 20  // pages; of fewer the 95th percentile is the slowest one
	ForP99    = 100
)

// Measure is what a criterion stands at.
type Measure struct {
	Value float64 // seconds, logins at once, or a share of the cores
	Over  bool    // the document's condition holds
}

// Limit is the value that must be exceeded.
func (c Criterion) Limit() float64 {
	return map[Criterion]float64{
		Pages: PageLimit.Seconds(), Logins: profile.Crowd, CPU: CPULimit, SlowLogin: profile.SlowLogin.Seconds(),
	}[c]
}

func (s *Service) measure(c Criterion) Measure {
	switch c {
	case Pages:
		return s.pages()
	case Logins:
		peak := s.Profile.Peak(profile.AtOnce, profile.Lately)
		return Measure{float64(peak), peak > profile.Crowd && s.Profile.Events(profile.CrowdTrouble, profile.Lately) > 0}
	case CPU:
		share := s.hashing()
		return Measure{share, share > CPULimit}
	case SlowLogin:
		p95 := s.Profile.Figures(profile.Login, profile.Lately).P95
		return Measure{p95.Seconds(), p95 > profile.SlowLogin}
	}
	return Measure{}
}

// pages are those answered while a password was being hashed. They are slow because of it if those answered while none
// was are not slow: of the same five minutes, or of the day when there were too few.
func (s *Service) pages() Measure {
	beside := s.Profile.Figures(profile.PageBeside, profile.Lately)
	others := s.Profile.Figures(profile.Page, profile.Lately)
	if others.Count < ForP95 {
		others = s.Profile.Figures(profile.Page, profile.Day)
	}
	worst := slowest(beside)
	return Measure{worst.Seconds(), worst > PageLimit && slowest(others) <= PageLimit}
}

// slowest is the highest percentile that the number of pages bears.
func slowest(f profile.Figures) time.Duration {
	switch {
	case f.Count >= ForP99:
		return max(f.P95, f.P99)
	case f.Count >= ForP95:
		return f.P95
	}
	return 0
}

// hashing is the share of all cores' time that went into hashing in the last minute. Hashes that share a core count more
// than once, so it stops at one.
func (s *Service) hashing() float64 {
	now := s.Now()
	took := s.Profile.Together(time.Minute, profile.Hash, profile.Verify).Sum
	covered := time.Minute - profile.LatelyStep + now.Sub(now.Truncate(profile.LatelyStep))
	return min(took.Seconds()/covered.Seconds()/float64(s.Cores), 1)
}
