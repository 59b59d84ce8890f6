package layouts

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
)

func rendered(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// The person's theme wins over the cookie of the browser, and "system" leaves it to the style sheet.
func TestFrame_Theme(t *testing.T) {
	for _, c := range []struct{ cookie, person, want string }{
		{"", "", ""}, {"dark", "", "dark"}, {"dark", "light", "light"}, {"dark", "system", ""}, {"pink", "", ""},
	} {
		f := Frame{Theme: c.cookie}
		if c.person != "" {
			f.Person = &Person{Theme: c.person}
		}
		if got := rendered(t, App(f)).Find("html").AttrOr("data-theme", ""); got != c.want {
			t.Errorf("cookie %q, person %q: data-theme %q, want %q", c.cookie, c.person, got, c.want)
		}
	}
}

func TestApp_ShortcutsAndAdministrationAreForWhoHasThem(t *testing.T) {
	on := rendered(t, App(Frame{Nav: "accounts", NeedsYou: 2, Person: &Person{Shortcuts: true, Admin: true}}))
	off := rendered(t, App(Frame{Person: &Person{}}))
	if on.Find(`html[data-keys=on]`).Length() != 1 || on.Find(`a[href="/admin"]`).Length() != 2 || on.Find(".rail-num").Text() != "2" {
		t.Error("shortcuts, administration or the count are missing")
	}
	if off.Find("html[data-keys]").Length()+off.Find(`a[href="/admin"]`).Length()+off.Find(".rail-num").Length() != 0 {
		t.Error("what is switched off is there")
	}
	if n := on.Find(`[aria-current=page][href="/accounts"]`).Length(); n != 2 {
		t.Errorf("the current place is marked %d times, in the rail and in the bar", n)
	}
}

// HD-1: every script carries the nonce, and htmx evaluates nothing and writes no style.
// Break HD-1: views/layouts/frame.go: SelfRequestsOnly: true  ->  AllowEval: true, SelfRequestsOnly: true
func TestDocument_HD1_ScriptsAndHtmx(t *testing.T) {
	for _, layout := range []templ.Component{App(Frame{Nonce: "n0"}), Gate(Frame{Nonce: "n0"}), Plain(Frame{Nonce: "n0"})} {
		d := rendered(t, layout)
		if d.Find("script").Length() != 1 || d.Find(`script[nonce=n0][src^="/static/app."][data-htmx^="/static/htmx."]`).Length() != 1 {
			t.Error("a script without nonce or address")
		}
		var config map[string]any
		if err := json.Unmarshal([]byte(d.Find("meta[name=htmx-config]").AttrOr("content", "")), &config); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]any{"allowEval": false, "includeIndicatorStyles": false, "selfRequestsOnly": true, "allowScriptTags": false, "historyCacheSize": 0.0} {
			if config[key] != want {
				t.Errorf("htmx %s is %v", key, config[key])
			}
		}
	}
}

// HD-1: no template holds a style, a handler or a script of its own, nor a colour that is not a token; XS-2: nor a raw part
// or an address that templ does not look at.
// Break HD-1: views/layouts/app.templ: <hr/>  ->  <hr style="margin:0"/>
// Break XS-2: views/pages/connections.templ: one href={ x }  ->  href={ templ.SafeURL(x) }
func TestTemplates_HD1_XS2_HoldNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`\sstyle=|\son[a-z]+=|hx-on|templ\.(Raw|SafeURL)|javascript:|(class|fill|stroke)="[^"]*#[0-9a-fA-F]{3}`)
	views, seen := os.DirFS(".."), 0
	err := fs.WalkDir(views, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".templ") || strings.HasPrefix(path, "emails/") {
			return err
		}
		seen++
		b, err := fs.ReadFile(views, path)
		for i, line := range strings.Split(string(b), "\n") {
			if m := inline.FindString(line); m != "" {
				t.Errorf("%s:%d: %s", path, i+1, strings.TrimSpace(m))
			}
		}
		return err
	})
	if err != nil || seen < 20 {
		t.Errorf("%d templates read, %v", seen, err)
	}
}
