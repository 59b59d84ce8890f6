package providers

import (
	"strings"
	"time"
)

// Sandbox is the profile of the Sandbox Bank that comes with Dashtam. issuer is its address.
func Sandbox(issuer string) Profile {
	return Profile{
		Slug: "sandbox", Name: "Sandbox Bank", Kind: "fdx", Issuer: issuer, API: issuer + "/fdx/v6", ClientID: "dashtam",
		Scopes:      strings.Fields(UsualScopes),
		HistoryDays: 3 * 366, ConsentDays: 180, Sandbox: true, Proof: Seen, CheckedOn: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC),
	}
}
