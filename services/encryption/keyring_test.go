package encryption

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestKeyring(t *testing.T) {
	first, second := key(t, "2026-11"), key(t, "2025-01")
	text := "# made at the first run\n\n" + first.Line().Reveal() + " , " + second.Line().Reveal() + "\n"
	r, err := ParseKeyring(text)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.Current().Reveal(), first.Reveal()) || !slices.Equal(r.IDs(), []string{"2026-11", "2025-01"}) {
		t.Errorf("current %s of %v", r.Current().ID(), r.IDs())
	}
	old, ok := r.Key("2025-01")
	if got, err := Open(old, seal(t, second, "secret"), place); !ok || err != nil || string(got) != "secret" {
		t.Errorf("the older key does not open: %q, %v", got, err)
	}
	if _, ok := r.Key("never"); ok {
		t.Error("a key that was not given is found")
	}
}

// Break VT-5: keyring.go: return len(distinct) < 0 && staircase && text.
func TestKeyring_VT5_RefusesKeysNobodyShouldUse(t *testing.T) {
	staircase := make([]byte, KeySize)
	for i := range staircase {
		staircase[i] = byte(3 * i)
	}
	good := key(t, "a").Line().Reveal()
	encoded := func(raw []byte) string { return "a:" + base64.StdEncoding.EncodeToString(raw) }
	for name, text := range map[string]string{
		"nothing":        "",
		"only a comment": "# a:b",
		"no id":          base64.StdEncoding.EncodeToString(staircase),
		"empty id":       strings.TrimPrefix(good, "a"),
		"bad id":         "a b" + strings.TrimPrefix(good, "a"),
		"not base64":     "a:****",
		"zeros":          encoded(make([]byte, KeySize)),
		"16 bytes":       encoded(key(t, "x").Reveal()[:16]),
		"33 bytes":       encoded(append(key(t, "x").Reveal(), 1)),
		"counted":        encoded(staircase),
		"half, twice":    encoded(bytes.Repeat(key(t, "x").Reveal()[:16], 2)),
		"a sentence":     encoded([]byte("change me: this is 32 bytes, ok?")),
		"same id twice":  good + "," + key(t, "a").Line().Reveal(),
		"same key twice": good + ",b" + strings.TrimPrefix(good, "a"),
	} {
		r, err := ParseKeyring(text)
		if err == nil {
			t.Errorf("%s: accepted as %v", name, r)
			continue
		}
		if _, secret, found := strings.Cut(text, ":"); found && len(secret) > 8 && strings.Contains(err.Error(), secret[:8]) {
			t.Errorf("%s: the error repeats the key: %v", name, err)
		}
	}
}

func TestKeyring_Derive(t *testing.T) {
	line := key(t, "a").Line().Reveal()
	one, err := ParseKeyring(line)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseKeyring(line + "\n" + key(t, "b").Line().Reveal())
	if err != nil {
		t.Fatal(err)
	}
	jwt := one.Derive("jwt")
	if len(jwt) != KeySize || !bytes.Equal(jwt, again.Derive("jwt")) {
		t.Error("the same key and label give different keys")
	}
	if bytes.Equal(jwt, one.Derive("device")) || bytes.Equal(jwt, one.Current().Reveal()) {
		t.Error("different labels give the same key")
	}
}

// Break VT-6: secret.go: func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, string(s)) }.
func TestSecrets_VT6_RedactThemselves(t *testing.T) {
	const canary = "canary-3f9c"
	k, err := NewKey("k1", []byte("canary-3f9c-canary-3f9c-canary-3"))
	if err != nil {
		t.Fatal(err)
	}
	holder := struct {
		Token Secret
		Key   Key
		inner Key // fmt calls no methods here
	}{canary, k, k}
	ring := new(Keyring)
	ring.keys.Store(&[]Key{k})
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+verb+verb+"\n", Secret(canary), k, holder, &holder, ring)
	}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "token", Secret(canary), "key", k, "holder", holder)
	if err := json.NewEncoder(&out).Encode(holder); err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%d", []byte(canary))[1:20]} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("printed: %s", out.String())
		}
	}
	if Secret(canary).Reveal() != canary {
		t.Error("Reveal does not give the secret out")
	}
}
