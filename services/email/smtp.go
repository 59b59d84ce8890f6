package email

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/wneessen/go-mail"
)

// SMTP sends through a mail server, one connection a mail.
type SMTP struct {
	from   string
	client *mail.Client
}

// NewSMTP reads smtp://user:password@host:587 (with STARTTLS, unless the host is this machine) or
// smtps://user:password@host:465. It does no I/O, and its errors never repeat the URL, which may hold a password.
func NewSMTP(rawURL, from string) (*SMTP, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("email: the SMTP URL is not like smtp://user:password@host:587")
	}
	options := []mail.Option{mail.WithTimeout(sendTimeout)}
	mechanism := mail.SMTPAuthAutoDiscover
	switch {
	case u.Scheme == "smtps":
		options = append(options, mail.WithSSL(), mail.WithPort(portOr(u, 465)))
	case u.Scheme != "smtp":
		return nil, errors.New("email: the SMTP URL begins with neither smtp:// nor smtps://")
	case isThisMachine(u.Hostname()):
		mechanism = mail.SMTPAuthPlain // which go-mail sends in the clear to this machine only
		options = append(options, mail.WithTLSPolicy(mail.NoTLS), mail.WithPort(portOr(u, 587)))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithPort(portOr(u, 587)))
	}
	if u.User != nil {
		password, _ := u.User.Password()
		options = append(options, mail.WithSMTPAuth(mechanism), mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	client, err := mail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, fmt.Errorf("email: the SMTP server: %w", err)
	}
	return &SMTP{from, client}, nil
}

// Send delivers m to the mail server. A refusal with a code of 500 or more is ErrRefused.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := compose(s.from, m)
	if err != nil {
		return err
	}
	err = s.client.DialAndSendWithContext(ctx, msg)
	if refused, ok := errors.AsType[*mail.SendError](err); ok && refused.ErrorCode() >= 500 {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

func portOr(u *url.URL, fallback int) int {
	if port, err := strconv.Atoi(u.Port()); err == nil {
		return port
	}
	return fallback
}

func isThisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
