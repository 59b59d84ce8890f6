package pages

import (
	"time"

	"dashtam/views/components"
)

// Email is the page about the address one signs in with.
type Email struct {
	Fields
	Current string
	Waiting string    // the address that has to be confirmed; empty without one
	Asked   time.Time // since when it waits
	Now     time.Time
}

func (p Email) waiting() components.NoticeProps {
	return components.NoticeProps{
		Kind: "info", Title: p.Waiting + " waits to be confirmed.", Class: "mb-6",
		Text: "A mail with a link went there " + lowerFirst(components.When(p.Asked, p.Now)) + ". Until it is opened nothing changes.",
	}
}

func (p Email) password() components.FieldProps {
	f := p.input("password", "Your password")
	f.Type, f.Autocomplete, f.Value = "password", "current-password", ""
	f.Hint = "So that nobody changes it who only found this page open."
	return f
}

func (p Email) address() components.FieldProps {
	f := p.email()
	f.Label, f.Autocomplete = "New address", "email"
	return f
}
