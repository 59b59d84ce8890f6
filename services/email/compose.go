package email

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
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
	_, domain, _ := strings.Cut(msg.GetFrom()[0].Address, "@")
	msg.SetMessageIDWithValue(rand.Text() + "@" + domain) // left alone, go-mail would tell the machine's name
	msg.SetDateWithValue(time.Now())
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	return msg, nil
}

// encode is a composed mail's bytes, all lines ending in lineEnd. go-mail leaves those of the bodies as they are.
func encode(msg *mail.Msg, lineEnd string) ([]byte, error) {
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	lines := bytes.ReplaceAll(b.Bytes(), []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(lines, []byte("\n"), []byte(lineEnd)), nil
}
