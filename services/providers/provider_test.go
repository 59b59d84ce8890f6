package providers_test

import (
	"strings"
	"testing"

	"dashtam/services/providers"
)

func TestDueDays(t *testing.T) {
	for _, c := range []struct{ consent, signIn, due int }{{0, 0, 0}, {180, 0, 180}, {0, 7, 7}, {180, 7, 7}, {1, 7, 1}} {
		if got := (providers.Profile{ConsentDays: c.consent, SignInDays: c.signIn}).DueDays(); got != c.due {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// What a permission leaves out follows from the scopes that were asked for and granted.
// Break OA-18: services/providers/provider.go: in Reads, let may return true
func TestReads_OA18_FollowsTheGrantedScopes(t *testing.T) {
	asked := []string{"openid", "fdx:transactions:read", "FDX:Investments:read"}
	for granted, want := range map[string]providers.Reads{
		"":                             {Transactions: true, Holdings: true}, // the bank told none: as asked for
		"openid":                       {},
		"openid fdx:transactions:read": {Transactions: true},
		"FDX:Investments:read":         {Holdings: true},
	} {
		if got := (providers.Profile{Scopes: asked}).Reads(strings.Fields(granted)); got != want {
			t.Errorf("%q: %+v", granted, got)
		}
	}
	if got := (providers.Profile{Scopes: []string{"accounts"}}).Reads([]string{"accounts"}); got != (providers.Reads{Transactions: true, Holdings: true}) {
		t.Errorf("one scope for everything: %+v", got)
	}
}
