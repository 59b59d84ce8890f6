package pages

import (
	"strings"
	"time"

	"dashtam/services/connections"
	"dashtam/services/providers"
	"dashtam/views/components"
)

// ProvidersPath is where administrators add banks.
const ProvidersPath = "/admin/providers"

// ProviderPath is one bank's page for administrators, or what is done there.
func ProviderPath(slug, act string) string { return ProvidersPath + "/" + slug + act }

// kinds are the ways of speaking with a bank, in words.
var kinds = map[string]string{"fdx": "FDX"}

func kindWords(kind string) string {
	if words, ok := kinds[kind]; ok {
		return words
	}
	return kind
}

// proof is how far Dashtam's claim to speak with a bank was checked, and when. One that was added is seen live by the
// first sync that works.
func proof(p providers.Profile, h connections.Health, now time.Time) (label, when string) {
	on := p.CheckedOn
	switch {
	case p.Added && h.LastSuccess != nil:
		label, on = "Seen live", *h.LastSuccess
	case p.Proof == providers.Seen:
		label = "Seen live"
	case p.Proof == providers.Checked:
		label = "Checked against its specification"
	default:
		label = "Profile"
	}
	if on.IsZero() {
		return label, "never run"
	}
	return label, "checked " + components.Date(on.In(now.Location()), now)
}

// AdminProviders is every bank that people can connect, and how it does.
type AdminProviders struct {
	List   []providers.Profile
	Health map[string]connections.Health // by slug
	Now    time.Time
}

func (p AdminProviders) head() components.HeadProps {
	on, failing := 0, []string{}
	for _, b := range p.List {
		if h := p.Health[b.Slug].Day; !b.Off && h.Runs > 0 && h.Done*2 < h.Runs {
			failing = append(failing, b.Name)
		}
		if !b.Off {
			on++
		}
	}
	h := components.HeadProps{Title: "Providers", Answer: "No bank can be connected here.", Sub: "Whoever signs in here chooses among them under Connect a bank."}
	switch {
	case len(failing) > 0:
		h.Answer = "More syncs fail than work at " + components.List(failing) + "."
	case on == 1:
		h.Answer = "One bank can be connected here."
	case on > 1:
		h.Answer = components.Sentence(components.Words(on)) + " banks can be connected here."
	}
	return h
}

// stand is how many connections a bank has, and in which states.
func stand(h connections.Health) (count, states string) {
	if h.Live() == 0 {
		return "none", ""
	}
	var parts []string
	for _, s := range statuses {
		if n := h.Connections[s]; n > 0 && s != connections.Disconnected {
			parts = append(parts, strings.ReplaceAll(components.Count(n)+" "+components.StatusWord(string(s)), " ", "\u00a0"))
		}
	}
	return components.Count(h.Live()), strings.Join(parts, ", ")
}

// failed is the share of syncs that failed in the last day, in words.
func failed(t connections.Tally) string {
	if t.Runs == 0 {
		return "no sync"
	}
	return components.Percent(float64(t.Runs-t.Done)/float64(t.Runs)) + " of " + components.Count(t.Runs)
}

// failedToday is the same under the last time that one worked; empty where there was none.
func failedToday(t connections.Tally) string {
	if t.Runs == 0 {
		return ""
	}
	return failed(t) + " failed in 24 hours"
}

func switched(p providers.Profile) (tone components.Tone, icon, word string) {
	if p.Off {
		return components.Quiet, "circle-pause", "Switched off"
	}
	return components.Good, "circle-check", "On"
}

// AdminProvider is one bank.
type AdminProvider struct {
	providers.Profile
	Health   connections.Health
	Redirect string              // the exact redirect URI
	Found    []providers.Finding // by the test that was just done; nil = none was
	Fault    string              // why something was refused
	Now      time.Time
}

