package email

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"dashtam/services/actor"
)

// The purposes of mail: what stands in jobs.Mail, and which letter Render writes.
const (
	Verify          = "verify"           // confirm the address; with a link that works once
	Exists          = "exists"           // somebody signed up with an address that has an account
	Claim           = "claim"            // the same, but nobody ever verified that account; with a link to choose its password
	Welcome         = "welcome"          // the address was confirmed
	Reset           = "reset"            // choose a new password; with a link that works once
	PasswordChanged = "password_changed" // the password is another one now
	ConfirmAddress  = "confirm_address"  // to a new address: confirm it; with a link that works once
	AddressTaken    = "address_taken"    // somebody wants to move their account to an address that has one
	AddressChanged  = "address_changed"  // to the old address; with a link that undoes it
	NewSignIn       = "new_sign_in"      // somebody signed in from a device that was not known
	Invitation      = "invitation"       // to somebody without an account; with a link that makes one
	NeedsYou        = "needs_you"        // a connection works again only when its owner has been to the bank
	WorksAgain      = "works_again"      // it does
	ConsentEnds     = "consent_ends"     // a connection will need its owner soon
	BankPaused      = "bank_paused"      // to an administrator: a bank refuses everybody, or Dashtam itself
)

// paths lead from the base URL to where each letter's link goes; the letter's token is appended.
var paths = map[string]string{
	Verify:          "/verify/",
	Exists:          "/login",
	Claim:           "/password/reset/",
	Welcome:         "/login",
	Reset:           "/password/reset/",
	PasswordChanged: "/password/forgot",
	ConfirmAddress:  "/settings/email/confirm/",
	AddressTaken:    "/login",
	AddressChanged:  "/email/undo/",
	NewSignIn:       "/settings/sessions",
	Invitation:      "/invite/",
	NeedsYou:        "/connections/",
	WorksAgain:      "/connections/",
	ConsentEnds:     "/connections/",
	BankPaused:      "/admin/connections",
}

var (
	// ErrNoMail is a Linker's answer when there is nothing to send any more: the person is gone, or has verified.
	ErrNoMail = errors.New("email: nothing to send any more")
	// ErrRefused is in a Sender's error when the server will never take this mail, so that it is not tried again.
	ErrRefused = errors.New("email: refused for good")
)

// Message is one mail, ready to be sent.
type Message struct {
	To      string // a bare address
	Subject string
	Text    string // plain text; every link alone on its line
	HTML    string
	Purpose string // for the log
}

// Sender brings a mail on its way: Outbox, SMTP or SES.
type Sender interface {
	Send(ctx context.Context, m Message) error
	Reach(ctx context.Context) error // whether it could, without sending
}

// Facts are what a letter needs to know. The person's name is left out: before an address is verified, whoever typed
// the name need not be whoever reads the mail.
type Facts struct {
	Email   string        // where it goes
	Token   string        // of the link, or the id of what it leads to; empty where the letter's link has none
	Valid   time.Duration // how long the token works
	Details []Detail
}

// Detail is a fact beside a letter's words: when, from where. Value is never text that a stranger typed (RS-1).
type Detail struct{ Label, Value string }

// Linker looks up the mail's facts for who, the job that sends it, and mints its link, which replaces the ones before.
// about is what the job says it is about, uuid.Nil for most; asked is when it was enqueued. services/auth is one.
type Linker interface {
	MailFacts(ctx context.Context, who actor.Actor, purpose string, about uuid.UUID, asked time.Time) (Facts, error)
}

// Letter is what Render is given.
type Letter struct {
	Link    string        // whole URL, from the configured base URL alone (RS-3)
	Valid   time.Duration // how long Link works; zero = for good
	Details []Detail
}

// Render writes the letter of a purpose.
type Render func(purpose string, l Letter) (subject, text, html string, err error)

// Config is what a Service works with. Everything but Timeout and Observe is required.
type Config struct {
	Sender  Sender
	Linker  Linker
	Render  Render
	BaseURL string                                                // without a slash at its end
	Timeout time.Duration                                         // of one try at sending; 0 = 30 s
	Observe func(purpose string, failed bool, took time.Duration) // told about every try at sending; may be nil
}

// Service is the seed's EmailService.
type Service struct{ Config }

// New makes a Service. It does no I/O.
func New(c Config) *Service { return &Service{c} }

// sendTimeout bounds one try at sending.
const sendTimeout = 30 * time.Second

// Send sends m now. It is for workers; whoever answers a request enqueues a jobs.Mail instead. Its error is a *SendError.
func (s *Service) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, sendTimeout))
	defer cancel()
	begin := time.Now()
	err := s.Sender.Send(ctx, m)
	if s.Observe != nil {
		s.Observe(m.Purpose, err != nil, time.Since(begin))
	}
	if err != nil {
		return failure(err)
	}
	return nil
}
