package pages

import (
	"strconv"
	"time"

	"dashtam/services/admin"
	"dashtam/views/components"
)

// JobsPath is the page about the jobs.
const JobsPath = "/admin/jobs"

// AdminJobs is a page of the list of jobs at one place.
type AdminJobs struct {
	Counts admin.JobCounts
	Place  string
	List   []admin.Job
	Older  string
	Now    time.Time
}

func (p AdminJobs) head() components.HeadProps {
	h := components.HeadProps{Title: "Jobs", Answer: "Everything is done.", Sub: "Mails and syncs, done after the answer. What failed is tried again by itself."}
	switch c := p.Counts; {
	case c.Dead > 0:
		h.Answer = components.Plural(c.Dead, "job") + " " + verb(c.Dead, "was", "were") + " given up."
	case c.Open > 0:
		h.Answer = components.Plural(c.Open, "job") + " " + verb(c.Open, "is", "are") + " to be done."
	}
	return h
}

func (p AdminJobs) places() []components.Place {
	return []components.Place{
		counted(JobsPath, admin.JobOpen, p.Place, "To do", p.Counts.Open), counted(JobsPath, admin.JobDead, p.Place, "Given up", p.Counts.Dead),
		counted(JobsPath, admin.JobDone, p.Place, "Done", p.Counts.Done),
	}
}

// counted is a place of a list with how much is there.
func counted(path, place, here, label string, n int) components.Place {
	return components.Place{Label: label + " " + components.Count(n), Href: path + "?place=" + place, Here: place == here}
}

func (p AdminJobs) ledger() components.LedgerProps {
	l := components.LedgerProps{Caption: "Jobs, newest first", Class: "ledger-tight stack ledger-said", Heads: []string{"Job", "Queued", "Last error", "State"}, Older: p.Older}
	if p.Place != admin.JobDone {
		l.Act = "Act"
	}
	return l
}

// jobWhose is whose job it is, and its number.
func jobWhose(j admin.Job) string {
	number := "no.\u00a0" + strconv.FormatInt(j.ID, 10)
	if j.Owner == "" {
		return number
	}
	return "for " + j.Owner + ", " + number
}

func (p AdminJobs) empty() (title, why string) {
	switch p.Place {
	case admin.JobDead:
		return "No job was given up.", "What failed too often, and what you cancelled, is kept here for a week and can be tried again."
	case admin.JobDone:
		return "No job was done in the last day.", "The first one is usually the mail that verifies an address."
	}
	return "No job waits.", "Most are worked within a second."
}

// jobState puts River's word for a job's state into ours.
func jobState(j admin.Job) (tone components.Tone, icon, word string) {
	switch j.State {
	case "completed":
		return components.Good, "check", "Done"
	case "running":
		return components.Doing, "refresh-cw", "Running"
	case "retryable":
		return components.Close, "rotate-cw", "Later"
	case "discarded":
		return components.Bad, "circle-alert", "Given up"
	case "cancelled":
		return components.Quiet, "x", "Cancelled"
	default:
		return components.Quiet, "calendar-clock", "Waiting"
	}
}

var jobKinds = map[string]string{
	"mail": "Mail", "sync": "Sync of a connection", "revoke": "Tell a bank that a connection ended", "sync_due": "Look for what is due", "audit_seal": "Seals of the audit",
}

func jobKind(j admin.Job) string {
	if words, ok := jobKinds[j.Kind]; ok {
		return words
	}
	return j.Kind
}
