package auth_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"dashtam/services/auth"
)

// Break SU-3: services/auth/address.go: in EmailKey, leave out undotted.Replace
func TestEmailKey_SU3_OneAddressOneKey(t *testing.T) {
	for _, same := range [][]string{
		{"mike@example.com", "MIKE@EXAMPLE.COM", " Mike@Example.com\n", "mıke@example.com", "MİKE@example.com", "ｍｉｋｅ@example.com", "Mike@ｅxample.com"},
		{"josé@example.com", "jose\u0301@example.com", "JOSÉ@example.com"},
		{"strasse@example.com", "STRAßE@example.com"},
		{"a@münchen.example", "a@xn--mnchen-3ya.example", "A@MÜNCHEN.example"},
	} {
		for _, address := range same[1:] {
			if got, want := auth.EmailKey(address), auth.EmailKey(same[0]); got != want {
				t.Errorf("%q has key %q, %q has %q", address, got, same[0], want)
			}
		}
	}
	for _, other := range []string{"mike@example.org", "mike+1@example.com", "m.ike@example.com", "mike@example.com.evil", "mike@mail@example.com"} {
		if auth.EmailKey(other) == auth.EmailKey("mike@example.com") {
			t.Errorf("%q counts as mike@example.com", other)
		}
	}
}

// The key of a key is itself, so an address stored as it was typed is always found again; and it can be stored.
func FuzzEmailKey(f *testing.F) {
	for _, s := range []string{"mike@example.com", "MİKE@example.com", "ﬃ@ß.example", "a@b@c", "", "@", "\xff@\x00", "ΐ@ΐ.gr", "i̇̇@x.y", "ſ@K.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := auth.EmailKey(s)
		if !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
			t.Errorf("the key of %q cannot be stored: %q", s, key)
		}
		if again := auth.EmailKey(key); again != key {
			t.Errorf("%q: the key %q has the key %q", s, key, again)
		}
		if upper := auth.EmailKey(strings.ToLower(s)); utf8.ValidString(s) && upper != key {
			t.Errorf("%q: lower case has the key %q, not %q", s, upper, key)
		}
	})
}
