package password

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go"
	"golang.org/x/text/unicode/norm"
)

const (
	// recommended is the length NIST SP 800-63B-4 asks for where a password is the only factor. It is advice here.
	recommended = 15
	// shortestWord is the length from which a part of a name or address counts as a context word, leastRest how many
	// characters must be left without them.
	shortestWord = 4
	leastRest    = 6
)

// Strength is what the sign-up form shows beside a password.
type Strength struct {
	Score  int    // 0 cannot be used, 1 weak to 4 very strong: segments of the meter
	Word   string // one word or two for Score
	Reason string // one sentence
	OK     bool   // whether it may be used
}

// ValidatePasswordStrength reports whether password may be used, and if not, why: "Too short", or a sentence. about are
// texts a stranger would try first: the person's name and address (PW-3).
func (s *Service) ValidatePasswordStrength(password string, about ...string) (ok bool, reason string) {
	if reason := refusal(password, about); reason != "" {
		return false, reason
	}
	return true, ""
}

// Strength judges password for the live hint; the same rules decide as in ValidatePasswordStrength.
func (s *Service) Strength(password string, about ...string) Strength {
	switch reason := refusal(password, about); reason {
	case "":
	case tooShort:
		return Strength{Word: tooShort, Reason: "At least 8 characters; a short sentence is easiest to remember."}
	default:
		return Strength{Word: "Not usable", Reason: reason}
	}
	text := norm.NFKC.String(password)
	score := score(text, about)
	reason := fmt.Sprintf("%d characters, in no list of common passwords.", utf8.RuneCountInString(text))
	if utf8.RuneCountInString(text) < recommended {
		score = min(score, 3) // the estimator knows nothing of that advice
		reason += fmt.Sprintf(" %d or more are better; a short sentence is easiest to remember.", recommended)
	}
	return Strength{Score: score, Word: [...]string{1: "Weak", 2: "Fair", 3: "Strong", 4: "Very strong"}[score], Reason: reason, OK: true}
}

const tooShort = "Too short"

// refusal is why password may not be used, or empty.
func refusal(password string, about []string) string {
	if sentence := unusable(password); sentence != "" {
		return sentence
	}
	text := strings.ToLower(norm.NFKC.String(password))
	switch {
	case utf8.RuneCountInString(text) < MinLength:
		return tooShort
	case isCommon(text):
		return "This password stands in lists of leaked passwords. Choose another one."
	case utf8.RuneCountInString(without(text, about)) < leastRest:
		return "This is little more than your name, your address or ours. Choose something less close."
	}
	return ""
}

// without is text with the words of about, and our own name, taken out.
func without(text string, about []string) string {
	for _, source := range append([]string{"dashtam"}, about...) {
		words := strings.FieldsFunc(strings.ToLower(norm.NFKC.String(source)), func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r)
		})
		for _, word := range words {
			if utf8.RuneCountInString(word) >= shortestWord {
				text = strings.ReplaceAll(text, word, "")
			}
		}
	}
	return text
}

// looked is how many characters of a password the estimator looks at: its time grows with their square, and what comes
// after so many adds nothing to the highest score.
const looked = 40

// score is zxcvbn's, 0 to 4, of which 0 and 1 are both weak here. It is a hint for people and decides nothing.
func score(text string, about []string) int {
	runes := []rune(text)
	words := strings.Fields(strings.ToLower(strings.Join(append(about, "dashtam"), " ")))
	return max(1, zxcvbn.PasswordStrength(string(runes[:min(len(runes), looked)]), words).Score)
}
