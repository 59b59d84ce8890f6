package email

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"dashtam/services/actor"
	"dashtam/services/jobs"
)

// The purposes of mail: what stands in jobs.Mail, and which letter Render writes.
const (
	Verify = "verify" // confirm the address; with a link that works once
	Exists = "exists" // somebody signed up with an address that has an account
)

// paths lead from the base URL to where each letter's link goes; a letter with a token has it appended.
var paths = map[string]string{
	Verify: "/verify/",
	Exists: "/login",
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
}

// Facts are what a letter needs to know. The person's name is left out: before an address is verified, whoever typed
// the name need not be whoever reads the mail.
type Facts struct {
	Email string        // where it goes
	Token string        // of the link; empty where the letter's link has none
	Valid time.Duration // how long the token works
}

// Linker looks up the mail's facts for who, the job that sends it, and mints its link, which replaces the ones before.
// services/auth is one.
type Linker interface {
	MailFacts(ctx context.Context, who actor.Actor, purpose string) (Facts, error)
}

// Letter is what Render is given.
type Letter struct {
	Link  string        // whole URL, from the configured base URL alone (RS-3)
	Valid time.Duration // how long Link works; zero = for good
}

// Render writes the letter of a purpose.
type Render func(purpose string, l Letter) (subject, text, html string, err error)

// Config is what a Service works with. Everything but Observe is required.
type Config struct {
	Sender  Sender
	Linker  Linker
	Render  Render
	BaseURL string                                                // without a slash at its end
	Observe func(purpose string, failed bool, took time.Duration) // told about every try at sending; may be nil
}

// Service is the seed's EmailService.
type Service struct{ Config }

// New makes a Service. It does no I/O.
func New(c Config) *Service { return &Service{c} }

// sendTimeout bounds one try at sending.
const sendTimeout = 30 * time.Second

// Send sends m now. It is for workers; whoever answers a request enqueues a jobs.Mail instead.
func (s *Service) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	begin := time.Now()
	err := s.Sender.Send(ctx, m)
	if s.Observe != nil {
		s.Observe(m.Purpose, err != nil, time.Since(begin))
	}
	if err != nil {
		return fmt.Errorf("email: sending %s: %w", m.Purpose, err)
	}
	return nil
}

// Worker carries out jobs.Mail.
type Worker struct {
	river.WorkerDefaults[jobs.Mail]
	Email *Service
}

// Work looks up, writes and sends one mail. An error is tried again by River, unless trying again cannot help.
func (w *Worker) Work(ctx context.Context, job *river.Job[jobs.Mail]) error {
	path, known := paths[job.Args.Purpose]
	if !known {
		return river.JobCancel(fmt.Errorf("email: unknown purpose %q", job.Args.Purpose))
	}
	facts, err := w.Email.Linker.MailFacts(ctx, actor.ForJob(job.Args.UserID, job.Args.RequestID), job.Args.Purpose)
	if errors.Is(err, ErrNoMail) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("email: %w", err)
	}
	m := Message{To: facts.Email, Purpose: job.Args.Purpose}
	letter := Letter{Link: w.Email.BaseURL + path + facts.Token, Valid: facts.Valid}
	if m.Subject, m.Text, m.HTML, err = w.Email.Render(job.Args.Purpose, letter); err != nil {
		return fmt.Errorf("email: writing %s: %w", job.Args.Purpose, err)
	}
	if err = w.Email.Send(ctx, m); errors.Is(err, ErrRefused) {
		return river.JobCancel(err)
	}
	return err
}
