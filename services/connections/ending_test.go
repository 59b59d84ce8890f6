package connections_test

import (
	"testing"

	"github.com/google/uuid"
)

// due is in how many hours the person has to be at the bank again.
func (b *bundle) due(id uuid.UUID) int {
	b.Helper()
	return b.count(`SELECT round(extract(epoch FROM consent_expires_at - now()) / 3600)::int FROM connections WHERE id = $1`, id)
}

// A bank that wants a new sign-in every week is due after a week, however long the permission itself lasts.
// Break OA-19: services/connections/finish.go: in write, p.ConsentDays in place of p.DueDays()
func TestConnect_OA19_DueAtTheEarlierEnd(t *testing.T) {
	b := newBundle(t)
	if hours := b.due(b.connect(b.who)); hours != 180*24 {
		t.Errorf("a permission of 180 days is due in %d hours", hours)
	}
	if err := b.service.Start(t.Context(), b.who, "otherbank", uuid.Nil); err != nil {
		t.Fatal(err)
	}
	address, err := b.service.Continue(t.Context(), b.who, "otherbank")
	if err != nil {
		t.Fatal(err)
	}
	id, err := b.service.Callback(t.Context(), b.who, "otherbank", answer(b.bank.Consent(t, address)))
	if err != nil {
		t.Fatal(err)
	}
	if hours := b.due(id); hours != 7*24 {
		t.Errorf("a sign-in of 7 days is due in %d hours", hours)
	}
}
