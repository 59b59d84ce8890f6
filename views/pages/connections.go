package pages

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"dashtam/services/connections"
	"dashtam/services/providers"
	"dashtam/views/components"
)

// Connections is the list of a person's banks.
type Connections struct {
	List []connections.Connection
	Now  time.Time // in the person's zone
}

// connectionGroup is a heading of the list.
type connectionGroup struct {
	Title string
	List  []connections.Connection
}

// groups puts what needs the person first, most urgent on top.
func (p Connections) groups() []connectionGroup {
	of := func(statuses ...connections.Status) (list []connections.Connection) {
		for _, s := range statuses {
			for _, c := range p.List {
				if c.Status == s && !asks(c) {
					list = append(list, c)
				}
			}
		}
		return list
	}
	var asking []connections.Connection
	for _, c := range p.List {
		if asks(c) {
			asking = append(asking, c)
		}
	}
	all := []connectionGroup{
		{"For you", append(of(connections.NeedsYou), append(asking, of(connections.Renew)...)...)},
		{"Running", of(connections.Syncing, connections.Healthy)},
		{"Not running", of(connections.Paused, connections.Disconnected)},
	}
	return slices.DeleteFunc(all, func(g connectionGroup) bool { return len(g.List) == 0 })
}

// ends are the connections whose permission has an end, the nearest first.
func (p Connections) ends() []connections.Connection {
	list := slices.DeleteFunc(slices.Clone(p.List), func(c connections.Connection) bool { return c.ConsentEnds == nil || over(c) })
	slices.SortStableFunc(list, func(a, b connections.Connection) int { return a.ConsentEnds.Compare(*b.ConsentEnds) })
	return list
}

// asks reports whether a connection waits for the person to say which account is which, and for nothing more urgent.
func asks(c connections.Connection) bool {
	return c.Questions > 0 && (c.Status == connections.Healthy || c.Status == connections.Paused)
}

// over reports whether the permission has ended already, at the bank.
func over(c connections.Connection) bool {
	return c.Status == connections.NeedsYou && c.Cause == connections.CauseConsentEnded
}

// urgent reports whether something waits for the person that is more than a renewal.
func (p Connections) urgent() bool {
	return slices.ContainsFunc(p.List, func(c connections.Connection) bool { return asks(c) || c.Status == connections.NeedsYou })
}

// forYou counts what waits for the person.
func (p Connections) forYou() (n int) {
	for _, c := range p.List {
		if asks(c) || c.Status == connections.NeedsYou || c.Status == connections.Renew {
			n++
		}
	}
	return n
}

func (p Connections) count(s connections.Status) (n int) {
	for _, c := range p.List {
		if c.Status == s {
			n++
		}
	}
	return n
}

// head is the answer: who has to do something.
func (p Connections) head() components.HeadProps {
	h := components.HeadProps{Title: "Connections", Sub: "Everything else runs by itself."}
	live := len(p.List) - p.count(connections.Disconnected)
	n, paused := p.forYou(), p.count(connections.Paused)
	switch {
	case len(p.List) == 0:
		h.Answer, h.Sub = "No bank yet.", ""
	case live == 0:
		h.Answer, h.Sub = "No bank is connected any more.", "What was fetched is kept."
	case live == 1 && n == 1:
		h.Answer, h.Sub = "Your bank needs a moment from you.", ""
	case n == 1:
		h.Answer = "One of " + components.Words(live) + " needs a moment from you."
	case n > 1:
		h.Answer = components.Sentence(components.Words(n)) + " of " + components.Words(live) + " need a moment from you."
	case paused > 0:
		h.Answer, h.Sub = "Nothing for you to do.", components.Sentence(components.Words(paused))+" of "+components.Words(live)+" has to wait for its bank."
		if paused > 1 {
			h.Sub = components.Sentence(components.Words(paused)) + " of " + components.Words(live) + " have to wait for their banks."
		}
	default:
		h.Answer, h.Sub = "All is well.", "Nothing for you to do."
	}
	return h
}

