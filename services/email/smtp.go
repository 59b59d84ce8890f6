package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// SMTP sends through a mail server, one connection a mail.
type SMTP struct {
	from   string
	client *mail.Client
	tls    *tls.Config // of smtps; nil = the connection begins in the clear
}

// NewSMTP reads smtp://user:password@host:587 (with STARTTLS, unless the host is this machine) or
// smtps://user:password@host:465. It does no I/O, and its errors never repeat the URL, which may hold a password.
func NewSMTP(rawURL, from string) (*SMTP, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("email: the SMTP URL is not like smtp://user:password@host:587")
	}
	s := &SMTP{from: from}
	options := []mail.Option{mail.WithTimeout(sendTimeout), mail.WithDialContextFunc(s.dial)}
	mechanism := mail.SMTPAuthAutoDiscover
	switch {
	case u.Scheme == "smtps":
		s.tls = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic), mail.WithPort(portOr(u, 465))) // that it is encrypted go-mail sees by the connection
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
	if s.client, err = mail.NewClient(u.Hostname(), options...); err != nil {
		return nil, fmt.Errorf("email: the SMTP server: %w", err)
	}
	return s, nil
}

// Send delivers m to the mail server, within the time ctx has. ErrRefused is a server that will never take this mail: its
// recipient or its text. Once the server has taken the mail, nothing that goes wrong afterwards is an error: trying again
// would send it twice.
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
	if err := s.client.SendWithSMTPClient(server, msg); err != nil && !msg.IsDelivered() {
		_ = server.Close()
		said, _, _ := strings.Cut(err.Error(), ", affected recipient") // go-mail's own, about what we know
		return errors.Join(smtpSays(err), errors.New(said))
	}
	_ = server.Quit()
	return nil
}

// policy is what servers say of a recipient whom they would take from somebody else: that we may not relay, or are not
// trusted (RFC 3463, 3.8). An administrator can repair that.
var policy = regexp.MustCompile(`\b5\.7\.\d|(?i:\brelay)`)

// smtpSays puts the code of a server's answer into our terms; nil where it needs none.
func smtpSays(err error) error {
	code := 0
	if answer, ok := errors.AsType[*mail.SendError](err); ok {
		code = answer.ErrorCode()
		aboutMail := answer.Reason == mail.ErrSMTPRcptTo && !policy.MatchString(err.Error()) || answer.Reason == mail.ErrSMTPDataClose
		if code/100 == 5 && !aboutMail {
			return errDenied // who we are, or what we send from
		}
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
func (s *SMTP) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	b, ok := ctx.Value(connKey{}).(*bounded)
	end, limited := ctx.Deadline()
	if ok && limited {
		*b = bounded{conn, end}
		conn = b
	}
	if s.tls == nil {
		return conn, nil
	}
	secure := tls.Client(conn, s.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
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
