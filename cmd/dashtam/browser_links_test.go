package main

import (
	"strings"
	"testing"
)

// TestBrowser_Links chooses a new password by the mailed link, moves to another address and takes that back, with
// JavaScript and without.
func TestBrowser_Links(t *testing.T) {
	s, b := launch(t, "serve"), openChromium(t)
	for name, script := range map[string]bool{"with": true, "without": false} {
		t.Run(name+" script", func(t *testing.T) {
			p := &person{tab: newTab(t, b, s, script), email: name + "-links@example.com"}
			p.signUp()
			p.moveAndUndo(name + "-moved@example.com")
			p.chooseAnew()
		})
	}
}

// moveAndUndo ends signed out, with the old address and a password that opens nothing.
func (p *person) moveAndUndo(address string) {
	p.open("/settings/email")
	p.inspect("address")
	p.fill(`input[name=email]`, address)
	p.fill(`input[name=password]`, "not the password")
	p.expect("401")
	p.click(`form[action="/settings/email"] button[type=submit]`)
	p.sees(`#password-error`)
	p.inspect("address, wrong password")
	p.fill(`input[name=email]`, address)
	p.fill(`input[name=password]`, secret)
	p.click(`form[action="/settings/email"] button[type=submit]`)
	p.until("waiting", func() bool { return strings.Contains(p.text("main"), "waits to be confirmed") })
	p.inspect("address, waiting")
	p.open(p.site.mailed(p.t, address, "/settings/email/confirm/"))
	p.inspect("confirm a new address")
	p.click(`main form button[type=submit]`)
	p.reaches("/overview")
	p.open(p.site.mailed(p.t, p.email, "/email/undo/"))
	p.inspect("undo a change of address")
	p.click(`main form button[type=submit]`)
	p.reaches("/password/sent")
	p.inspect("mail for a new password")
}

func (p *person) chooseAnew() {
	p.open("/login")
	p.click(`main a[href="/password/forgot"]`)
	p.reaches("/password/forgot")
	p.inspect("forgot the password")
	link := p.site.mailed(p.t, p.email, "/password/reset/") // the undoing had it mailed
	p.open(link)
	p.inspect("choose a password")
	p.fill(`input[name=password]`, secret)
	p.click(`main form button[type=submit]`)
	p.reaches("/login")
	p.logIn()
	p.reaches("/overview")
	p.expect("404")
	p.open(link)
	p.fill(`input[name=password]`, secret)
	p.click(`main form button[type=submit]`)
	p.sees(`a[href="/password/forgot"]`)
	p.inspect("a link that was used")
}
