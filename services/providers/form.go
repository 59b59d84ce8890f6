package providers

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dashtam/services/encryption"
	"dashtam/services/errs"
)

// Form is what an administrator writes about a bank.
type Form struct {
	Slug, Name, Kind, Issuer, API, ClientID string
	ClientSecret                            encryption.Secret // empty: none, or the one there is
	Scopes                                  string            // space separated
	HistoryDays, ConsentDays                string            // empty: two years, and until it is withdrawn
}

// The bounds of a form, in characters and days.
const (
	longestName    = 60
	longestText    = 200
	longestURL     = 500
	longestScopes  = 1000
	longestSecret  = 4096
	usualHistory   = 2 * 365
	longestHistory = 10 * 366
	longestConsent = 5 * 366
)

var (
	slugShape  = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)
	scopeShape = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`) // RFC 6749 3.3
)

// UsualScopes is what FDX banks call what Dashtam reads (FDX v6).
const UsualScopes = "openid offline_access fdx:accountdetailed:read fdx:transactions:read fdx:investments:read"

// reserved are slugs that mean something else in an address below /connections or /admin/providers.
var reserved = []string{"new", "calendar"}

// row reads the form, or says of each field what is wrong with it.
func (s *Service) row(f Form) (row, error) {
	wrong := map[string]string{}
	mark := func(field, sentence string, bad bool) {
		if bad && wrong[field] == "" {
			wrong[field] = sentence
		}
	}
	r := row{
		Slug: strings.TrimSpace(f.Slug), Name: strings.TrimSpace(f.Name), Kind: f.Kind, Issuer: strings.TrimSpace(f.Issuer),
		API: strings.TrimRight(strings.TrimSpace(f.API), "/"), ClientID: strings.TrimSpace(f.ClientID), Scopes: strings.Join(strings.Fields(f.Scopes), " "),
	}
	mark("slug", "A short name begins with a small letter and has 2 to 31 small letters, digits and hyphens.", !slugShape.MatchString(r.Slug))
	mark("slug", "This short name means something else in an address. Choose another.", slices.Contains(reserved, r.Slug))
	mark("name", fmt.Sprintf("A name has between 1 and %d characters.", longestName), !text(r.Name, longestName))
	mark("kind", "Choose one of the kinds.", s.c.Kinds[r.Kind] == nil)
	mark("client_id", "The client id is what the bank gave Dashtam to be known by.", !text(r.ClientID, longestText))
	mark("client_secret", "This is no secret a bank gives out: it holds a line break, or is too long.",
		f.ClientSecret != "" && !text(f.ClientSecret.Reveal(), longestSecret))
	mark("scopes", "Scopes are words with spaces between them, as the bank's documents name them.", !scopes(r.Scopes))
	mark("issuer", s.address(r.Issuer), s.address(r.Issuer) != "")
	mark("api_base_url", s.address(r.API), s.address(r.API) != "")
	var ok bool
	r.HistoryDays, ok = days(f.HistoryDays, usualHistory, longestHistory)
	mark("history_days", fmt.Sprintf("Days are a number between 1 and %d.", longestHistory), !ok || r.HistoryDays == 0)
	r.ConsentDays, ok = days(f.ConsentDays, 0, longestConsent)
	mark("consent_days", fmt.Sprintf("Days are a number up to %d, or nothing.", longestConsent), !ok)
	if len(wrong) > 0 {
		return row{}, errs.Fields(wrong)
	}
	return r, nil
}

// text reports whether s is one line of 1 to most characters.
func text(s string, most int) bool {
	n := utf8.RuneCountInString(s)
	return n > 0 && n <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func scopes(s string) bool {
	return s != "" && len(s) <= longestScopes && !slices.ContainsFunc(strings.Fields(s), func(word string) bool { return !scopeShape.MatchString(word) })
}

func days(s string, usual, most int) (n int, ok bool) {
	if s = strings.TrimSpace(s); s == "" {
		return usual, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n <= most
}

// address says what is wrong with a bank's URL, or nothing.
func (s *Service) address(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return "The address is in the bank's documents for developers."
	case len(raw) > longestURL || err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !text(raw, longestURL):
		return "This is no address like https://bank.example/path, without a question mark."
	case u.Scheme != "https" && !s.c.Private:
		return "The address has to begin with https."
	case CheckURL(u, s.c.Private) != nil:
		if _, err := netip.ParseAddr(u.Hostname()); err == nil {
			return inward
		}
		return "This is no address like https://bank.example/path, without a question mark."
	}
	return ""
}

// inward is what is said of an address that lies inside.
const inward = "This address lies in a private network or is our own. DASHTAM_ALLOW_PRIVATE_PROVIDERS allows that."

// profile is what is declared by a row. Nobody has run it before the first sync.
func (r row) profile() Profile {
	return Profile{
		Slug: r.Slug, Name: r.Name, Kind: r.Kind, Issuer: r.Issuer, API: r.API, ClientID: r.ClientID, Scopes: strings.Fields(r.Scopes),
		HistoryDays: r.HistoryDays, ConsentDays: r.ConsentDays, Proof: Declared, Added: true,
	}
}
