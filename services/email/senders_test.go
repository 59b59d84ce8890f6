package email_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"dashtam/services/email"
)

const from = "Dashtam <dashtam@money.example.org>"

var link = "https://money.example.org/verify/" + strings.Repeat("aB3_-x", 30)

func message() email.Message {
	return email.Message{
		To: "ada@example.org", Subject: "Grüße von Dashtam", Purpose: email.Verify,
		Text: "Öffne dies:\n\n" + link + "\n\n.\nDashtam\n", HTML: "<p>Öffne <a href=\"" + link + "\">dies</a></p>\n",
	}
}

// checkRaw asserts the form the public contract promises of a mail as it goes out.
func checkRaw(t *testing.T, raw []byte) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	if m.Header.Get("To") != "<ada@example.org>" || !strings.Contains(m.Header.Get("From"), "dashtam@money.example.org") || !strings.HasSuffix(m.Header.Get("Message-Id"), "@money.example.org>") || m.Header.Get("Date") == "" {
		t.Errorf("headers %v", m.Header)
	}
	text := strings.ReplaceAll(string(raw), "\r\n", "\n")
	if !strings.Contains(text, "\n"+link+"\n") {
		t.Errorf("the link does not stand alone on its line:\n%s", text)
	}
	if plain, html := strings.Index(text, "text/plain"), strings.Index(text, "text/html"); plain < 0 || html < plain {
		t.Errorf("the text part does not come first:\n%s", text)
	}
	if strings.Count(strings.ToLower(text), "content-transfer-encoding: 8bit") != 2 || !strings.Contains(text, "Öffne dies:") {
		t.Errorf("not 8bit:\n%s", text)
	}
}

func TestOutbox(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "outbox")
	box := email.NewOutbox(dir, from)
	if mails, err := box.Newest(t.Context(), 10); err != nil || len(mails) != 0 {
		t.Fatalf("before the first mail: %v, %v", mails, err)
	}
	for _, subject := range []string{"first", "Grüße"} {
		m := message()
		m.Subject = subject
		if err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 || filepath.Ext(f) != ".eml" {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		checkRaw(t, raw)
		if bytes.Contains(raw, []byte("\r")) {
			t.Errorf("%s: lines of a file end in CR LF", f)
		}
	}
	if hidden, _ := filepath.Glob(filepath.Join(dir, ".*")); len(hidden) != 0 {
		t.Errorf("unfinished files are left: %v", hidden)
	}
	if err := os.WriteFile(filepath.Join(dir, "99999999T000000-notes.eml"), []byte("my notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	mails, err := box.Newest(t.Context(), 1)
	if err != nil || len(mails) != 1 {
		t.Fatalf("%v, %v", mails, err)
	}
	if m := mails[0]; m.Subject != "Grüße" || m.To != "ada@example.org" || time.Since(m.At) > time.Minute || strings.ReplaceAll(m.Text, "\r", "") != message().Text || !strings.Contains(m.HTML, link) {
		t.Errorf("%+v", m)
	}
}

func TestOutboxWithoutAPlaceToWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a-file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := email.NewOutbox(filepath.Join(file, "outbox"), from).Send(t.Context(), message()); err == nil || errors.Is(err, email.ErrRefused) {
		t.Errorf("%v", err)
	}
}

func TestNoHeaderCanBeSmuggledIn(t *testing.T) {
	dir := t.TempDir()
	box := email.NewOutbox(dir, from)
	for _, to := range []string{"", "no address", "ada@example.org\r\nBcc: eve@example.org", "ada@example.org, eve@example.org"} {
		m := message()
		m.To = to
		if err := box.Send(t.Context(), m); !errors.Is(err, email.ErrRefused) {
			t.Errorf("to %q: %v", to, err)
		}
	}
	m := message()
	m.Subject = "Hello\r\nBcc: eve@example.org"
	if err := box.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	sent, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(sent) != 1 {
		t.Fatalf("%v, %v", sent, err)
	}
	raw, err := os.ReadFile(sent[0])
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err := mail.ReadMessage(bytes.NewReader(raw)); err != nil || parsed.Header.Get("Bcc") != "" {
		t.Errorf("%v %v", parsed.Header, err)
	}
}

// ses is a server that stands for AWS SES: it keeps what the real client sends and answers with the given statuses, the
// last of them for good.
type ses struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	body     string // of answers that are no success
	sent     [][]byte
	asked    int
}

