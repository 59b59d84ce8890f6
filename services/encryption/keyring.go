package encryption

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// leastDistinct is how many different bytes a key must have. 32 random bytes have fewer once in 10^13 keys.
const leastDistinct = 20

// Keyring is the key-encryption keys the operator gave, the first of which is current. It holds at least one. Whoever has
// a ring sees what Replace puts into it.
type Keyring struct{ keys atomic.Pointer[[]Key] }

// ParseKeyring reads keys as "id:base64", separated by commas or line ends; empty lines and lines that begin with # are
// skipped. Keys that nobody should use (too short, too regular, plain text) are refused (VT-5), and no error repeats one.
func ParseKeyring(text string) (*Keyring, error) {
	var keys []Key
	for line := range strings.SplitSeq(strings.ReplaceAll(text, ",", "\n"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, err
		}
		for _, other := range keys {
			if other.id == k.id || *other.raw() == *k.raw() {
				return nil, fmt.Errorf("encryption: keys %s and %s share their id or their bytes", other.id, k.id)
			}
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("encryption: no key was given")
	}
	r := new(Keyring)
	r.keys.Store(&keys)
	return r, nil
}

// Replace puts another ring's keys in place of this one's, for everybody who has it: after a rotation.
func (r *Keyring) Replace(other *Keyring) { r.keys.Store(other.keys.Load()) }

func (r *Keyring) all() []Key { return *r.keys.Load() }

func parseKey(line string) (Key, error) {
	id, encoded, found := strings.Cut(line, ":")
	if !found {
		return Key{}, errors.New("encryption: a key is written id:base64")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return Key{}, fmt.Errorf("encryption: key %q is not base64 of %d bytes", id, KeySize)
	}
	k, err := NewKey(strings.TrimSpace(id), raw)
	if err != nil {
		return Key{}, err
	}
	if guessable(raw) {
		return Key{}, fmt.Errorf("encryption: key %s is an example or too regular; make one with: openssl rand -base64 32", k.id)
	}
	return k, nil
}

// guessable reports whether raw looks like anything but 32 random bytes: few different ones, an even staircase, or text.
func guessable(raw []byte) bool {
	distinct := map[byte]bool{}
	staircase, text := true, true
	for i, b := range raw {
		distinct[b] = true
		staircase = staircase && (i < 2 || b-raw[i-1] == raw[1]-raw[0])
		text = text && b >= ' ' && b <= '~'
	}
	return len(distinct) < leastDistinct || staircase || text
}

// Current is the key new secrets are sealed under.
func (r *Keyring) Current() Key { return r.all()[0] }

// Key finds a key by its id.
func (r *Keyring) Key(id string) (Key, bool) {
	for _, k := range r.all() {
		if k.id == id {
			return k, true
		}
	}
	return Key{}, false
}

// IDs lists the keys' ids, the current one first.
func (r *Keyring) IDs() []string {
	var ids []string
	for _, k := range r.all() {
		ids = append(ids, k.id)
	}
	return ids
}

// Derive makes 32 bytes for one use out of the current key (HKDF-SHA256, RFC 5869). Different labels give independent
// keys; the same label always gives the same until the current key changes.
func (r *Keyring) Derive(label string) []byte { return r.Current().derive(label) }

// DeriveUnder is Derive from the key of this id, for what must be checked after the current key has changed.
func (r *Keyring) DeriveUnder(id, label string) (key []byte, ok bool) {
	k, ok := r.Key(id)
	if !ok {
		return nil, false
	}
	return k.derive(label), true
}

func (k Key) derive(label string) []byte {
	key, err := hkdf.Key(sha256.New, k.raw()[:], nil, "dashtam/derive/v1/"+label, KeySize)
	if err != nil {
		panic("encryption: " + err.Error()) // only for lengths over 8,160 bytes
	}
	return key
}

// Format writes only the ids, whatever the verb.
func (r *Keyring) Format(f fmt.State, _ rune) { fmt.Fprint(f, "keyring", r.IDs()) }
