package pages

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/admin"
	"dashtam/services/audit"
	"dashtam/services/tokens"
	"dashtam/views/components"
)

// acts are the codes of the audit log in words, as done by the one who stands beside them. An act without words is a
// failing test.
var acts = map[string]string{ //nolint:gosec // no credentials: words about them
	"login": "Signed in", "logout": "Signed out", "signup": "Signed up", "setup": "Set up the installation", "setup.link": "Asked for the set-up link",
	"verify": "Confirmed the address", "verify.link": "Wrote the mail that confirms the address", "verify.resend": "Asked for that mail again",
	"refresh": "Renewed an API token", "refresh.reused": "Used an API token a second time",
	"role": "Changed a role", "user.disabled": "Disabled an account", "user.enabled": "Enabled an account", "user.deleted": "Deleted an account",
	"user.signed_out": "Ended all sessions of an account", "user.reset": "Started a password reset", "user.reset_link": "Printed a link to choose a password", "audit.exported": "Exported the audit",
	"invitation.created": "Invited somebody", "invitation.revoked": "Took an invitation back", "invitation.link": "Wrote the mail with an invitation",
	"invitation.used": "Accepted an invitation",
	"profile":         "Changed the profile", "profile.theme": "Changed the appearance",
	"connection.start": "Left for a bank", "connection.answer": "Came back from a bank", "connection.exchange": "Asked a bank for tokens",
	"connection.created": "Connected a bank", "connection.renewed": "Renewed a permission", "connection.renamed": "Renamed a connection",
	"connection.sync": "Pressed “Sync now”", "connection.sync_cancelled": "Cancelled a sync", "connection.disconnected": "Ended a connection", "connection.revoked": "Told a bank that a connection ended",
	"tokens.recovered": "Stored a bank's answer that had waited for the database",
	"provider.paused":  "Left a bank alone that refuses everybody", "provider.resumed": "Went on with a paused bank",
	"connection.needs_you": "Found that a connection needs its owner", "connection.paused": "Paused a connection",
	"account.merged": "Recognised an account that came back", "account.another": "Said that an account is a new one", "account.split": "Took an account apart again",
	"tokens.refresh": "Renewed a bank token", "tokens.tampered": "Found a stored token that did not open",
	"password.forgot": "Asked for a new password", "password.link": "Wrote the mail to choose a password", "password.reset": "Chose a new password",
	"email.asked": "Asked for another address", "email.link": "Wrote the mail that confirms a new address", "email.changed": "Changed the address",
	"email.undo_link": "Wrote the mail that undoes a change of address", "email.undone": "Took the address back",
	"signup.void": "Lost an account that was never verified", "mail.retried": "Had a mail tried again",
	"job.retried": "Had a job tried again", "job.cancelled": "Cancelled a job",
	"reauth": "Gave the password once more", "session.end": "Signed out a device", "session.end_others": "Signed out all other devices", "password": "Changed the password",
	"transaction.noted": "Wrote a note", "transactions.exported": "Exported transactions", "keys.added": "Began to use a key", "keys.rotated": "Put every connection under a new key",
	"provider.added": "Added a bank", "provider.changed": "Changed a bank", "provider.removed": "Removed a bank",
	"provider.off": "Switched a bank off", "provider.on": "Switched a bank on", "provider.tested": "Tested a bank",
}

// ActWords is an act in words; ok is false for one that has none.
func ActWords(act string) (words string, ok bool) {
	words, ok = acts[act]
	return words, ok
}

func actWords(act string) string {
	if words, ok := acts[act]; ok {
		return words
	}
	return components.Sentence(strings.ReplaceAll(act, ".", " "))
}

// eventWho names who acted, where it was no person of whom we know the address.
func eventWho(e admin.Event) string {
	switch {
	case e.Who != "":
		return e.Who
	case e.ActorKind == "user" || e.ActorKind == "admin":
		return "Somebody who is gone"
	case e.ActorKind == "anonymous":
		return "A stranger"
	case e.ActorKind == "job":
		return "Job"
	default:
		return "System"
	}
}

