package pages

import (
	"fmt"
	"strings"
	"time"

	"dashtam/services/admin"
	"dashtam/services/connections"
	"dashtam/views/components"
)

// adminTabs are the pages for administrators; here is the path of the one that is shown.
func adminTabs(here string) []components.Place {
	places := []components.Place{
		{Label: "Health", Href: "/admin"}, {Label: "People", Href: "/admin/users"},
		{Label: "Connections", Href: "/admin/connections"}, {Label: "Providers", Href: ProvidersPath}, {Label: "Jobs", Href: JobsPath}, {Label: "Mail", Href: MailPath}, {Label: "Doctor", Href: DoctorPath},
		{Label: "Audit", Href: "/admin/audit"}, {Label: "Performance", Href: PerformancePath}, {Label: "Settings", Href: "/admin/settings"},
	}
	for i := range places {
		places[i].Here = places[i].Href == here
	}
	return places
}

// Admin is the state of the installation on one page.
type Admin struct {
	Counts admin.Counts
	Events []admin.Event
	Now    time.Time
}

// statuses are a connection's in the order of look.md.
var statuses = []connections.Status{
	connections.Healthy, connections.Syncing, connections.Renew, connections.NeedsYou, connections.Paused, connections.Disconnected,
}

func (p Admin) head() components.HeadProps {
	h := components.HeadProps{Title: "Health", Answer: "Running well."}
	var troubles []string
	if n := p.Counts.Connections[connections.Paused]; n > 0 {
		troubles = append(troubles, components.Plural(n, "connection")+" "+verb(n, "waits", "wait")+" for a bank")
	}
	if n := p.Counts.GivenUp; n > 0 {
		troubles = append(troubles, components.Plural(n, "job")+" "+verb(n, "was", "were")+" given up")
	}
	if len(troubles) > 0 {
		h.Answer = components.Sentence(strings.Join(troubles, ", and ")) + "."
	}
	if n := p.Counts.Connections[connections.NeedsYou]; n > 0 {
		h.Sub = components.Plural(n, "connection") + " " + verb(n, "needs its owner.", "need their owners.")
	}
	return h
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (p Admin) stats() []components.Stat {
	c, needs := p.Counts, p.Counts.Connections[connections.NeedsYou]
	worked, waiting := "none in that time", "none waits"
	if c.Syncs > 0 {
		worked = components.Percent(float64(c.SyncsDone)/float64(c.Syncs)) + " worked"
	}
	if c.Oldest != nil {
		waiting = "oldest " + components.Took(max(p.Now.Sub(*c.Oldest), time.Second))
	}
	return []components.Stat{
		{Label: "People", Value: components.Count(c.People), Note: components.Count(c.Active) + " signed in this week"},
		{Label: "Connections", Value: components.Count(c.Total()), Note: components.Count(needs) + verb(needs, " needs its owner", " need their owners")},
		{Label: "Syncs, 24 hours", Value: components.Count(c.Syncs), Note: worked},
		{Label: "Jobs waiting", Value: components.Count(c.Waiting), Note: waiting},
		{Label: "Jobs failing", Value: components.Count(c.Failing), Note: components.Count(c.GivenUp) + " given up"},
	}
}

// share is how much of all connections have a status, as an SVG width.
func (p Admin) share(s connections.Status) string {
	all := 0
	for _, n := range p.Counts.Connections {
		all += n
	}
	if all == 0 {
		return "0%"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(p.Counts.Connections[s])/float64(all))
}

// AdminConnections is a page of the list of connections.
type AdminConnections struct {
	Pauses []connections.Pause
	List   []admin.Connection
	Status connections.Status // only this one; empty = all
	Older  string
	Now    time.Time
}

// pause is a bank that is left alone as a whole.
func (p AdminConnections) pause(b connections.Pause) components.NoticeProps {
	what := " refuses everybody, so the fault is most likely its own. Nobody was asked to sign in again."
	if b.Cause == connections.CauseProvider {
		what = " refuses Dashtam itself: look at the client it knows us by."
	}
	return components.NoticeProps{
		Kind: "warn", Label: "Paused bank", Class: "mb-6", Title: b.Provider + " is paused for " + components.Plural(b.Connections, "connection") + ".",
		Text: components.Sentence(b.Provider) + what + " Since " + lowerFirst(components.When(b.Since.In(p.Now.Location()), p.Now)) +
			"; one connection tries " + components.WhenInSentence(b.NextTry, p.Now) + ", and when that works all go on.",
	}
}

func (p AdminConnections) filters() []components.Place {
	places := []components.Place{{Label: "All", Href: "/admin/connections", Here: p.Status == ""}}
	for _, s := range statuses {
		places = append(places, components.Place{
			Label: components.StatusWord(string(s)), Href: "/admin/connections?status=" + string(s), Here: p.Status == s,
		})
	}
	return places
}

// stateSince is since when a connection stands as it does, and the code of the cause.
func stateSince(c admin.Connection, now time.Time) string {
	s := "since " + lowerFirst(components.When(c.StatusSince, now))
	if c.Cause != "" {
		s += ", " + c.Cause
	}
	return s
}

// maybeWhen is a moment that may not have come.
func maybeWhen(t *time.Time, now time.Time, never string) string {
	if t == nil {
		return never
	}
	return components.When(*t, now)
}
