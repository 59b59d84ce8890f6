package main

import (
	"strings"
	"testing"
)

// TestBrowser_AccountsAndInvitations invites somebody, looks after their account and deletes it, with JavaScript and
// without.
func TestBrowser_AccountsAndInvitations(t *testing.T) {
	s, b := launch(t, "serve"), openChromium(t)
	boss := &person{tab: newTab(t, b, s, true), email: "root@example.com"}
	boss.open(s.setUp)
	boss.fill(`input[name=name]`, "Root Keeper")
	boss.fill(`input[name=email]`, boss.email)
	boss.fill(`input[name=password]`, secret)
	boss.click(`main form button[type=submit]`)
	boss.reaches("/admin")
	boss.askDoctor()
	for name, script := range map[string]bool{"with": true, "without": false} {
		t.Run(name+" script", func(t *testing.T) {
			guest := &person{tab: newTab(t, b, s, script), email: name + "-guest@example.com"}
			boss.scripts(script)
			boss.invite(guest)
			boss.lookAfter(guest)
		})
	}
}

// askDoctor looks whether the parts of this installation work, and copies a redirect URI.
func (p *person) askDoctor() {
	p.open("/admin/doctor")
	if said := p.text("main"); !strings.Contains(said, p.site.url+" leads to this Dashtam.") {
		p.t.Errorf("the doctor says %s", said)
	}
	p.inspect("doctor")
	p.width(390)
	p.open("/admin/doctor")
	if seen, err := eval[bool](p.tab, `document.querySelector(".tabs [aria-current]").getBoundingClientRect().right <= innerWidth`); err != nil || !seen {
		p.t.Errorf("on a phone the tab one is at is out of sight (%v)", err)
	}
	p.width(1440)
	p.click(`button[data-copy]`)
	p.until("it is copied", func() bool { return strings.Contains(p.text("button[data-copy]"), "Copied") })
	p.scripts(false)
	p.open("/admin/doctor")
	if said := p.text("section[aria-labelledby=ru] dd"); strings.Contains(said, "Copy") || !strings.Contains(said, p.site.url+"/connections/sandbox/callback") {
		p.t.Errorf("without script it offers %q", said)
	}
	p.scripts(true)
	p.open("/admin")
}

// invite has guest come in by a mailed invitation, and see what happened so far.
func (p *person) invite(guest *person) {
	p.open("/admin/settings")
	p.inspect("configuration")
	p.fill(`input[name=email]`, guest.email)
	p.click(`form[action="/admin/settings"] button[type=submit]`)
	p.sees(`form[action$="/revoke"]`)
	p.inspect("an invitation that waits")
	guest.open(p.site.mailed(p.t, guest.email, "/invite/"))
	guest.inspect("invitation")
	guest.fill(`input[name=name]`, "Gus Guest")
	guest.fill(`input[name=password]`, secret)
	guest.click(`main form button[type=submit]`)
	guest.reaches("/login")
	guest.logIn()
	guest.reaches("/overview")
	guest.open("/settings/activity")
	guest.inspect("activity")
	if said := guest.text("main"); !strings.Contains(said, "Accepted an invitation") || !strings.Contains(said, "Signed in") {
		guest.t.Errorf("the activity says %s", said)
	}
}

// lookAfter finds guest's account, shuts it out, finds that in the audit, and deletes it.
func (p *person) lookAfter(guest *person) {
	p.open("/admin/users?q=" + guest.email)
	p.click(`tbody a.row-link`)
	p.sees(`form[action$="/disable"]`)
	p.inspect("one person")
	p.click(`form[action$="/disable"] button`)
	p.sees(`form[action$="/enable"]`)
	p.inspect("somebody disabled")
	guest.open("/settings/activity")
	guest.reaches("/login")
	p.open("/admin/audit?act=user.disabled&person=" + guest.email)
	p.inspect("audit")
	if n := p.count("main tbody tr"); n != 1 {
		p.t.Errorf("the audit has %d lines", n)
	}
	p.open("/admin/users?q=" + guest.email)
	p.click(`tbody a.row-link`)
	p.click(`a[href$="/delete"]`)
	p.sees(`form[action$="/delete"] input[name=email]`)
	p.inspect("deleting somebody")
	p.fill(`input[name=email]`, guest.email)
	p.click(`form[action$="/delete"] button[type=submit]`)
	p.reaches("/admin/users")
	if strings.Contains(p.text("main"), guest.email) {
		p.t.Error("the account is still there")
	}
}
