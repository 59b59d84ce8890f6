package email_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"dashtam/services/email"
)

// mailServer is an SMTP server that stands for those out there: it takes one mail a connection and answers RCPT with
// rcpt, "250 ok" when that is empty, and nothing at all when it is hangs.
type mailServer struct {
	addr string
	mu   sync.Mutex
	rcpt string
	from string // answer to MAIL; empty = "250 ok", as of the next two
	text string // answer to a mail's text
	rset string
	quit string // answer to QUIT; empty = that of a polite server
	data [][]byte
	auth []string
}

func newMailServer(t *testing.T, rcpt string) *mailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return mailServerOn(t, l, rcpt)
}

func mailServerOn(t *testing.T, l net.Listener, rcpt string) *mailServer {
	t.Helper()
	s := &mailServer{addr: l.Addr().String(), rcpt: rcpt}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			s.serve(textproto.NewConn(conn))
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return s
}

func (s *mailServer) serve(c *textproto.Conn) {
	defer c.Close()
	say := func(line string) { _ = c.PrintfLine("%s", line) }
	say("220 double ready")
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.Fields(line + " ?")[0]); verb {
		case "EHLO":
			say("250-double\r\n250-8BITMIME\r\n250 AUTH PLAIN")
		case "AUTH":
			s.mu.Lock()
			s.auth = append(s.auth, line)
			s.mu.Unlock()
			say("235 ok")
		case "MAIL":
			say(orElse(s.from, "250 ok"))
		case "RSET":
			say(orElse(s.rset, "250 ok"))
		case "RCPT":
			s.mu.Lock()
			answer := orElse(s.rcpt, "250 ok")
			s.mu.Unlock()
			if answer == hangs {
				_, _ = c.ReadLine() // until the client has gone
				return
			}
			say(answer)
		case "DATA":
			say("354 go on")
			data, err := c.ReadDotBytes()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.data = append(s.data, data)
			s.mu.Unlock()
			say(orElse(s.text, "250 queued"))
		case "QUIT":
			say(orElse(s.quit, "221 bye"))
			return
		default:
			say("250 ok")
		}
	}
}

// hangs is a server that takes the connection and answers nothing any more.
const hangs = "hangs"

func (s *mailServer) answer(rcpt string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcpt = rcpt
}

// mails are those the server took.
func (s *mailServer) mails() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func TestSMTP(t *testing.T) {
	server := newMailServer(t, "")
	smtp, err := email.NewSMTP("smtp://dashtam:sesame@"+server.addr, from)
	if err != nil {
		t.Fatal(err)
	}
	if err := smtp.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if len(server.data) != 1 || len(server.auth) != 1 {
		t.Fatalf("%d mails, %d sign-ins", len(server.data), len(server.auth))
	}
	checkRaw(t, server.data[0])
}

// Break JB-4: smtp.go: in smtpSays, return ErrRefused in the case of 4
// Break JB-4: smtp.go: in smtpSays, aboutMail := true
func TestSMTP_JB4_WhatIsTriedAgain(t *testing.T) {
	for answers, final := range map[struct{ from, rcpt, text string }]bool{
		{rcpt: "450 mailbox busy"}: false, {rcpt: "421 too many"}: false, {rcpt: "550 no such user"}: true,
		{rcpt: "554 5.7.1 Relay access denied"}: false, {text: "554 this is spam"}: true,
		{from: "530 authenticate first"}: false, {from: "550 not from that address"}: false, {from: "552 over the quota"}: false,
	} {
		server := newMailServer(t, answers.rcpt)
		server.from, server.text = answers.from, answers.text
		smtp, err := email.NewSMTP("smtp://"+server.addr, from)
		if err != nil {
			t.Fatal(err)
		}
		if err := smtp.Send(t.Context(), message()); err == nil || errors.Is(err, email.ErrRefused) != final {
			t.Errorf("%+v: %v", answers, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	_ = l.Close()
	smtp, err := email.NewSMTP("smtp://"+nobody, from)
	if err != nil {
		t.Fatal(err)
	}
	if err := smtp.Send(t.Context(), message()); err == nil || errors.Is(err, email.ErrRefused) {
		t.Errorf("nobody listens: %v", err)
	}
}

// Break JB-4: smtp.go: return the error of server.Quit
// Break JB-4: smtp.go: in Send, leave out !msg.IsDelivered()
func TestSMTP_JB4_WhatIsTakenIsSent(t *testing.T) {
	server := newMailServer(t, "")
	server.rset, server.quit = "451 in a moment", "451 in a moment"
	smtp, err := email.NewSMTP("smtp://"+server.addr, from)
	if err != nil {
		t.Fatal(err)
	}
	if err := smtp.Send(t.Context(), message()); err != nil || len(server.mails()) != 1 {
		t.Errorf("%v, %d mails: it would be sent again", err, len(server.mails()))
	}
}

// Over TLS a mail goes out, signed in to in the clear inside it, and a server that hangs, before or within it, costs no more
// than the time of one try.
// Break JB-4: smtp.go: in dial, bounded{conn, time.Now().Add(time.Hour)}
func TestSMTPS_JB4_WithinTheTimeOfATry(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	server := mailServerOn(t, tls.NewListener(listen(), &tls.Config{Certificates: web.TLS.Certificates}), "")
	mute := listen()
	defer mute.Close()
	send := func(address string) error {
		smtp, err := email.NewSMTP("smtps://dashtam:sesame@"+address, from)
		if err != nil {
			t.Fatal(err)
		}
		smtp.Trust(roots)
		return email.New(email.Config{Sender: smtp, Timeout: 500 * time.Millisecond}).Send(t.Context(), message())
	}
	if err := send(server.addr); err != nil || len(server.mails()) != 1 || len(server.auth) != 1 {
		t.Fatalf("%v, %d mails", err, len(server.mails()))
	}
	server.answer(hangs)
	for _, address := range []string{server.addr, mute.Addr().String()} {
		begin := time.Now()
		failed, ok := errors.AsType[*email.SendError](send(address))
		if !ok || failed.Reason != email.TimedOut || time.Since(begin) > 4*time.Second {
			t.Errorf("given up after %v with %v", time.Since(begin), failed)
		}
	}
}

// A server elsewhere that offers no encryption gets nothing, the password least of all.
func TestNewSMTP(t *testing.T) {
	for url, good := range map[string]bool{
		"smtp://u:sesame@mail.example.org": true, "smtp://mail.example.org:2525": true, "smtps://u:sesame@mail.example.org": true, "smtp://[::1]:2525": true,
		"": false, "mail.example.org": false, "http://u:sesame@mail.example.org": false, "smtp://u:sesame@": false, "smtp://u:sesame%@x": false,
	} {
		_, err := email.NewSMTP(url, from)
		if (err == nil) != good || err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