// row is one connection in words.
func (p Connections) row(c connections.Connection) components.ConnectionRowProps {
	days := make([]components.StripDay, len(c.Days))
	for i, d := range c.Days {
		switch d {
		case connections.Fetched:
			days[i] = components.Fetched
		case connections.DayFailed:
			days[i] = components.Failed
		case connections.NotTried: // is the zero day
		}
	}
	return components.ConnectionRowProps{
		Name: c.Name, Href: connectionPath(c, ""), Covers: components.Plural(c.Accounts, "account"), Status: string(c.Status),
		Since: since(c, p.Now), Days: days, Cause: why(c, p.Now), Next: next(c, p.Now), MarkOff: markOff(c),
	}
}

// markOff says whose mark is dashed: what has ended, and what was invented.
func markOff(c connections.Connection) bool {
	return c.Status == connections.Disconnected || c.Provider == "sandbox"
}

func connectionPath(c connections.Connection, act string) string {
	return "/connections/" + c.ID.String() + act
}

// causes are the known causes of a connection's status, in words.
var causes = map[string]string{
	connections.CauseConsentEnded: "The bank does not accept our permission any more.",
	connections.CauseAccessLost:   "The access we stored for this bank cannot be used any more.",
	connections.CauseBankAway:     "The bank does not answer.",
	connections.CauseBankData:     "The bank sent figures that cannot be true, so none of them were kept.",
	connections.CauseRateLimited:  "The bank asked us to wait.",
	connections.CauseIncident:     "The bank refuses all its customers at the moment, so the fault is most likely its own.",
	connections.CauseBudget:       "The requests this bank allows in a day are used up, but for some that are kept for you.",
	connections.CauseProvider:     "The bank does not accept Dashtam at the moment. That is your administrator's to repair.",
	connections.CauseSwitchedOff:  "The administrator switched this bank off for now.",
	connections.CauseInternal:     "Something went wrong on our side. It is written down.",
}

// why is the cause of a connection's status, a sentence.
func why(c connections.Connection, now time.Time) string {
	if asks(c) {
		return "The bank shows " + components.Plural(c.Questions, "account") + " that may be what you had under another number."
	}
	switch c.Status {
	case connections.Healthy:
		if c.LastSuccessAt != nil {
			return "Last fetched " + components.WhenInSentence(*c.LastSuccessAt, now) + "."
		}
		return "Nothing was fetched yet."
	case connections.Renew:
		return "The bank gave its permission for a limited time, which is nearly over."
	case connections.Disconnected:
		return "You ended it and kept the history."
	case connections.Syncing:
		if cause, ok := causes[c.Cause]; ok {
			return cause + " We keep trying."
		}
		return "Dashtam is reading from the bank."
	default:
		if cause, ok := causes[c.Cause]; ok {
			return cause
		}
		return "The last try to read from the bank did not work."
	}
}

// next is what happens without anybody doing anything: a clause.
func next(c connections.Connection, now time.Time) string {
	if asks(c) {
		return "until you answer, what may be new counts nowhere. What you had stays."
	}
	switch c.Status {
	case connections.Healthy:
		if c.NextSyncAt != nil {
			return components.WhenInSentence(*c.NextSyncAt, now) + ", by itself."
		}
		return "the next sync, by itself."
	case connections.Renew:
		if c.ConsentEnds != nil {
			return "syncs go on until " + components.LongDate(c.ConsentEnds.In(now.Location()), now) + ". After that the history stays, and nothing new arrives."
		}
		return "syncs go on until the bank ends them. The history stays."
	case connections.NeedsYou:
		return "nothing, until you sign in at " + c.ProviderName + " again. What was fetched stays."
	case connections.Disconnected:
		return "nothing. What is kept does not count in your net worth."
	case connections.Syncing:
		return "balances first, then transactions."
	default:
		if c.Cause == connections.CauseSwitchedOff {
			return "the bank is asked nothing until it is switched on again. What was fetched stays."
		}
		if c.NextSyncAt != nil {
			return "we try again " + components.WhenInSentence(*c.NextSyncAt, now) + ". Nothing for you to do."
		}
		return "we try again by ourselves. Nothing for you to do."
	}
}

