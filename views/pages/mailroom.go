package pages

import (
	"strings"
	"time"

	"dashtam/services/admin"
	"dashtam/services/email"
	"dashtam/views/components"
)

// MailPath is the page about the mail.
const MailPath = "/admin/mail"

// AdminMail is a page of the list of mails at one place.
type AdminMail struct {
	Counts admin.MailCounts
	Place  string
	List   []admin.Mail
	Older  string
	Now    time.Time
}

func (p AdminMail) head() components.HeadProps {
	h := components.HeadProps{Title: "Mail", Answer: "All mail goes out.", Sub: "To whom and whether it arrived at the mail server. What a mail says is stored nowhere, and no link in it."}
	switch c := p.Counts; {
	case c.Died > 0:
		h.Answer = components.Plural(c.Died, "mail") + " could not be sent."
	case c.Waits > 0:
		h.Answer = components.Plural(c.Waits, "mail") + " " + verb(c.Waits, "waits.", "wait.")
	}
	return h
}

func (p AdminMail) places() []components.Place {
	return []components.Place{
		counted(MailPath, admin.MailWaits, p.Place, "Waiting", p.Counts.Waits), counted(MailPath, admin.MailDied, p.Place, "Given up", p.Counts.Died),
		counted(MailPath, admin.MailSent, p.Place, "Sent", p.Counts.Sent),
	}
}

func (p AdminMail) ledger() components.LedgerProps {
	l := components.LedgerProps{Caption: "Mails, newest first", Class: "ledger-tight stack", Heads: []string{"Mail", "Asked for"}, Older: p.Older}
	if p.Place == admin.MailSent {
		l.Last = "Taken by the server"
	} else {
		l.Heads, l.Act = append(l.Heads, "Why"), "Try again"
	}
	return l
}

func (p AdminMail) empty() (title, why string) {
	switch p.Place {
	case admin.MailDied:
		return "No mail was given up.", "What the mail server refuses for good, or does not take in a day of tries, is kept here for a week."
	case admin.MailSent:
		return "No mail was sent in the last day.", "What the mail server has taken is listed here for a day."
	}
	return "No mail waits.", "Most mails wait less than a second. What could not be sent yet is listed here with the reason."
}

// mailNames are the purposes of mails in words.
var mailNames = map[string]string{
	email.Verify: "Confirm the address", email.Exists: "There is an account already", email.Claim: "There is an account already",
	email.Welcome: "Welcome", email.Reset: "Choose a new password", email.PasswordChanged: "The password was changed",
	email.ConfirmAddress: "Confirm the new address", email.AddressTaken: "Somebody wanted this address", email.AddressChanged: "The address was changed",
	email.NewSignIn: "New sign-in", email.Invitation: "Invitation", email.NeedsYou: "A bank asks for its customer",
	email.WorksAgain: "A bank works again", email.ConsentEnds: "A permission ends soon", email.BankPaused: "A bank is paused",
}

func mailName(m admin.Mail) string {
	if words, ok := mailNames[m.Purpose]; ok {
		return words
	}
	return m.Purpose
}

func mailTo(m admin.Mail) string {
	if m.To == "" {
		return "somebody without an account"
	}
	return m.To
}

// mailTrouble is why the last try failed: in words, and what the server said. A mail that was never tried has none.
func mailTrouble(m admin.Mail) (why, said string) {
	if m.Error == "" {
		return "", ""
	}
	reason, said := email.ReasonIn(m.Error)
	switch reason {
	case email.Refused:
		why = "The mail server will not take it, now or later."
	case email.Busy:
		why = "The mail server asks us to come back later."
	case email.Denied:
		why = "The mail server does not let Dashtam send. Look at the user, password or AWS key in the settings, and at the address mails come from."
	case email.TimedOut:
		why = "The mail server did not answer in time. The mail may have arrived all the same."
	case email.Unreachable:
		why = "Nobody answers where the mail server should be."
	case email.Other:
		why = "Something went wrong before the mail server was asked, or it said something unusual."
	}
	return why, strings.TrimPrefix(said, "JobCancelError: ")
}

// mailNext is when a mail that waits is tried.
func mailNext(m admin.Mail, now time.Time) string {
	switch {
	case m.State == "running":
		return "on its way now"
	case !m.ScheduledAt.After(now):
		return "next in line"
	}
	return "next try " + lowerFirst(components.When(m.ScheduledAt, now))
}
