package sandbox

import (
	"strings"
	"time"

	"dashtam/services/sandbox/books"
)

// LoginForm is what the sign-in page shows.
type LoginForm struct {
	Request  string // id of the authorization request
	App      string // who sent the customer
	Username string
	Problem  string // one sentence, or empty
}

// ConsentForm is what the consent page shows.
type ConsentForm struct {
	Request  string
	App      string
	Username string
	Accounts []books.Account
	May      []Permission
	Offline  bool // the permission lasts while the customer is away
	Ends     time.Time
	Days     int // from now until then
	Problem  string
}

// Permission is one thing an app asks to be allowed.
type Permission struct{ What, Detail string }

// label is what a customer calls an account: their own name for it, else the bank's.
func label(a books.Account) string {
	if strings.TrimSpace(a.Nickname) != "" {
		return a.Nickname
	}
	return a.Product
}
