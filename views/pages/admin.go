package pages

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dashtam/services/admin"
	"dashtam/services/audit"
	"dashtam/services/connections"
	"dashtam/views/components"
)

// adminTabs are the pages for administrators; here is the path of the one that is shown.
func adminTabs(here string) []components.Place {
	places := []components.Place{
		{Label: "Health", Href: "/admin"}, {Label: "People", Href: "/admin/users"},
		{Label: "Connections", Href: "/admin/connections"}, {Label: "Jobs", Href: "/admin/jobs"},
		{Label: "Mail", Href: MailPath},
		{Label: "Performance", Href: PerformancePath},
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

// acts are the codes of the audit log in words.
var acts = map[string]string{ //nolint:gosec // no credentials: words about them
	"login": "Signed in", "logout": "Signed out", "signup": "Signed up", "signup.taken": "Signed up with a known address",
	"setup": "Set up the installation", "setup.link": "Asked for the set-up link", "verify": "Verified the address",
	"verify.link": "Got a verification link", "verify.resend": "Asked for a new link", "refresh": "Renewed an API token", "role": "Changed a role",
	"reauth": "Gave the password once more", "session.end": "Signed out a device", "session.end_others": "Signed out all other devices",
	"password": "Changed the password", "profile": "Changed the profile", "theme": "Changed the appearance", "connection.start": "Left for a bank",
	"connection.answer": "Came back from a bank", "connection.exchange": "Asked a bank for tokens", "connection.created": "Connected a bank",
	"connection.renewed": "Renewed a permission", "connection.renamed": "Renamed a connection", "connection.sync": "Pressed “Sync now”",
	"connection.disconnected": "Ended a connection", "connection.revoked": "Told a bank that it ended", "connection.needs_you": "A connection needs its owner",
	"connection.paused": "A connection was paused", "tokens.refresh": "Renewed a bank token", "tokens.tampered": "A stored token did not open",
	"transaction.noted": "Wrote a note", "password.forgot": "Asked for a new password", "password.link": "Got a link to choose a password",
	"password.reset": "Chose a new password", "email.asked": "Asked for another address", "email.link": "Got a link to confirm an address",
	"email.changed": "Changed the address", "email.undo_link": "Got a link to undo a change of address", "email.undone": "Took the address back",
	"signup.void": "Lost an account that was never verified", "mail.retried": "Had a mail tried again",
}

func eventAct(e admin.Event) string {
	if words, ok := acts[e.Act]; ok {
		return words
	}
	return components.Sentence(strings.ReplaceAll(e.Act, ".", " "))
}

func eventWho(e admin.Event) string {
	switch {
	case e.Who != "":
		return e.Who
	case e.ActorKind == "anonymous":
		return "A stranger"
	case e.ActorKind == "job":
		return "Job"
	default:
		return "System"
	}
}

// eventDetail is what else is known: the codes, then the address.
func eventDetail(e admin.Event) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		if value := e.Detail[key]; value != "" {
			parts = append(parts, key+" "+value)
		}
	}
	if e.IP != nil {
		parts = append(parts, e.IP.String())
	}
	return strings.Join(parts, ", ")
}

func eventFailed(e admin.Event) bool { return e.Result != audit.Done }

// AdminPeople is a page of the list of people. Older leads on; empty = this is the end.
type AdminPeople struct {
	List  []admin.Person
	Older string
	Now   time.Time
}

// AdminConnections is a page of the list of connections.
type AdminConnections struct {
	List   []admin.Connection
	Status connections.Status // only this one; empty = all
	Older  string
	Now    time.Time
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

// AdminJobs is a page of the list of jobs.
type AdminJobs struct {
	List  []admin.Job
	Older string
	Now   time.Time
}

// jobState puts River's word for a job's state into ours.
func jobState(j admin.Job) (tone components.Tone, icon, word string) {
	switch j.State {
	case "completed":
		return components.Good, "check", "Done"
	case "running":
		return components.Doing, "refresh-cw", "Running"
	case "retryable":
		return components.Close, "rotate-cw", "Later"
	case "discarded":
		return components.Bad, "circle-alert", "Given up"
	case "cancelled":
		return components.Quiet, "x", "Cancelled"
	default:
		return components.Quiet, "calendar-clock", "Waiting"
	}
}

var jobKinds = map[string]string{"mail": "Mail", "sync": "Sync of a connection", "sync_due": "Look for what is due"}

func jobKind(j admin.Job) string {
	if words, ok := jobKinds[j.Kind]; ok {
		return words
	}
	return j.Kind
}

// maybeWhen is a moment that may not have come.
func maybeWhen(t *time.Time, now time.Time, never string) string {
	if t == nil {
		return never
	}
	return components.When(*t, now)
}
