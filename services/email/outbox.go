package email

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Outbox writes each mail to a file of its own, for a Dashtam on somebody's own machine. Files are called after the time,
// so that their names sort; they hold working links, so only their owner may read them.
type Outbox struct {
	dir  string
	from string
}

// NewOutbox makes an Outbox that will create dir when the first mail comes.
func NewOutbox(dir, from string) *Outbox { return &Outbox{dir, from} }

const (
	extension = ".eml"
	nameTime  = "20060102T150405.000000000Z"
)

// Send writes m. The file appears whole, by rename.
func (o *Outbox) Send(_ context.Context, m Message) error {
	msg, err := compose(o.from, m)
	if err != nil {
		return err
	}
	raw, err := encode(msg, "\n") // as files on this machine have it
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return fmt.Errorf("email: %w", err)
	}
	name := time.Now().UTC().Format(nameTime) + "-" + rand.Text()[:8]
	part := filepath.Join(o.dir, "."+name+".part")
	if err := os.WriteFile(part, raw, 0o600); err != nil {
		return fmt.Errorf("email: %w", err)
	}
	if err := os.Rename(part, filepath.Join(o.dir, name+extension)); err != nil {
		return fmt.Errorf("email: %w", err)
	}
	return nil
}