// since is how long it has been so: "since 19 Nov, 07:40".
func since(c connections.Connection, now time.Time) string {
	at := c.StatusSince.In(now.Location())
	switch {
	case c.Status == connections.Syncing:
		return "started " + components.Ago(at, now)
	case c.Status == connections.Renew && c.ConsentEnds != nil:
		return "ends " + components.Date(c.ConsentEnds.In(now.Location()), now) + ", " + components.Until(*c.ConsentEnds, now)
	case now.Sub(at) < 7*24*time.Hour:
		return "since " + lowerFirst(components.When(at, now))
	}
	return "since " + components.Date(at, now)
}

// lowerFirst puts Today, Yesterday and Tomorrow into the middle of a sentence.
func lowerFirst(s string) string {
	for _, word := range []string{"Today", "Yesterday", "Tomorrow"} {
		if strings.HasPrefix(s, word) {
			return strings.ToLower(s[:1]) + s[1:]
		}
	}
	return s
}

// act is the one button of a connection. get means that it is a link.
func act(c connections.Connection, now time.Time) (path, verb, icon string, get bool) {
	if asks(c) {
		return connectionPath(c, ""), "Answer", "", true
	}
	status := c.Status
	if status == connections.Paused && c.RenewFrom != nil && c.RenewFrom.Before(now) {
		status = connections.Renew // what waits for its bank ends all the same
	}
	switch status {
	case connections.Syncing:
		return connectionPath(c, ""), "See progress", "", true
	case connections.Renew:
		return connectionPath(c, "/reconnect"), "Renew access", "", false
	case connections.NeedsYou:
		return connectionPath(c, "/reconnect"), "Reconnect", "", false
	case connections.Disconnected:
		return connectionPath(c, "/reconnect"), "Connect again", "", false
	case connections.Paused:
		return connectionPath(c, "/sync"), "Try now", "", false
	default:
		return connectionPath(c, "/sync"), "Sync now", "refresh-cw", false
	}
}

// host is where the person will sign in, as the address bar shows it.
func host(p providers.Profile) string {
	u, err := url.Parse(p.Issuer)
	if err != nil {
		return p.Issuer
	}
	return u.Host
}

// About is what connecting a bank means.
type About struct {
	Profile providers.Profile
	Have    []connections.Connection // with this bank
	Now     time.Time
}

// verb is on the button that leaves for the bank.
func (p About) verb() string {
	if len(p.Have) > 0 {
		return "Connect another login"
	}
	return "Continue to " + p.Profile.Name
}

func (p About) reach() string {
	switch days := p.Profile.HistoryDays; {
	case days <= 0:
		return "As far back as the bank shows them, then everything new"
	case days < 60:
		return "Up to " + components.Plural(days, "day") + " back, then everything new"
	default:
		return "Up to " + components.Plural(days/30, "month") + " back, then everything new"
	}
}

func (p About) facts() []components.Fact {
	ends := "When you end it"
	if days := p.Profile.DueDays(); days > 0 {
		ends = components.Date(p.Now.AddDate(0, 0, days), p.Now) + ", after " + components.Plural(days, "day")
	}
	return []components.Fact{
		{Label: "You leave for", Value: host(p.Profile)},
		{Label: "The permission ends", Value: ends},
		{Label: "End it earlier", Value: "Under Connections, or at the bank"},
	}
}

// Continue is the step out of the house.
type Continue struct {
	Profile providers.Profile
	URL     string // at the bank
}
