package pages

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dashtam/services"
	"dashtam/services/profile"
	"dashtam/services/review"
	"dashtam/views/components"
)

// PerformancePath is the page, and where its live part asks for itself.
const PerformancePath = "/admin/performance"

// Performance answers the founding document's question with figures.
type Performance struct {
	review.Report
	Live      bool // the page asks for newer figures by itself
	Now       time.Time
	Classes   []services.Class
	Decisions []services.Decision
}

// enough pages to speak of a 95th percentile, else the day's are taken.
func (p Performance) pages() profile.Figures {
	if p.Pages.Lately.Count >= review.ForP95 {
		return p.Pages.Lately
	}
	return p.Pages.Day
}

func (p Performance) status(c review.Criterion) review.Status {
	for _, s := range p.Criteria {
		if s.Criterion == c {
			return s
		}
	}
	return review.Status{Criterion: c}
}

func (p Performance) due() (list []review.Status) {
	for _, s := range p.Criteria {
		if s.Due() {
			list = append(list, s)
		}
	}
	return list
}

// answer is the first sentence: whether anybody waits for somebody else's password.
func (p Performance) answer() string {
	all, beside := p.pages(), p.Beside
	if all.Count == 0 {
		return "Nothing was measured yet."
	}
	pages := "pages answer in " + components.Measured(all.P95) + " at the 95th percentile"
	if p.status(review.Pages).Over {
		return "Pages wait for other people's passwords: " + components.Measured(beside.P95) + " at the 95th percentile while one is hashed."
	}
	if login := p.login(); p.status(review.SlowLogin).Over || p.status(review.Logins).Over {
		words := "Signing in is slow"
		if login.Count > 0 {
			words += ", " + components.Measured(login.P95) + " at the 95th percentile"
		}
		return words + ", and nobody else waits: " + pages + "."
	}
	if beside.Count >= review.ForP95 {
		pages += ", and in " + components.Measured(beside.P95) + " while passwords are hashed"
	}
	return "Nobody waits for somebody else's password: " + pages + "."
}

func (p Performance) login() profile.Figures { return p.Stages[len(p.Stages)-1].Lately }

func (p Performance) sub() string {
	return fmt.Sprintf("Measured by this process since %s, on %s. In the last five minutes: %s, %s, at most %s at once.",
		components.WhenInSentence(p.Began, p.Now), components.Plural(p.Cores, "core"), components.Plural(p.Pages.Lately.Count, "page"),
		components.Plural(p.login().Count, "sign-in"), components.Count(p.LoginsAtOnce))
}

// nextReview is the document's rule applied.
func (p Performance) nextReview() (due bool, sentence string) {
	var because []string
	var since time.Time
	for _, s := range p.due() {
		because = append(because, dueBecause[s.Criterion])
		if at := s.Since(); !at.IsZero() && (since.IsZero() || at.Before(since)) {
			since = at
		}
	}
	if len(because) == 0 {
		return false, "not due."
	}
	words := "due"
	if !since.IsZero() {
		words += " since " + components.WhenInSentence(since, p.Now)
	}
	return true, words + ", because " + components.List(because) + "."
}

var dueBecause = map[review.Criterion]string{
	review.Pages:     "pages are slow because of hashing",
	review.Logins:    "over 100 people sign in at once and some are in trouble",
	review.CPU:       "bcrypt saturates the CPU",
	review.SlowLogin: "signing in takes over a second",
}

var criterionLimits = map[review.Criterion]string{review.Pages: "500 ms", review.Logins: "100", review.CPU: "90 %", review.SlowLogin: "1 s"}

// criterion is one of the four as the page shows it.
type criterion struct {
	review.Status
	Title, Value, Unit, Limit string
	Measured, Does            string
}