// eventWhose is whose account or data an act touched, where that is not who acted.
func eventWhose(e admin.Event) string {
	switch {
	case e.UserID == nil || e.ActorID != nil && *e.UserID == *e.ActorID:
		return ""
	case e.Whose == "":
		return "of somebody who is gone"
	default:
		return "of " + e.Whose
	}
}

// eventDetail is what else is known: the codes, then the address.
func eventDetail(e audit.Entry) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		if value := e.Detail[key]; value != "" {
			parts = append(parts, key+" "+value)
		}
	}
	if e.IP != nil {
		parts = append(parts, e.IP.String())
	}
	return strings.Join(parts, ", ")
}

// AdminAudit is a search in the audit log and a page of what it found.
type AdminAudit struct {
	Terms admin.EventTerms
	Wrong map[string]string // field -> sentence
	List  []admin.Event
	Older string
	Now   time.Time
}

// With is the address of path with the search of this page, changed by names and values in turn. It begins at the newest
// line unless told otherwise.
func (p AdminAudit) With(path string, changes ...string) string {
	query := url.Values{}
	t := p.Terms
	for name, value := range map[string]string{"person": t.Person, "act": t.Act, "from": t.From, "to": t.To, "result": t.Result} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for i := 0; i+1 < len(changes); i += 2 {
		query.Set(changes[i], changes[i+1])
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

func (p AdminAudit) filtered() bool { return p.With("") != "" }

func (p AdminAudit) head() components.HeadProps {
	h := components.HeadProps{Title: "Audit", Answer: "Who did what, and when.", Sub: "Nothing here can be changed or removed. Every minute new lines are sealed; dashtam audit verify checks the seals."}
	switch {
	case p.Wrong != nil:
		h.Answer = "Some of this cannot be searched for."
	case p.filtered() && len(p.List) == 0:
		h.Answer = "Nothing found."
	}
	return h
}

// actChoices are the acts there are, by their words.
func actChoices() []components.Option {
	options := []components.Option{{Value: "", Label: "Any act"}}
	for act, words := range acts {
		options = append(options, components.Option{Value: act, Label: words})
	}
	slices.SortFunc(options[1:], func(a, b components.Option) int { return strings.Compare(a.Label, b.Label) })
	return options
}

var resultChoices = []components.Option{
	{Value: "", Label: "Any result"}, {Value: "done", Label: "Done"}, {Value: "refused", Label: "Refused"}, {Value: "failed", Label: "Failed"},
}

// Activity is what was done by a person and to what is theirs.
type Activity struct {
	List  []audit.Entry
	Older string
	Now   time.Time
}

// BankUses is the access ledger of all of a person's banks.
type BankUses struct {
	List  []tokens.Use
	Banks map[uuid.UUID]string // the connections' names
	Older string
	Now   time.Time
}

// byLink are acts that a link in a mail does, usually the person's own.
var byLink = []string{"verify", "password.reset", "email.changed", "email.undone", "invitation.used"}

// actedBy says to a person who did something to what is theirs.
func actedBy(e audit.Entry) string {
	switch {
	case e.ActorID != nil && e.UserID != nil && *e.ActorID == *e.UserID && e.ActorKind != "job":
		return "You"
	case e.ActorKind == "admin":
		return "An administrator"
	case e.ActorKind == "anonymous" && slices.Contains(byLink, e.Act):
		return "Whoever opened the mailed link"
	case e.ActorKind == "anonymous":
		return "Somebody who was not signed in"
	default:
		return "Dashtam"
	}
}

// actedFrom is the device and the address an act came from, where there were any.
func actedFrom(e audit.Entry) string {
	var parts []string
	if e.UserAgent != "" {
		parts = append(parts, actor.Device(e.UserAgent))
	}
	if e.IP != nil {
		parts = append(parts, e.IP.String())
	}
	return strings.Join(parts, ", ")
}
