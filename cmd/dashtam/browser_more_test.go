package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"dashtam/views/pages"
)

// TestBrowser_Administrator sets the installation up and sees that it works.
func TestBrowser_Administrator(t *testing.T) {
	s := launch(t, "serve")
	p := &person{tab: newTab(t, openChromium(t), s, true), email: "root@example.com"}
	p.open(s.setUp)
	p.inspect("set-up")
	p.fill(`input[name=name]`, "Root Keeper")
	p.fill(`input[name=email]`, p.email)
	p.fill(`input[name=password]`, secret)
	p.click(`main form button[type=submit]`)
	p.reaches("/admin")
	for _, page := range []string{"/admin", "/admin/users", "/admin/connections", "/admin/jobs", "/admin/mail", "/admin/performance", "/dev/outbox"} {
		p.open(page)
		p.sees("main h1")
		p.inspect(page)
	}
	p.expect("404")
	p.open(s.setUp)
	if !strings.Contains(p.body(), "does not work") && !strings.Contains(p.body(), "no such page") {
		t.Errorf("SU-4: the set-up link works twice:\n%s", p.body())
	}
}

// TestBrowser_XS1_Naughty connects a bank that sends hostile texts wherever a bank may send text, and looks at all of it.
//
// Break XS-1: views/pages/transactions.templ: @templ.Raw(title(t)) for { title(t) } in the row of the list
func TestBrowser_XS1_Naughty(t *testing.T) {
	s := launch(t, "serve")
	p := &person{tab: newTab(t, openChromium(t), s, true), email: "naughty@example.com"}
	p.signUp()
	p.open("/connections/sandbox/about")
	p.click(`form[action="/connections/sandbox/connect"] button[type=submit]`)
	p.sees(`input[name=username]`)
	p.fill(`input[name=username]`, "naughty")
	p.click(`main form button[type=submit]`)
	p.sees(`button[name=decision][value=allow]`)
	p.inspect("consent of a naughty customer")
	p.click(`button[name=decision][value=allow]`)
	p.until("Healthy", func() bool { return strings.Contains(p.text("main"), "Healthy") })
	for _, page := range []string{"/overview", "/accounts", "/holdings", "/transactions", "/connections"} {
		p.open(page)
		p.inspect(page + " of a naughty customer")
		if n := p.count(`main img, main script, main iframe, main [onerror], main [onload], main [onmouseover], main a[href^="javascript"]`); n != 0 {
			t.Errorf("%s: %d elements came out of the bank's texts", page, n)
		}
	}
	p.open("/transactions?q=" + "%3Cscript%3E")
	if !strings.Contains(p.text("main"), `<script>alert("payee")</script>`) {
		t.Errorf("the text does not come back as it was sent:\n%s", p.body())
	}
}

// TestBrowser_Keyboard reads and moves with the keyboard alone.
func TestBrowser_Keyboard(t *testing.T) {
	s := launch(t, "serve")
	p := &person{tab: newTab(t, openChromium(t), s, true), email: "keys@example.com"}
	p.signUp()
	p.connect()
	press := func(keys string) {
		p.until("loaded", func() bool {
			state, _ := eval[string](p.tab, `document.readyState`)
			return state == "complete"
		})
		p.do("pressing "+keys, chromedp.KeyEvent(keys))
	}
	focus := func() string {
		at, _ := eval[string](p.tab, `document.activeElement.outerHTML.slice(0, 120)`)
		return at
	}
	p.open("/overview")
	press("\t")
	if !strings.Contains(focus(), "skip") {
		t.Errorf("the first stop is not the way past the navigation, but %s", focus())
	}
	press("gt")
	p.reaches("/transactions")
	press("j")
	press("j")
	if !strings.Contains(focus(), "row-link") {
		t.Errorf("j does not walk the rows, it is at %s", focus())
	}
	press("\r")
	p.until("at a transaction", func() bool { return strings.HasPrefix(p.path(), "/transactions/") })
	p.inspect("one transaction")
	press("/")
	p.until("at the search", func() bool { return p.path() == "/transactions" && strings.Contains(focus(), `type="search"`) })
	press("marigold\r")
	p.until("searching", func() bool { return strings.Contains(p.at(), "q=marigold") })
	press("\x1b")
	press("ga")
	p.reaches("/accounts")
	press("?")
	p.sees("dialog[open]")
	p.inspect("list of keys")
	press("\x1b")
	p.until("closed", func() bool { return p.count("dialog[open]") == 0 })
	p.do("going to the menu", stepOf(`document.querySelector(".rail-foot summary").focus()`))
	press("\r")
	p.do("going to the list of keys", stepOf(`document.querySelector(".rail-foot [data-dialog]").focus()`))
	press("\r")
	p.sees("dialog[open]")
	press("\x1b")
	p.until("back at the menu", func() bool { return strings.HasPrefix(focus(), "<summary") })
	p.onAPhone(press)
}

// onAPhone sees that a long name fits, and that the bottom bar covers nothing that has the focus.
func (p *person) onAPhone(press func(string)) {
	p.open("/connections")
	p.click(`main a.row-link`)
	p.fill(`input[name=name]`, "Aurora Federal Credit Union of the Lower Valley")
	p.click(`form[action$="/rename"] button`)
	p.until("renamed", func() bool { return strings.Contains(p.text("main h1"), "Aurora") })
	p.width(390)
	p.open("/connections")
	if over, err := eval[int](p.tab, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); err != nil || over > 0 {
		p.t.Errorf("a long name makes the list %d px too wide (%v)", over, err)
	}
	p.click(`main a.row-link`)
	p.sees(`.accts`)
	for range p.count("main :is(a, button)") + 4 {
		press("\t")
		covered, err := eval[string](p.tab, `(() => {
			const at = document.activeElement, bar = document.querySelector(".tabbar")
			return !at.closest("main") || at.getBoundingClientRect().bottom <= bar.getBoundingClientRect().top ? "" : at.textContent
		})()`)
		if err != nil || covered != "" {
			p.t.Errorf("the bottom bar covers %q (%v)", covered, err)
		}
	}
}

// TestBrowser_LoginComesBackByItself signs in while the answer is to come back in a second: what was typed stays, and is
// sent again without a hand.
func TestBrowser_LoginComesBackByItself(t *testing.T) {
	s := launch(t, "serve")
	p := &person{tab: newTab(t, openChromium(t), s, true), email: "later@example.com"}
	p.signUp()
	p.open("/overview")
	p.click(`.rail-foot summary`)
	p.click(`form[action="/logout"] button`)
	p.reaches("/")
	p.open("/login")
	p.fill(`input[name=email]`, p.email)
	p.fill(`input[name=password]`, secret)
	var part strings.Builder
	if err := pages.LaterPart(pages.Later{Why: "Many people are signing in just now.", Seconds: 1, Script: true}).Render(t.Context(), &part); err != nil {
		t.Fatal(err)
	}
	said, _ := json.Marshal(part.String())
	if _, err := eval[bool](p.tab, `document.querySelector("#login-says").innerHTML = `+string(said)+`, document.dispatchEvent(new CustomEvent("htmx:afterSwap"))`); err != nil {
		t.Fatal(err)
	}
	p.reaches("/overview")
	if !strings.Contains(p.text("#flash"), "more than one try") {
		t.Errorf("the page after it does not ask how that felt:\n%s", p.body())
	}
	p.inspect("overview after a slow sign-in")
	p.click(`#flash form button`)
	p.until("thanked", func() bool { return strings.Contains(p.text("#flash"), "that is counted") })
}
