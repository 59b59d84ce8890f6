package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Stored is a mail in the outbox.
type Stored struct {
	At time.Time
	Message
}

// Newest reads at most n mails of the outbox, newest first. A file that is no mail of ours is left out.
func (o *Outbox) Newest(_ context.Context, n int) ([]Stored, error) {
	entries, err := os.ReadDir(o.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("email: %w", err)
	}
	var mails []Stored
	for _, e := range slices.Backward(entries) {
		if len(mails) == n {
			break
		}
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != extension {
			continue
		}
		if m, err := read(filepath.Join(o.dir, e.Name())); err == nil {
			mails = append(mails, m)
		}
	}
	return mails, nil
}

func read(path string) (Stored, error) {
	f, err := os.Open(path)
	if err != nil {
		return Stored{}, err
	}
	defer f.Close() //nolint:errcheck // was only read
	raw, err := mail.ReadMessage(f)
	if err != nil {
		return Stored{}, err
	}
	at, err := raw.Header.Date()
	if err != nil {
		return Stored{}, err
	}
	to, err := raw.Header.AddressList("To")
	if err != nil {
		return Stored{}, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(raw.Header.Get("Subject"))
	if err != nil {
		return Stored{}, err
	}
	m := Stored{At: at, Message: Message{To: to[0].Address, Subject: subject}}
	m.Text, m.HTML, err = bodies(raw)
	return m, err
}

// bodies takes the two parts out of a mail that compose made.
func bodies(raw *mail.Message) (text, html string, err error) {
	_, params, err := mime.ParseMediaType(raw.Header.Get("Content-Type"))
	if err != nil {
		return "", "", err
	}
	parts := multipart.NewReader(raw.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return text, html, nil
		}
		if err != nil {
			return "", "", err
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return "", "", err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			text = string(body)
		} else {
			html = string(body)
		}
	}
}
