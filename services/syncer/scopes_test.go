package syncer_test

import (
	"testing"

	"dashtam/services/connections"
	"dashtam/services/providers/banktest"
)

// What the person left out at the bank is not asked for, and what was known of it stays (OA-18).
// Break OA-18: services/syncer/run.go: in plan, leave out "if !reads.Transactions"
// Break OA-18: services/syncer/run.go: in plan, leave out "if !reads.Holdings"
func TestRun_OA18_AsksOnlyForWhatWasAllowed(t *testing.T) {
	whole := newBundle(t)
	b := &bundle{TB: t, db: whole.db, keys: whole.keys, bank: banktest.New(t)}
	broker := `{"accountCategory":"INVESTMENT_ACCOUNT","accountId":"brk","accountType":"BROKERAGEPRODUCT","currency":{"currencyCode":"USD"},"currentValue":500`
	b.bank.Accounts = append(b.bank.Accounts, broker+`,"holdings":[{"holdingId":"h1","symbol":"VTI","holdingName":"Total Market","units":2,"marketValue":500}]}`)
	b.open()
	b.work()
	if n := b.count(`SELECT (SELECT count(*) FROM holdings) + (SELECT count(*) FROM transactions WHERE user_id = $1)`, b.who.UserID); n != 3 {
		t.Fatalf("%d holdings and transactions, want three", n)
	}
	asked := len(b.bank.Queries())
	b.bank.Do(func(bank *banktest.Bank) {
		bank.Scope = "openid offline_access"
		bank.Accounts[1] = broker + `}` // as a bank answers that may not tell
	})
	if b.connect(b.who) != b.id {
		t.Fatal("the same login is another connection")
	}
	b.work()
	if n := len(b.bank.Queries()); n != asked {
		t.Errorf("%d requests for transactions that were not allowed", n-asked)
	}
	if d := b.get(); d.Status != connections.Healthy || d.Accounts != 2 {
		t.Errorf("%s, %d accounts", d.Status, d.Accounts)
	}
	if n := b.count(`SELECT (SELECT count(*) FROM holdings) + (SELECT count(*) FROM transactions WHERE user_id = $1)`, b.who.UserID); n != 3 {
		t.Errorf("%d holdings and transactions are left", n)
	}
}
