package providers_test

import (
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
