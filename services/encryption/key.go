package encryption

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"regexp"
)

// KeySize is the length of every key in bytes.
const KeySize = 32

var keyIDShape = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`)

// Key is 32 secret bytes and the name they go by. It is a value; its zero value seals and opens nothing. The bytes lie
// behind a function, because that is what fmt cannot look into when it prints a Key in somebody's unexported field.
type Key struct {
	id  string
	raw func() *[KeySize]byte
}

// NewKey makes a Key of raw, which it copies.
func NewKey(id string, raw []byte) (Key, error) {
	if !keyIDShape.MatchString(id) {
		return Key{}, fmt.Errorf("encryption: a key id is 1 to 64 letters, digits, dots, dashes or underscores")
	}
	if len(raw) != KeySize {
		return Key{}, fmt.Errorf("encryption: key %s has %d bytes, not %d", id, len(raw), KeySize)
	}
	copied := [KeySize]byte(raw)
	return Key{id, func() *[KeySize]byte { return &copied }}, nil
}

// GenerateKey makes a new random Key.
func GenerateKey(id string) (Key, error) {
	raw := make([]byte, KeySize)
	rand.Read(raw)
	return NewKey(id, raw)
}

// ID is the key's name, which is no secret.
func (k Key) ID() string { return k.id }

// Reveal copies the key itself out: to wrap it under another one. The caller must not keep it.
func (k Key) Reveal() []byte {
	if k.raw == nil {
		return nil
	}
	return append([]byte(nil), k.raw()[:]...)
}

// Line is the key in the form ParseKeyring reads, for the key file that is made at the first run.
func (k Key) Line() Secret {
	return Secret(k.id + ":" + base64.StdEncoding.EncodeToString(k.Reveal()))
}

// The ways Go prints a value all give the same (VT-6).

// String is "[redacted]".
func (Key) String() string { return redacted }

// GoString is "[redacted]", for %#v.
func (Key) GoString() string { return redacted }

// Format writes "[redacted]" whatever the verb.
func (Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalJSON gives "[redacted]".
func (Key) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue is "[redacted]", for slog.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }
