package ledger_test

import (
	"testing"

	"dashtam/services/ledger"
)

// own reports which payees count as halves of the person's own moves.
func (b *bundle) own() map[string]bool {
	b.Helper()
	own := map[string]bool{}
	for _, t := range b.list(ledger.Terms{}) {
		own[t.Payee] = own[t.Payee] || t.Own
	}
	return own
}

func TestPair_OwnTransfersAreNotCounted(t *testing.T) {
	b := newBundle(t)
	r := b.apply(
		checking(0, posted("Transfer to savings", 5, -50_000), posted("Grocer", 5, -1_000)),
		account("sav", ledger.Savings, 0, posted("Transfer from checking", 6, 50_000)),
	)
	if r.Added != 3 {
		t.Fatalf("got %+v", r)
	}
	own := b.own()
	if !own["Transfer to savings"] || !own["Transfer from checking"] || own["Grocer"] {
		t.Errorf("own: %v", own)
	}
	flow := b.page(ledger.Terms{}).Totals[0]
	if flow.In != usd(0) || flow.Out != usd(-1_000) || flow.Count != 3 || flow.Kept() != usd(-1_000) {
		t.Errorf("totals %+v, want the move left out but listed", flow)
	}
}

// The halves may arrive through two banks, on two days, in any order.
func TestPair_AcrossBanks(t *testing.T) {
	b := newBundle(t)
	other := b.connect(b.who, "Copperline Card")
	b.applyTo(other, account("crd", ledger.Card, 0, posted("Payment received, thank you", 8, 42_000)))
	if own := b.own(); own["Payment received, thank you"] {
		t.Fatal("one half alone is a pair")
	}
	b.apply(checking(0, posted("Copperline autopay", 6, -42_000)))
	if own := b.own(); !own["Payment received, thank you"] || !own["Copperline autopay"] {
		t.Errorf("own: %v", own)
	}
	if r := b.apply(checking(0, posted("Copperline autopay", 6, -42_000))); r.Written != 0 {
		t.Errorf("the same again: %+v", r)
	}
}

func TestPair_NotEveryEqualAmountIsOne(t *testing.T) {
	for name, half := range map[string]ledger.BankAccount{
		"too far apart":    account("sav", ledger.Savings, 0, posted("Transfer in", 9, 5_000)),
		"nobody says so":   account("sav", ledger.Savings, 0, posted("Employer", 5, 5_000)),
		"another sum":      account("sav", ledger.Savings, 0, posted("Transfer in", 5, 5_001)),
		"not booked":       account("sav", ledger.Savings, 0, pending("Transfer in", 5, 5_000)),
		"the same account": checking(0, posted("Transfer in", 5, 5_000)),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			b.apply(checking(0, posted("Transfer out", 5, -5_000)))
			b.apply(half)
			for payee, own := range b.own() {
				if own {
					t.Errorf("%s is half of a pair", payee)
				}
			}
		})
	}
}

// Two moves of one size on near days: each half finds the nearest one, and nobody is taken twice.
func TestPair_NearestFirst(t *testing.T) {
	b := newBundle(t)
	b.apply(
		checking(0, posted("Transfer A", 5, -5_000), posted("Transfer B", 7, -5_000)),
		account("sav", ledger.Savings, 0, posted("Transfer b", 7, 5_000), posted("Transfer a", 6, 5_000)),
	)
	if n := b.count(`SELECT count(*) FROM transactions t JOIN transactions o ON o.user_id = t.user_id AND o.id = t.other_half
		WHERE t.user_id = @user AND o.other_half = t.id AND lower(o.payee) = lower(t.payee)`); n != 4 {
		t.Errorf("%d of 4 know their half", n)
	}
}

// When the bank corrects one half, both are free again.
func TestPair_ACorrectedHalfLetsGo(t *testing.T) {
	b := newBundle(t)
	saving := account("sav", ledger.Savings, 0, posted("Transfer in", 6, 5_000))
	b.apply(checking(0, posted("Transfer out", 5, -5_000)), saving)
	b.apply(checking(0, posted("Transfer out", 5, -4_000)), saving)
	for payee, own := range b.own() {
		if own {
			t.Errorf("%s is still half of a pair", payee)
		}
	}
}

// Somebody else's transfer of the same size is no other half.
func TestPair_OnlyWithinOnePerson(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(0, posted("Transfer out", 5, -5_000)))
	who, connection := b.person()
	b.who, b.connection = who, connection
	b.apply(account("sav", ledger.Savings, 0, posted("Transfer in", 5, 5_000)))
	if own := b.own(); own["Transfer in"] {
		t.Error("paired with a stranger's transaction")
	}
}