func newSES(t *testing.T, body string, statuses ...int) *ses {
	t.Helper()
	s := &ses{statuses: statuses, body: body}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *ses) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	status := s.statuses[0]
	if len(s.statuses) > 1 {
		s.statuses = s.statuses[1:]
	}
	if status == 0 { // hangs
		_, _ = io.Copy(io.Discard, r.Body)
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if status != http.StatusOK {
		if status == http.StatusBadRequest {
			w.Header().Set("X-Amzn-Errortype", "MessageRejected")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, s.body)
		return
	}
	var in struct {
		FromEmailAddress string
		Destination      struct{ ToAddresses []string }
		Content          struct{ Raw struct{ Data []byte } }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/v2/email/outbound-emails" || in.FromEmailAddress != from ||
		len(in.Destination.ToAddresses) != 1 || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/ses/") {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	s.sent = append(s.sent, in.Content.Raw.Data)
	_, _ = io.WriteString(w, `{"MessageId":"1"}`)
}

// answer sets the status of all answers to come; 0 = none comes.
func (s *ses) answer(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses = []int{status}
}

// mails are those SES took.
func (s *ses) mails() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

func (s *ses) sender() *email.SES {
	return email.NewSES(aws.Config{Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")}, s.URL, from)
}

func TestSES(t *testing.T) {
	server := newSES(t, "", http.StatusOK)
	if err := server.sender().Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if len(server.sent) != 1 {
		t.Fatalf("%d mails", len(server.sent))
	}
	checkRaw(t, server.sent[0])
	if sent := string(server.sent[0]); strings.Count(sent, "\n") != strings.Count(sent, "\r\n") || strings.Contains(sent, "\r\r") {
		t.Errorf("not every line ends in CR LF: %q", sent)
	}
}

// Break JB-4: ses.go: in sesSays, return nil for a MessageRejected
// Break JB-4: ses.go: in sesSays, return ErrRefused for every MessageRejected
func TestSES_JB4_WhatIsTriedAgain(t *testing.T) {
	unverified := newSES(t, `{"message":"Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: dashtam@money.example.org"}`, http.StatusBadRequest)
	if err := unverified.sender().Send(t.Context(), message()); err == nil || errors.Is(err, email.ErrRefused) {
		t.Errorf("our own address is not verified: %v", err)
	}
	for status, final := range map[int]bool{http.StatusTooManyRequests: false, http.StatusInternalServerError: false, http.StatusBadRequest: true} {
		server := newSES(t, `{"message":"no"}`, status)
		err := server.sender().Send(t.Context(), message())
		if err == nil || errors.Is(err, email.ErrRefused) != final {
			t.Errorf("%d: %v", status, err)
		}
		if server.asked != 1 {
			t.Errorf("%d: asked %d times in one try", status, server.asked)
		}
	}
}

func TestOpenSESFindsCredentialsInTheEnvironment(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	server := newSES(t, "", http.StatusOK)
	sender, err := email.OpenSES(t.Context(), "eu-central-1", server.URL, from)
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), message()); err != nil || len(server.sent) != 1 {
		t.Errorf("%v, %d mails", err, len(server.sent))
	}
}

func TestSendersObeyTheirContext(t *testing.T) {
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not notice that the client has gone
		<-r.Context().Done()
	}))
	defer hang.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	sender := email.NewSES(aws.Config{Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")}, hang.URL, from)
	if err := sender.Send(ctx, message()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
