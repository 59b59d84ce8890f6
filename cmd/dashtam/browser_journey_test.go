package main

import (
	"strings"
	"testing"
	"time"
)

const secret = "a calm ledger keeps 7 secrets"

// TestBrowser_Journey is one person's whole way through the house, with JavaScript and without.
func TestBrowser_Journey(t *testing.T) {
	s, b := launch(t, "serve"), openChromium(t)
	for name, script := range map[string]bool{"with": true, "without": false} {
		t.Run(name+" script", func(t *testing.T) {
			p := &person{tab: newTab(t, b, s, script), email: name + "@example.com"}
			p.signUp()
			p.connect()
			p.readMoney()
			p.searchAndNote()
			p.tendConnection()
			p.secure()
			p.leave()
		})
	}
}

// person walks through the pages as somebody would.
type person struct {
	*tab
	email string
}

func (p *person) signUp() {
	p.open("/")
	p.inspect("landing")
	p.click(`main a[href="/signup"]`)
	p.reaches("/signup")
	p.fill(`input[name=name]`, "Nora Okafor")
	p.fill(`input[name=email]`, p.email)
	p.fill(`input[name=password]`, "short")
	if p.script {
		p.until("told that the password is too short", func() bool { return strings.Contains(p.body(), "Too short") })
	}
	p.inspect("sign-up")
	p.fill(`input[name=name]`, "Nora Okafor")
	p.fill(`input[name=email]`, p.email)
	p.fill(`input[name=password]`, secret)
	p.click(`form[action="/signup"] button[type=submit]`)
	p.reaches("/signup/sent")
	p.inspect("sign-up sent")

	p.open(p.site.mailed(p.t, p.email, "/verify/"))
	p.inspect("verify")
	p.click(`main form button[type=submit]`)
	p.reaches("/login")
	p.inspect("sign-in")
	p.logIn()
	p.reaches("/overview")
	p.inspect("overview, empty")
}

func (p *person) logIn() {
	p.fill(`input[name=email]`, p.email)
	p.fill(`input[name=password]`, secret)
	p.click(`form[action="/login"] button[type=submit]`)
}

func (p *person) connect() {
	p.click(`main a[href="/connections/new"]`)
	p.reaches("/connections/new")
	p.inspect("picker")
	p.click(`main a[href="/connections/sandbox/about"]`)
	p.reaches("/connections/sandbox/about")
	p.inspect("what will be read")
	p.click(`form[action="/connections/sandbox/connect"] button[type=submit]`)
	p.until("at the bank", func() bool { return strings.HasPrefix(p.at(), p.site.bank) })
	p.sees(`input[name=username]`)
	p.inspect("bank, sign-in")
	p.fill(`input[name=username]`, "nora")
	p.click(`main form button[type=submit]`)
	p.sees(`button[name=decision][value=allow]`)
	p.inspect("bank, consent")
	allowed := time.Now()
	p.click(`button[name=decision][value=allow]`)
	p.until("back from the bank", func() bool { return strings.HasPrefix(p.path(), "/connections/") && p.count("main h1") == 1 })
	p.until("showing a first account", func() bool {
		if !p.script {
			p.open(p.path())
		}
		return p.count(`main a[href^="/accounts/"]`) > 0
	})
	p.t.Logf("consent to first account on screen: %v", time.Since(allowed))
	p.until("Healthy", func() bool {
		if !p.script {
			p.open(p.path())
		}
		return strings.Contains(p.text("main"), "Healthy")
	})
	p.open(p.path())
	p.inspect("connection")
}

func (p *person) readMoney() {
	for _, page := range []struct{ name, path string }{
		{"overview", "/overview"}, {"accounts", "/accounts"}, {"holdings", "/holdings"}, {"transactions", "/transactions"}, {"connections", "/connections"},
	} {
		p.click(`a[href="` + page.path + `"]`)
		p.reaches(page.path)
		p.inspect(page.name)
	}
	p.open("/accounts")
	if n := p.count(`main a[href^="/accounts/"]`); n < 8 {
		p.t.Errorf("%d accounts", n)
	}
	p.click(`main a[href^="/accounts/"]`)
	p.until("at an account", func() bool { return strings.HasPrefix(p.path(), "/accounts/") })
	p.sees("main h1")
	p.inspect("account")
	p.open("/overview")
	for _, word := range []string{"Net worth", "$", "€", "Accounts"} {
		if !strings.Contains(p.text("main"), word) {
			p.t.Errorf("the overview does not say %q", word)
		}
	}
}

