package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

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
	if u.Scheme == "smtp" {
		options = append(options, mail.WithDialContextFunc(dial)) // smtps is dialled by go-mail itself, a step at most sendTimeout
	}
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

// Send delivers m to the mail server, within the time ctx has. A refusal with a code of 500 or more is ErrRefused. Once
// the server has taken the mail, nothing that goes wrong afterwards is an error: trying again would send it twice.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := compose(s.from, m)
	if err != nil {
		return err
	}
	var conn bounded
	defer conn.close()
	server, err := s.client.DialToSMTPClientWithContext(context.WithValue(ctx, connKey{}, &conn))
	if err != nil {
		return errors.Join(smtpSays(err), err)
	}
	if err := s.client.SendWithSMTPClient(server, msg); err != nil {
		_ = server.Close()
		said, _, _ := strings.Cut(err.Error(), ", affected recipient") // go-mail's own, about what we know
		return errors.Join(smtpSays(err), errors.New(said))
	}
	_ = server.Quit()
	return nil
}

// smtpSays puts the code of a server's answer into our terms; nil where it needs none.
func smtpSays(err error) error {
	code := 0
	if answer, ok := errors.AsType[*mail.SendError](err); ok {
		code = answer.ErrorCode()
	} else if answer, ok := errors.AsType[*textproto.Error](err); ok && answer.Code/100 == 5 {
		return errDenied // before there was any mail: the sign-in, or who we are
	} else if ok {
		code = answer.Code
	}
	switch code / 100 {
	case 4:
		return errBusy
	case 5:
		return ErrRefused
	}
	if strings.Contains(err.Error(), os.ErrDeadlineExceeded.Error()) { // which go-mail's error hides from errors.Is
		return context.DeadlineExceeded
	}
	return nil
}

// bounded is a connection whose time ends, whatever go-mail sets later, so that a server that hangs costs no more than
// one try may take.
type bounded struct {
	net.Conn
	end time.Time
}

type connKey struct{}

// dial connects, and leaves the connection where Send finds it: go-mail does not close one whose greeting never comes.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	b, ok := ctx.Value(connKey{}).(*bounded)
	end, limited := ctx.Deadline()
	if !ok || !limited {
		return conn, nil
	}
	*b = bounded{conn, end}
	return b, nil
}

// SetDeadline sets the earlier of t and the end.
func (b *bounded) SetDeadline(t time.Time) error {
	if t.After(b.end) {
		t = b.end
	}
	return b.Conn.SetDeadline(t)
}

func (b *bounded) close() {
	if b.Conn != nil {
		_ = b.Close()
	}
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
