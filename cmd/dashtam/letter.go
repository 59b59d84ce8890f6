package main

import (
	"fmt"

	"dashtam/services/email"
)

// letter writes the mails in plain words until views/emails does.
func letter(purpose string, l email.Letter) (subject, text, html string, err error) {
	switch purpose {
	case email.Verify:
		subject = "Confirm your address"
		text = "Follow this link to confirm your address:\n\n" + l.Link + "\n"
	case email.Exists:
		subject = "You already have an account"
		text = "Somebody, perhaps you, signed up with this address. It already has an account; sign in here:\n\n" + l.Link + "\n"
	default:
		return "", "", "", fmt.Errorf("no letter for %q", purpose)
	}
	return subject, text, "", nil
}
