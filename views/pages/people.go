package pages

import (
	"strings"
	"time"

	"dashtam/services/admin"
	"dashtam/services/auth"
	"dashtam/views/components"
)

// AdminPeople is a page of the list of people. Older leads on; empty = this is the end.
type AdminPeople struct {
	List   []admin.Person
	Search string
	Older  string
	Now    time.Time
}

func (p AdminPeople) head() components.HeadProps {
	h := components.HeadProps{Title: "People", Answer: "Who has an account here.", Sub: "What their money looks like is theirs alone: it is not shown to administrators."}
	if p.Search != "" && len(p.List) == 0 {
		h.Answer = "Nobody found."
	}
	return h
}

// AdminPerson is one person for an administrator.
type AdminPerson struct {
	admin.PersonDetail
	Fields
	Own   bool   // the administrator's own account
	Fault string // why the last act was refused
	Now   time.Time
}

func (p AdminPerson) path(act string) string { return "/admin/users/" + p.ID.String() + act }

func (p AdminPerson) answer() string {
	switch {
	case p.DisabledAt != nil:
		return "Disabled since " + lowerFirst(components.When(*p.DisabledAt, p.Now)) + "."
	case p.VerifiedAt == nil:
		return "The address was never confirmed, so this account opens nothing."
	case p.Admin:
		return "An administrator."
	default:
		return "An ordinary person."
	}
}

// why is the reason an act on this account is not offered, or nothing.
func (p AdminPerson) why() string {
	switch {
	case p.LastAdmin && p.Admin:
		return "This is the last administrator, so the account stays as it is. Make somebody else one first."
	case p.Own:
		return "This is your own account. Another administrator has to do that, so that it does not happen by accident."
	default:
		return ""
	}
}

func (p AdminPerson) signedIn() string {
	if p.Sessions+p.Clients == 0 {
		return "Nowhere"
	}
	var parts []string
	if p.Sessions > 0 {
		parts = append(parts, components.Plural(p.Sessions, "browser"))
	}
	if p.Clients > 0 {
		parts = append(parts, components.Plural(p.Clients, "program"))
	}
	return components.List(parts)
}

func (p AdminPerson) banks() string {
	s := components.Count(p.Connections)
	if p.Ended > 0 {
		s += ", and " + components.Count(p.Ended) + " ended"
	}
	return s
}

// lost says what deleting the account takes away.
func (p AdminPerson) lost() string {
	banks := ""
	if n := p.Connections; n > 0 {
		banks = ", and access to " + components.Plural(n, "bank") + ", which " + verb(n, "is", "are") + " told"
	}
	return "What goes: sign-in and profile, accounts, transactions, holdings and notes" + banks +
		". It cannot be undone. The audit keeps that it happened, without name or address."
}

func (p AdminPerson) confirm() components.FieldProps {
	f := p.input("email", "Type "+p.Email+" to confirm")
	f.Type, f.Autocomplete = "email", "off"
	return f
}

// AdminSettings is what the environment decided, and who is invited.
type AdminSettings struct {
	Fields
	Fault       string
	Proved      bool // a proof of the last 15 minutes, without which nothing typed here would be kept
	Policy      auth.Signup
	Invitations []auth.Invitation
	Configured  []admin.Setting
	Now         time.Time
}

func (p AdminSettings) policy() string {
	switch {
	case p.Policy.Open():
		return "Anybody can sign up here."
	case p.Policy == auth.SignupInvite:
		return "Only people you invite get an account here."
	default:
		return "Nobody new gets an account here."
	}
}

func (p AdminSettings) address() components.FieldProps {
	f := p.input("email", "E-mail")
	f.Type, f.Autocomplete, f.MaxLength = "email", "off", "254"
	f.Hint = "One mail goes there, with a link that works once, for a week."
	return f
}

// state is how an invitation stands.
func (p AdminSettings) state(i auth.Invitation) string {
	switch {
	case i.Expired(p.Now):
		return "too late since " + lowerFirst(components.When(i.ExpiresAt, p.Now))
	case !i.Sent:
		return "the mail is being written"
	default:
		return "until " + lowerFirst(components.When(i.ExpiresAt, p.Now))
	}
}

// parts are the settings by the part of the program they are about, in the order they came.
func (p AdminSettings) parts() (parts [][]admin.Setting) {
	for _, s := range p.Configured {
		if n := len(parts); n > 0 && parts[n-1][0].Part == s.Part {
			parts[n-1] = append(parts[n-1], s)
		} else {
			parts = append(parts, []admin.Setting{s})
		}
	}
	return parts
}

func orNotSet(value string) string {
	if strings.TrimSpace(value) == "" {
		return "not set"
	}
	return value
}
