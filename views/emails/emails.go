package emails

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dashtam/services/email"
)

// letter is what a mail says: a few sentences, facts, one link, a few more sentences, and why it comes.
type letter struct {
	subject string
	before  []string
	details []email.Detail
	label   string // of the link, in the HTML
	link    string
	after   []string
	kind    kind
}

// kind says why somebody gets a mail at all, and so whether they can do without.
type kind string

const (
	asked    kind = "Mails like this one come only when somebody asks for them, and cannot be switched off."
	safety   kind = "Mails about the safety of your account cannot be switched off."
	upkeep   kind = "A mail like this one comes once, when a connection stops, and none until it works again."
	repaired kind = "A mail like this one comes once, when a connection works again that had needed you."
	incident kind = "A mail like this one comes to administrators, once when a bank is paused."
	ahead    kind = "Mails like this one come at most three times before a permission ends, and none once it is renewed."
	greeting kind = "This mail comes once, so there is nothing to switch off."
)

// Render writes the letter of a purpose, as subject, plain text and HTML.
func Render(purpose string, l email.Letter) (subject, text, html string, err error) {
	write, ok := letters[purpose]
	if !ok {
		return "", "", "", fmt.Errorf("emails: no letter for %q", purpose)
	}
	w := write(l)
	w.link, w.details = l.Link, l.Details
	var page strings.Builder
	if err := document(w).Render(context.Background(), &page); err != nil {
		return "", "", "", fmt.Errorf("emails: %w", err)
	}
	return w.subject, w.text(), page.String(), nil
}

// text is the letter in plain text, wrapped for people who read mail in a terminal; the link is never wrapped.
func (w letter) text() string {
	var b strings.Builder
	for _, sentence := range w.before {
		b.WriteString(wrap(sentence) + "\n\n")
	}
	for _, d := range w.details {
		b.WriteString(wrap(d.Label+": "+d.Value) + "\n")
	}
	if len(w.details) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(w.link + "\n\n")
	for _, sentence := range w.after {
		b.WriteString(wrap(sentence) + "\n\n")
	}
	return b.String() + "Dashtam\n" + wrap(string(w.kind)) + "\n"
}

// wrap breaks a sentence into lines of at most 72 characters.
func wrap(sentence string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(sentence) {
		switch {
		case i == 0:
		case column+1+len(word) > 72:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

// span says how long a link works: whole days from three on, whole hours, or minutes below two hours.
func span(d time.Duration) string {
	switch hours := int(d.Hours()); {
	case hours >= 72 && hours%24 == 0:
		return fmt.Sprintf("%d days", hours/24)
	case hours >= 2:
		return fmt.Sprintf("%d hours", hours)
	case d == time.Hour:
		return "an hour"
	default:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
}