func (p AdminProvider) head() components.HeadProps {
	h := components.HeadProps{Title: p.Name, Answer: "People can connect this bank."}
	switch {
	case p.Off:
		h.Answer, h.Sub = "Switched off.", "It is asked nothing, its connections rest, and people read that you switched it off."
	case p.Health.Live() > 0:
		h.Answer = components.Plural(p.Health.Live(), "connection") + " " + verb(p.Health.Live(), "reads", "read") + " from this bank."
	}
	for state, answer := range map[providers.State]string{
		providers.Broken: "The test found something broken.", providers.Doubtful: "The test found something to look at.",
	} {
		for _, f := range p.Found {
			if f.State == state && h.Answer != "The test found something broken." {
				h.Answer = answer
			}
		}
	}
	if len(p.Found) > 0 && !strings.HasPrefix(h.Answer, "The test") {
		h.Answer = "The test found nothing wrong."
	}
	return h
}

func (p AdminProvider) findings() []components.Finding {
	list := make([]components.Finding, len(p.Found))
	for i, f := range p.Found {
		list[i] = components.Finding{Name: f.Name, State: string(f.State), Found: f.Found, Do: f.Do}
	}
	return list
}

// ProviderForm is what is written about a bank: about a new one where Slug is empty.
type ProviderForm struct {
	Fields
	Slug   string
	Secret bool   // there is one already, which stays when none is written
	Base   string // of redirect URIs
}

// Title names the page.
func (p ProviderForm) Title() string {
	if p.Slug == "" {
		return "Add a bank"
	}
	return "Change " + p.Values["name"]
}

func (p ProviderForm) head() components.HeadProps {
	if p.Slug != "" {
		return components.HeadProps{Title: p.Title(), Answer: "What Dashtam knows of this bank.", Sub: "It is tried before anything is kept."}
	}
	return components.HeadProps{Title: p.Title(), Answer: "A bank that speaks FDX.", Sub: "Register Dashtam at the bank first; its documents for developers hold what is asked for here. It is tried before anything is kept."}
}

func (p ProviderForm) action() string {
	if p.Slug == "" {
		return ProvidersPath
	}
	return ProviderPath(p.Slug, "/change")
}

func (p ProviderForm) back() string {
	if p.Slug == "" {
		return ProvidersPath
	}
	return ProviderPath(p.Slug, "")
}

// above names the page that back leads to.
func (p ProviderForm) above() string {
	if p.Slug == "" {
		return "Providers"
	}
	return "The bank"
}

// text is a field of the form with its hint.
func (p ProviderForm) text(name, label, hint string, most string) components.FieldProps {
	f := p.input(name, label)
	f.Hint, f.MaxLength, f.Autocomplete = hint, most, "off"
	return f
}

func (p ProviderForm) address(name, label, hint string) components.FieldProps {
	f := p.text(name, label, hint, "500")
	f.Type, f.InputMode = "url", "url"
	return f
}

func (p ProviderForm) days(name, label, hint string) components.FieldProps {
	f := p.text(name, label, hint, "5")
	f.InputMode, f.Required = "numeric", false
	return f
}

func (p ProviderForm) secret() components.FieldProps {
	f := p.text("client_secret", "Client secret", "Kept in the vault and never shown again. Leave it empty if the bank gave none.", "4096")
	f.Type, f.Value, f.Required, f.Autocomplete = "password", "", false, "new-password"
	if p.Secret {
		f.Hint = "Kept in the vault and never shown. Leave it empty to keep the one there is."
	}
	return f
}

func kindOptions() (all []components.Option) {
	for kind, words := range kinds {
		all = append(all, components.Option{Value: kind, Label: words})
	}
	return all
}

// facts are what the profile holds, in words.
func (p AdminProvider) facts() []components.Fact {
	lasts := "Until it is withdrawn"
	if days := p.DueDays(); days > 0 {
		lasts = components.Plural(days, "day")
	}
	return []components.Fact{
		{Label: "Kind", Value: kindWords(p.Kind)}, {Label: "Issuer", Value: p.Issuer}, {Label: "Data", Value: p.API}, {Label: "Client id", Value: p.ClientID},
		{Label: "Scopes", Value: strings.Join(p.Scopes, " ")}, {Label: "First sync", Value: components.Plural(p.HistoryDays, "day") + " back"}, {Label: "A permission lasts", Value: lasts},
	}
}
