package emails

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dashtam/services/email"
)

// letter is what a mail says: a few sentences, one link, a few more.
type letter struct {
	subject string
	before  []string
	label   string // of the link, in the HTML
	link    string
	after   []string
}

// Render writes the letter of a purpose, as subject, plain text and HTML.
func Render(purpose string, l email.Letter) (subject, text, html string, err error) {
	var w letter
	switch purpose {
	case email.Verify:
		w = verify(l)
	case email.Exists:
		w = exists(l)
	default:
		return "", "", "", fmt.Errorf("emails: no letter for %q", purpose)
	}
	var page strings.Builder
	if err := document(w).Render(context.Background(), &page); err != nil {
		return "", "", "", fmt.Errorf("emails: %w", err)
	}
	return w.subject, w.text(), page.String(), nil
}

func verify(l email.Letter) letter {
	return letter{
		subject: "Confirm your address for Dashtam",
		before: []string{
			"Somebody, most likely you, signed up for Dashtam with this address.",
			"Open this page and press the button on it. Then you can sign in.",
		},
		label: "Confirm this address",
		link:  l.Link,
		after: []string{
			"The link works once, within " + span(l.Valid) + ". A newer mail replaces it.",
			"If it was not you, there is nothing to do: without this step the account opens nothing.",
		},
	}
}

func exists(l email.Letter) letter {
	return letter{
		subject: "You already have a Dashtam account",
		before: []string{
			"Somebody, most likely you, signed up for Dashtam with this address. It has an account already, so nothing was changed.",
			"This is where you sign in:",
		},
		label: "Sign in",
		link:  l.Link,
		after: []string{"If it was not you, there is nothing to do: whoever it was has not been told that you have an account."},
	}
}

// text is the letter in plain text, wrapped for people who read mail in a terminal; the link is never wrapped.
func (w letter) text() string {
	var b strings.Builder
	for _, sentence := range w.before {
		b.WriteString(wrap(sentence) + "\n\n")
	}
	b.WriteString(w.link + "\n\n")
	for _, sentence := range w.after {
		b.WriteString(wrap(sentence) + "\n\n")
	}
	return b.String() + "Dashtam\n"
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

// span says how long a link works: whole hours, or minutes below two hours.
func span(d time.Duration) string {
	switch hours := int(d.Hours()); {
	case hours >= 2:
		return fmt.Sprintf("%d hours", hours)
	case d == time.Hour:
		return "an hour"
	default:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
}
