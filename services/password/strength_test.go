package password_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"
)

func TestSeed_Password_Strength(t *testing.T) {
	if ok, reason := cheap.ValidatePasswordStrength("Short1!"); ok || reason != "Too short" {
		t.Errorf("seven characters: %v %q", ok, reason)
	}
	for _, good := range []string{"SecurePass123!", "MyPassword123!"} {
		if ok, reason := cheap.ValidatePasswordStrength(good, "test@example.com", "Test User"); !ok {
			t.Errorf("%s is refused: %s", good, reason)
		}
	}
}

// Break PW-1: password.go: MinLength = 15.
func TestStrength_PW1_LengthAlone(t *testing.T) {
	cases := map[string]bool{
		"":                            false,
		"lr5kz9w":                     false,
		"lr5kz9wq":                    true,
		strings.Repeat("ağ字", 5):      true,
		strings.Repeat("k7", 32):      true,
		strings.Repeat("🐚🦑", 7) + "🐙": true,
		"🐚🦑🐙🦀🦐🦞🐡":                     false,
		"four quiet herons":           true,
		"cafe\u0301 ba\u0301":         false, // nine code points, but seven characters
	}
	for text, want := range cases {
		if ok, reason := cheap.ValidatePasswordStrength(text); ok != want {
			t.Errorf("%q: %v %q", text, ok, reason)
		}
	}
}

// Break PW-3: strength.go: case isCommon(password).
func TestStrength_PW3_CommonPasswords(t *testing.T) {
	f, err := os.Open("common.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Fields(text)
	if len(lines) < 3000 {
		t.Fatalf("%d common passwords", len(lines))
	}
	for _, line := range lines {
		for _, typed := range []string{string(line), strings.ToUpper(string(line))} {
			if ok, _ := cheap.ValidatePasswordStrength(typed); ok {
				t.Fatalf("%q is accepted", typed)
			}
		}
	}
	for _, known := range []string{"password", "Password1", "12345678", "qwertyuiop", "iloveyou", "sunshine", "1q2w3e4r", "Password123"} {
		if ok, reason := cheap.ValidatePasswordStrength(known); ok || !strings.Contains(reason, "leaked") {
			t.Errorf("%q: %v %q", known, ok, reason)
		}
	}
}

// Break PW-3: strength.go: return text at the top of without.
func TestStrength_PW3_ContextWords(t *testing.T) {
	about := []string{"Ada Lovelace", "ada.countess@analytical.example"}
	for text, want := range map[string]bool{
		"Dashtam2024!":      false,
		"lovelace-1815":     false,
		"Countess99!":       false,
		"analytical.2024":   false,
		"ADA.COUNTESS1":     false,
		"lovelace and bees": true,
		"rain in the attic": true,
	} {
		if ok, reason := cheap.ValidatePasswordStrength(text, about...); ok != want {
			t.Errorf("%q: %v %q", text, ok, reason)
		}
	}
}

// Break PW-1: strength.go: in Strength, leave out the sentence about recommended
func TestStrength_PW1_FifteenAreRecommended(t *testing.T) {
	if got := cheap.Strength("rvkxzmpt!"); !got.OK || !strings.Contains(got.Reason, "15 or more are better") {
		t.Errorf("%+v", got)
	}
	if got := cheap.Strength("four quiet herons"); strings.Contains(got.Reason, "15") {
		t.Errorf("%+v", got)
	}
}

func TestStrengthMeter(t *testing.T) {
	for text, want := range map[string]struct {
		score int
		word  string
	}{
		"short":                                {0, "Too short"},
		"password":                             {0, "Not usable"},
		"73105284":                             {1, "Weak"},
		"kkkkkkkkkkkkkkkkkkkk":                 {1, "Weak"},
		"lr5kz9w8":                             {3, "Strong"},
		"rvkxzmpt!":                            {3, "Strong"},
		"iloveyouiloveyou17":                   {1, "Weak"},
		"bluechair77":                          {2, "Fair"},
		"four quiet herons":                    {4, "Very strong"},
		"four quiet herons by the copper lake": {4, "Very strong"},
	} {
		got := cheap.Strength(text)
		if got.Score != want.score || got.Word != want.word || got.Reason == "" {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
		if ok, _ := cheap.ValidatePasswordStrength(text); ok != got.OK {
			t.Errorf("%q: the hint says %v, the rules %v", text, got.OK, ok)
		}
	}
}

// The hint is asked for by anybody at every pause in typing.
func BenchmarkStrength(b *testing.B) {
	long := strings.Repeat("lr5kz9wq", 128)
	for b.Loop() {
		cheap.Strength(long, "Ada Lovelace", "ada@example.com")
	}
}