func (p Performance) criteria() (list []criterion) {
	for _, s := range p.Criteria {
		c := criterion{Status: s, Value: criterionValue(s.Criterion, s.Value), Limit: criterionLimits[s.Criterion]}
		switch s.Criterion {
		case review.Pages:
			c.Title, c.Unit = "Slow pages because of hashing", "slowest of p95 and p99"
			c.Measured = "Pages and lists answered while a password was hashed, over five minutes. Crossed by a p95 or p99 over 500 ms, unless pages without a hash are as slow: then hashing is not why. A p95 takes 20 pages, a p99 100."
			c.Does = p.placement()
		case review.Logins:
			c.Title, c.Unit = "Simultaneous logins", "at once, peak of 5 min"
			c.Measured = "Logins going on at the same moment. Crossed when they are over 100 and one of that crowd took over a second or was sent away."
			c.Does = "Devices that signed in before go first. Who would wait over 15 s hears so at once, and their browser tries again by itself."
		case review.CPU:
			c.Title, c.Unit = "CPU taken by bcrypt", "of "+components.Plural(p.Cores, "core")+", last minute"
			c.Measured = "Time spent hashing against the time of all cores, over a minute. Crossed above 90 %."
			c.Does = p.placement()
		case review.SlowLogin:
			c.Title, c.Unit = "Time to sign in", "p95 of 5 min"
			c.Measured = "Logins that worked, from the first limit checked to the session written, waiting included. Crossed by a p95 over 1 s."
			c.Does = "A page after a slow one says so, and asks whether it felt slow. " + p.complaints()
		}
		list = append(list, c)
	}
	return list
}

func (p Performance) complaints() string {
	if p.FeltSlow == 0 {
		return "Nobody pressed “Signing in felt slow” in 24 hours."
	}
	return "“Signing in felt slow” was pressed " + components.Plural(p.FeltSlow, "time") + " in 24 hours."
}

// placement is where hashes run.
func (p Performance) placement() string {
	if p.Hashes.Workers == 0 {
		return "Hashes run in line, as many at once as there are logins (DASHTAM_HASH_WORKERS is 0)."
	}
	if n := p.Hashes.Processes; n > 0 {
		return verb(n, "One process of the lowest priority hashes", components.Count(n)+" processes of the lowest priority hash") + ", in the time that pages leave."
	}
	return verb(p.Hashes.Workers, "One password is hashed at a time", "At most "+components.Count(p.Hashes.Workers)+" passwords are hashed at once") + "; the others wait their turn."
}

// state is under, close or over the limit. A criterion whose limit is passed without its other condition is close.
func (c criterion) state() (tone components.Tone, icon, words string) {
	share := c.share()
	switch {
	case c.Due() && c.Over:
		return components.Bad, "circle-alert", "Over"
	case c.Due():
		return components.Close, "triangle-alert", "Just back under"
	case share >= 0.8:
		return components.Close, "triangle-alert", "Close, " + wholePercent(share) + " of the limit"
	default:
		return components.Good, "check", "Under, " + wholePercent(share) + " of the limit"
	}
}

func (c criterion) share() float64 { return c.Measure.Value / c.Criterion.Limit() }

// since is the rest of the state.
func (c criterion) since(now time.Time) string {
	switch at := c.Last.At; {
	case at.IsZero():
		return "Never crossed so far."
	case c.Last.Crossed:
		return "Since " + components.WhenInSentence(at, now) + "."
	default:
		return "Back since " + components.WhenInSentence(at, now) + "; at worst " + criterionValue(c.Criterion, c.Last.Value) + "."
	}
}

func (c criterion) gauge() components.GaugeProps {
	return components.GaugeProps{
		Label: c.Title + ": " + c.Value + ", " + wholePercent(c.share()) + " of the limit of " + c.Limit, Share: c.share(), Limit: c.Limit,
	}
}

func wholePercent(share float64) string { return strconv.Itoa(int(share*100+0.5)) + " %" }

// criterionValue is a figure in a criterion's unit.
func criterionValue(c review.Criterion, v float64) string {
	switch {
	case c == review.Logins:
		return components.Count(int(v))
	case c == review.CPU:
		return wholePercent(v)
	case v == 0:
		return "none yet"
	}
	return components.Measured(time.Duration(v * float64(time.Second)))
}

func lineWords(l review.Line) string {
	value := criterionValue(l.Criterion, l.Value)
	what := map[review.Criterion]string{
		review.Pages: "Slow pages because of hashing", review.Logins: "Simultaneous logins", review.CPU: "CPU taken by bcrypt", review.SlowLogin: "Time to sign in",
	}[l.Criterion]
	if l.Crossed {
		return what + ": crossed the limit, with " + value + "."
	}
	return what + ": back under the limit; at worst " + value + "."
}

