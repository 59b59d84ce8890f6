package web

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Storable reports whether s can be stored as text: PostgreSQL refuses NUL and anything that is not UTF-8.
func Storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// hasControl reports whether s holds a control character or is not UTF-8.
func hasControl(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl)
}

// agent is a User-Agent header fit for the log and the audit: bounded, and one line of text.
func agent(s string) string {
	if len(s) > maxAgent {
		s = s[:maxAgent]
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}
