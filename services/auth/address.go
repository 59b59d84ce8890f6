package auth

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// longestName bounds a person's name, in characters; the constraint users_name_length says the same.
const longestName = 100

// undotted takes away what tells one "i" from another after folding: the dotless i, and the dot that folding "İ" leaves.
var undotted = strings.NewReplacer("ı", "i", "i̇", "i")

// EmailKey is what makes an address the same address (SU-3): NFKC, full case folding, no difference between the kinds of
// i, and the domain as DNS spells it. It never fails: what is no address is the key of nobody. Mail goes to the address
// that was signed up, never to the key or to what somebody typed later.
func EmailKey(email string) string {
	key := strings.TrimSpace(strings.ToValidUTF8(email, "\uFFFD"))
	key = strings.ReplaceAll(key, "\x00", "\uFFFD") // PostgreSQL knows no text with NUL
	for range 4 {                                   // folding can undo composition and the other way round; two rounds settle all of Unicode
		next := norm.NFKC.String(undotted.Replace(cases.Fold().String(norm.NFKC.String(key))))
		if next == key {
			break
		}
		key = next
	}
	local, domain, ok := cutLast(key, "@")
	if !ok {
		return key
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	return local + "@" + domain
}

// checkEmail says in a sentence why s cannot be an address, or nothing. Whether it is one only a mail can tell.
func checkEmail(s string) string {
	local, domain, ok := cutLast(s, "@")
	switch {
	case s == "":
		return "Write the address we should mail to."
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unmailable):
		return "This address holds a space or a character that addresses do not have."
	case !ok || local == "" || strings.Contains(local, "@"):
		return "An address has a name, one @ and a domain, such as maria@example.org."
	case len(s) > 254 || len(local) > 64 || len(EmailKey(s)) > 1000:
		return "This address is longer than any mailbox can be."
	case !strings.Contains(domain, "."):
		return "This address has no ending such as .com or .org."
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return "What stands behind the @ is not a domain such as example.org."
		}
	}
	if _, err := idna.Lookup.ToASCII(domain); err != nil {
		return "What stands behind the @ is not a domain such as example.org."
	}
	return ""
}

// unmailable reports characters that no address we send to may hold: they would end a header, or cannot be seen.
func unmailable(r rune) bool {
	return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>()[],;:\"`, r)
}

// checkName says in a sentence why s cannot be a person's name, or nothing.
func checkName(s string) string {
	switch {
	case s == "":
		return "Say what we should call you."
	case utf8.RuneCountInString(s) > longestName:
		return "A name has at most 100 characters here."
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }):
		return "This name holds a character that cannot be shown."
	}
	return ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
