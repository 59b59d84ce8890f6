package email

import (
	"bytes"
	"fmt"
	"time"

	"github.com/wneessen/go-mail"
)

// compose puts m into the form all three senders send: text first, then HTML, both 8bit, so that a link stays as it is
// and on one line. An address that could smuggle in a header is an error.
func compose(from string, m Message) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithEncoding(mail.NoEncoding), mail.WithNoDefaultUserAgent())
	if err := msg.From(from); err != nil {
		return nil, fmt.Errorf("email: the sender's address: %w", err)
	}
	if err := msg.To(m.To); err != nil {
		return nil, fmt.Errorf("%w: the address is malformed", ErrRefused)
	}
	msg.Subject(m.Subject)
	msg.SetMessageID()
	msg.SetDateWithValue(time.Now())
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	return msg, nil
}

// encode is a composed mail's bytes.
func encode(msg *mail.Msg) ([]byte, error) {
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	return b.Bytes(), nil
}
