package layouts

import (
	"encoding/json"

	"github.com/a-h/templ"

	"dashtam/views/components"
)

// Frame is everything around the content of a page.
type Frame struct {
	Title     string // of the document, without " · Dashtam"
	Nav       string // the place in the navigation: overview accounts transactions connections settings admin
	Nonce     string // of the content security policy, for scripts
	RequestID string
	Path      string // path and query of this page, where the forms of the frame lead back to
	Theme     string // "light" or "dark"; anything else lets the system decide
	Person    *Person
	Flash     *components.Flash
	RailIcons bool   // the person folded the rail
	NeedsYou  int    // connections that only the person can repair
	Refresh   string // where the page goes on to by itself, at once; empty = nowhere
	About     string // what search engines may say of this page; empty = they are asked to leave it out
	Host      string // our own, at the foot of Gate; empty = not shown
}

// Person is who is signed in.
type Person struct {
	Name, Email, Initials string
	Theme                 string // "light", "dark" or "system"
	Admin                 bool
	Shortcuts             bool
}

// theme is what stands in data-theme: the person's choice, else the visitor's cookie; empty leaves it to the system.
func (f Frame) theme() string {
	chosen := f.Theme
	if f.Person != nil && f.Person.Theme != "" {
		chosen = f.Person.Theme
	}
	if chosen == "light" || chosen == "dark" {
		return chosen
	}
	return ""
}

func (f Frame) title() string {
	if f.Title == "" {
		return "Dashtam"
	}
	return f.Title + " · Dashtam"
}

func (f Frame) root() templ.Attributes {
	a := templ.Attributes{"lang": "en"}
	if t := f.theme(); t != "" {
		a["data-theme"] = t
	}
	if f.RailIcons {
		a["data-rail"] = "icons"
	}
	if f.Person != nil && f.Person.Shortcuts {
		a["data-keys"] = "on"
	}
	return a
}

// place is an entry of the main navigation.
type place struct{ Key, Href, Icon, Label string }

var places = []place{
	{"overview", "/overview", "chart-line", "Overview"},
	{"accounts", "/accounts", "wallet", "Accounts"},
	{"transactions", "/transactions", "arrow-left-right", "Transactions"},
	{"connections", "/connections", "plug", "Connections"},
}

// themes are the choices of the user menu.
var themes = []place{
	{"light", "", "sun", "Light"},
	{"dark", "", "moon", "Dark"},
	{"system", "", "monitor", "As the system"},
}

func (f Frame) themeChoice() string {
	if t := f.theme(); t != "" {
		return t
	}
	return "system"
}

// keys are the shortcuts, as the dialog lists them.
var keys = []struct {
	Keys []string
	Does string
}{
	{[]string{"/"}, "Search transactions"},
	{[]string{"g", "o"}, "Overview"},
	{[]string{"g", "a"}, "Accounts"},
	{[]string{"g", "t"}, "Transactions"},
	{[]string{"g", "c"}, "Connections"},
	{[]string{"j"}, "Next row"},
	{[]string{"k"}, "Row before"},
	{[]string{"Enter"}, "Open the row"},
	{[]string{"Esc"}, "Close what is open"},
	{[]string{"?"}, "This list"},
}

// htmxConfig is what htmx is told: evaluate nothing, write no style element, ask nobody but us, keep no page in the
// browser's storage (SE-3, HD-1), and swap what we answer to a form
// that could not be accepted; other errors of ours say themselves where they go. What a proxy answers goes nowhere.
var htmxConfig = func() string {
	type rule struct {
		Code  string `json:"code"`
		Swap  bool   `json:"swap"`
		Error bool   `json:"error,omitempty"`
	}
	b, err := json.Marshal(struct {
		AllowEval              bool   `json:"allowEval"`
		IncludeIndicatorStyles bool   `json:"includeIndicatorStyles"`
		SelfRequestsOnly       bool   `json:"selfRequestsOnly"`
		HistoryCacheSize       int    `json:"historyCacheSize"`
		RefreshOnHistoryMiss   bool   `json:"refreshOnHistoryMiss"`
		AllowScriptTags        bool   `json:"allowScriptTags"`
		ResponseHandling       []rule `json:"responseHandling"`
	}{
		SelfRequestsOnly: true, RefreshOnHistoryMiss: true,
		ResponseHandling: []rule{{"204", false, false}, {"[23]..", true, false}, {"4..|500|503", true, true}, {"...", false, true}},
	})
	if err != nil {
		panic(err) // the value is above
	}
	return string(b)
}()
