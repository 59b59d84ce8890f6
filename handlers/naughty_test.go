package handlers_test

import (
	"strings"
	"testing"

	"dashtam/handlers/handlertest"
)

// naughty is text that means something to HTML, attributes, URLs, templates, SQL or htmx.
var naughty = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='alert(1)`, `</title><svg/onload=alert(1)>`,
	`javascript:alert(1)`, `{{7*7}}`, `${7*7}`, `&lt;b&gt;`, `&amp;`, `<!-- -->`, `]]>`, `'; DROP TABLE users; --`, `%3Cscript%3E`,
	`" hx-get="/logout" x="`, `<a href="//evil.example">x</a>`, "Ṱ̺̺̕o͞ ̷i̲̬n̝̗v͕̫o̯̹k̵e͚", "田中さん", "مرحبا", "👩‍👩‍👧‍👦", "\u202eevil", "a\u2028b", `\"`, "`x`",
}

// Break XS-1: views/layouts/app.templ: @templ.Raw(f.Person.Name) for { f.Person.Name } in rail-who
func TestForms_XS1_TextComesBackAsText(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	inert := func(what string, p *handlertest.Page) {
		t.Helper()
		if n := p.Find("script:not([src]), img, svg[onload], [onerror], [onfocus], [hx-get], a[href^='//'], a[href^='javascript:']").Length(); n != 0 {
			t.Errorf("%s: %d elements came to life in %s", what, n, p.Body)
		}
	}
	for _, text := range naughty {
		p := app.Stranger().Post("/signup", "name", text, "email", text, "password", "x").Want(422)
		inert("sign-up "+text, p)
		for _, name := range []string{"name", "email"} {
			if got := p.WantOne("input[name="+name+"]").AttrOr("value", ""); got != text {
				t.Errorf("sign-up: %q came back as %q", text, got)
			}
		}
		inert("login "+text, app.Stranger().Post("/login", "email", text, "password", text, "next", text).Want(401))
		inert("resend "+text, app.Stranger().Post("/verify/resend", "email", text))
		p = nora.Post("/settings/profile", "name", text, "timezone", "UTC", "theme", "system")
		kept := p.Status == 303 // names that turn the direction of text are refused
		if kept {
			p = p.Follow()
		}
		inert("profile "+text, p)
		if got := p.WantOne("input[name=name]").AttrOr("value", ""); got != text {
			t.Errorf("profile: %q came back as %q", text, got)
		}
		if got := p.Find(".rail-who").Text(); kept && !strings.HasPrefix(got, text) {
			t.Errorf("the navigation calls %q %q", text, got)
		}
		inert("404 "+text, nora.Get("/"+strings.NewReplacer("%", "%25", " ", "%20", "?", "%3f", "#", "%23", "\u2028", "%e2%80%a8").Replace(text)))
	}
}
