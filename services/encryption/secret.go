package encryption

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a text that must not be printed, such as a bank's token. Only Reveal gives it out.
type Secret string

// Reveal is the secret itself. The caller hands it to whom it is for and does not keep it.
func (s Secret) Reveal() string { return string(s) }

// String is "[redacted]".
func (Secret) String() string { return redacted }

// GoString is "[redacted]", for %#v.
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" whatever the verb, %x and %q included.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalJSON gives "[redacted]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue is "[redacted]", for slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
