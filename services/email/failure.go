package email

import (
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
)

// Reason is why a try at sending failed, in terms an administrator can act on.
type Reason string

// The reasons. Only what was refused is not tried again.
const (
	Refused     Reason = "refused"     // the server will never take this mail
	Busy        Reason = "busy"        // the server asks us to slow down or to come back
	Denied      Reason = "denied"      // the server does not let us in
	TimedOut    Reason = "timed_out"   // no answer in time; the mail may have arrived
	Unreachable Reason = "unreachable" // nobody answers there
	Other       Reason = "other"
)

var (
	errBusy   = errors.New("the server asks to wait")
	errDenied = errors.New("the server does not let us in")
)

// SendError is an error of Send. Its text names the reason and repeats what the server said, but for addresses and for
// anything that could be a link: a server that dislikes a mail may quote it.
type SendError struct {
	Reason Reason
	said   string
	cause  error
}

// Error is what the log and the job's row hold.
func (f *SendError) Error() string { return "mail " + string(f.Reason) + ": " + f.said }

// Unwrap gives the cause to errors.Is.
func (f *SendError) Unwrap() error { return f.cause }

// failed finds the reason in the text of a SendError, whatever was put around it.
var failed = regexp.MustCompile(`\bmail (refused|busy|denied|timed_out|unreachable|other): `)

// ReasonIn reads the reason and the server's words from a job's last error.
func ReasonIn(text string) (r Reason, said string) {
	at := failed.FindStringSubmatchIndex(text)
	if at == nil {
		return Other, text
	}
	return Reason(text[at[2]:at[3]]), text[at[1]:]
}

func failure(err error) *SendError {
	text := err.Error()
	for _, ours := range []error{ErrRefused, errBusy, errDenied, context.DeadlineExceeded} { // a sender puts one before the server's words
		text = strings.TrimPrefix(text, ours.Error()+"\n")
	}
	f := &SendError{Reason: Other, said: discreet(text), cause: err}
	var network net.Error
	switch {
	case errors.Is(err, ErrRefused):
		f.Reason = Refused
	case errors.Is(err, errBusy):
		f.Reason = Busy
	case errors.Is(err, errDenied):
		f.Reason = Denied
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		f.Reason = TimedOut
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.Reason = Unreachable
	}
	return f
}

// longestSaid bounds what is kept of a server's words.
const longestSaid = 300

var (
	mailAddress = regexp.MustCompile(`[^\s<>"']+@[^\s<>"']+`)
	linkLike    = regexp.MustCompile(`https?://\S+|[A-Za-z0-9_-]{32,}`)
)

func discreet(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	s = mailAddress.ReplaceAllString(linkLike.ReplaceAllString(s, "[left out]"), "[address]")
	if len(s) > longestSaid {
		s = strings.ToValidUTF8(s[:longestSaid], "") + " …"
	}
	return s
}