func (p *person) searchAndNote() {
	p.open("/transactions")
	first := p.count("main tr.tx")
	if p.script {
		_, _ = eval[int](p.tab, `(window.scrollTo(0, document.body.scrollHeight), 1)`)
		p.until("showing more", func() bool { return p.count("main tr.tx") > first })
	} else {
		p.click(`#older a[href*="cursor="]`)
		p.until("a page older", func() bool { return strings.Contains(p.at(), "cursor=") })
	}
	p.open("/transactions?q=marigold&max=1000")
	if p.count("main tr.tx") == 0 {
		p.t.Errorf("nothing found:\n%s", p.body())
	}
	p.inspect("transactions, searched")
	p.open("/transactions?q=nothing-is-called-this")
	p.inspect("transactions, nothing found")
	p.expect("422", "does not conform to the required format")
	p.open("/transactions?from=yesterday")
	if !strings.Contains(p.body(), "This is not a date.") {
		p.t.Errorf("a wrong date is not explained:\n%s", p.body())
	}
}

func (p *person) tendConnection() {
	p.open("/connections")
	p.click(`main a[href^="/connections/"]:not([href="/connections/new"])`)
	p.until("at the connection", func() bool { return len(p.path()) == len("/connections/")+36 })
	here := p.path()
	p.do("opening rename", chromedpOpenDetails)
	p.fill(`form[action$="`+here+`/rename"] input[name=name]`, "My own bank")
	p.click(`form[action="` + here + `/rename"] button[type=submit]`)
	p.until("renamed", func() bool { return strings.Contains(p.text("main h1"), "My own bank") })
	asked, _ := eval[int](p.tab, `[...document.querySelectorAll("main td")].filter(td => td.textContent.trim() === "You").length`)
	p.click(`form[action="` + here + `/sync"] button[type=submit]`)
	p.until("told of a second sync", func() bool {
		n, _ := eval[int](p.tab, `[...document.querySelectorAll("main td")].filter(td => td.textContent.trim() === "You").length`)
		return n > asked
	})
	p.until("synced again", func() bool {
		p.open(here)
		return strings.Contains(p.text("main"), "Healthy")
	})
	p.click(`a[href="` + here + `/disconnect"]`)
	p.sees(`form[action="` + here + `/disconnect"]`)
	p.inspect("disconnect")
	p.click(`form[action="` + here + `/disconnect"] input[name=data][value=keep]`)
	p.click(`form[action="` + here + `/disconnect"] button[type=submit]`)
	p.reaches("/connections")
	if !strings.Contains(p.text("main"), "Disconnected") {
		p.t.Errorf("not disconnected:\n%s", p.body())
	}
	p.open("/accounts")
	if p.count(`main a[href^="/accounts/"]`) == 0 {
		p.t.Error("the data was to be kept")
	}
}

// secure changes the password, looks at the devices, and proves once more who sits there.
func (p *person) secure() {
	changed := secret + " indeed"
	p.open("/settings/security")
	p.inspect("security")
	p.fill(`input[name=current_password]`, secret)
	if p.script {
		p.fill(`input[name=password]`, "short")
		p.until("told that the password is too short", func() bool { return strings.Contains(p.body(), "Too short") })
	}
	p.fill(`input[name=password]`, changed)
	p.click(`form[action="/settings/security/password"] button[type=submit]`)
	p.until("told that it is changed", func() bool { return strings.Contains(p.text("#flash"), "Your password is changed") })
	p.open("/settings/sessions")
	p.inspect("sessions")
	p.open("/reauth?next=/settings/sessions")
	p.inspect("the password once more")
	p.fill(`input[name=password]`, changed)
	p.click(`form[action="/reauth"] button[type=submit]`)
	p.reaches("/settings/sessions")
}

func (p *person) leave() {
	p.open("/settings/profile")
	p.inspect("profile")
	p.open("/overview")
	p.do("opening the menu", chromedpOpenDetails)
	p.click(`form[action="/logout"] button`)
	p.reaches("/")
	p.do("going back", stepOf(`history.back()`))
	p.reaches("/login") // not what was there: no copy of the page is left
	p.open("/overview")
	p.reaches("/login")
	kept, err := eval[string](p.tab, `JSON.stringify([{...localStorage}, {...sessionStorage}])`)
	if err != nil || strings.Contains(kept, "<") || strings.Contains(kept, p.email) {
		p.t.Errorf("SE-3: after the sign-out the browser still holds %s (%v)", kept, err)
	}
	p.expect("404")
	p.open("/no-such-page")
	p.inspect("no such page")
}

// chromedpOpenDetails opens every <details>, so that what it holds can be seen.
var chromedpOpenDetails = stepOf(`document.querySelectorAll("details").forEach(d => d.open = true)`)