// schedulerSentences say what Go has in place of a blocked event loop.
func (p Performance) schedulerSentence() string {
	f := p.Scheduler.Lately
	if f.Count == 0 {
		return "Not measured yet: the first look comes ten seconds after the start."
	}
	words := "Work that was ready waited " + components.Measured(f.P99) + " for a processor (99th percentile of five minutes). "
	if f.P99 <= 10*time.Millisecond {
		return words + "Nothing computes so long that others stand in line."
	}
	return words + "That is over one turn of 10 ms: something computes while others stand in line."
}

func (p Performance) schedulerGauge() components.GaugeProps {
	g := components.GaugeProps{Label: "Scheduler latency: nothing measured yet", Share: -1, Limit: "10 ms"}
	if f := p.Scheduler.Lately; f.Count > 0 {
		g.Share = f.P99.Seconds() / 0.010
		g.Label = "Scheduler latency: p99 " + components.Measured(f.P99) + ", one turn is 10 ms"
	}
	return g
}

// waits says how many of all services are I/O.
func (p Performance) waits() (n int) {
	for _, c := range p.Classes {
		if c.IO {
			n++
		}
	}
	return n
}

var stageNames = map[profile.Op][2]string{
	profile.LoginFind:   {"Find the user", "one query"},
	profile.LoginWait:   {"Wait", "for one's turn to be hashed"},
	profile.LoginVerify: {"Verify the password", "bcrypt"},
	profile.LoginStart:  {"Create the session", "one statement"},
	profile.LoginWrite:  {"Write", "last login and audit, committed"},
	profile.Login:       {"All of it", "limits included"},
}

func (p Performance) poolStats() []components.Stat {
	h := p.Hashes
	workers := components.Count(h.Busy) + " of " + components.Count(h.Workers)
	if h.Workers == 0 {
		workers = components.Count(h.Busy)
	}
	return []components.Stat{
		{Label: "Signing in now", Value: components.Count(p.LoggingIn), Note: "at most " + components.Count(p.LoginsAtOnce) + " in 5 min"},
		{Label: "Hashing now", Value: workers, Note: "one hash takes " + components.Measured(h.Mean)},
		{Label: "Waiting, known devices", Value: components.Count(h.WaitingKnown), Note: "they go first"},
		{Label: "Waiting, strangers", Value: components.Count(h.WaitingNew), Note: "turned away beyond 15 s"},
		{Label: "Not served, 5 min", Value: components.Count(p.SentAway), Note: components.Count(int64(h.Shed)) + " sent away since the start"},
	}
}

func (p Performance) series() []components.SeriesProps {
	seconds := func(v float64) string { return components.Measured(time.Duration(v * float64(time.Second))) }
	return []components.SeriesProps{
		{Title: "Pages, p95", Points: p.PagesOver, Format: seconds, Limit: review.PageLimit.Seconds(), LimitLabel: criterionLimits[review.Pages], Now: p.Now, Empty: "No page was asked for."},
		{Title: "Sign-ins, p95", Points: p.LoginsOver, Format: seconds, Limit: profile.SlowLogin.Seconds(), LimitLabel: criterionLimits[review.SlowLogin], Now: p.Now, Empty: "Nobody signed in."},
		{Title: "Waiting for a hash", Points: p.WaitingOver, Format: func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }, Least: 4, Now: p.Now, Empty: "Nobody waited."},
	}
}

// link is this page with another span or pace.
func (p Performance) link(day, live bool) string {
	query := []string{}
	if day {
		query = append(query, "span=24h")
	}
	if !live {
		query = append(query, "live=off")
	}
	if len(query) == 0 {
		return PerformancePath
	}
	return PerformancePath + "?" + strings.Join(query, "&")
}

func (p Performance) day() bool { return p.Span == profile.Day }

func (p Performance) spans() []components.Place {
	return []components.Place{
		{Label: "5 min", Href: p.link(false, p.Live), Here: !p.day()}, {Label: "24 h", Href: p.link(true, p.Live), Here: p.day()},
	}
}

func (p Performance) poll() string {
	if p.day() {
		return PerformancePath + "/live?span=24h"
	}
	return PerformancePath + "/live"
}

// newestFirst is the decision log as it is read.
func (p Performance) newestFirst() []services.Decision {
	list := make([]services.Decision, 0, len(p.Decisions))
	for i := len(p.Decisions) - 1; i >= 0; i-- {
		list = append(list, p.Decisions[i])
	}
	return list
}

func decided(d services.Decision, now time.Time) string {
	at, err := time.Parse(time.DateOnly, d.Date)
	if err != nil {
		return d.Date
	}
	return components.Date(at, now)
}
