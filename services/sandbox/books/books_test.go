package books

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

var noon = time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)

// people is a spread of ordinary households.
func people() []string {
	names := []string{"ada", "Noor", "x", "a:b", "名前"}
	for i := range 15 {
		names = append(names, fmt.Sprintf("person-%d", i))
	}
	return names
}

func TestSameNameSameBooks(t *testing.T) {
	first, again := New("Ada", noon), New(" ada ", noon)
	for i, a := range first.Accounts(noon) {
		if b := again.Accounts(noon)[i]; a.ID != b.ID || a.Balance != b.Balance || a.Number != b.Number {
			t.Errorf("account differs between two drawings: %+v and %+v", a, b)
		}
		x, _ := first.Transactions(a.ID, noon)
		y, _ := again.Transactions(a.ID, noon)
		if !slices.EqualFunc(x, y, sameTransaction) {
			t.Errorf("%s: transactions differ between two drawings", a.Product)
		}
	}
	other := New("adb", noon)
	if first.Accounts(noon)[0].ID == other.Accounts(noon)[0].ID || first.Customer.ID == other.Customer.ID {
		t.Error("two names share an account or a customer id")
	}
}

func sameTransaction(x, y Transaction) bool {
	return x.ID == y.ID && x.Pending == y.Pending && x.At.Equal(y.At) && x.PostedAt.Equal(y.PostedAt) && x.Amount == y.Amount &&
		x.Payee == y.Payee && x.Units.Equal(y.Units)
}

// TestGolden pins one customer's books, so that no change of the rules goes unnoticed: what people connected would change
// under their feet.
func TestGolden(t *testing.T) {
	b := New("ada", noon)
	a := b.Accounts(noon)[0]
	list, _ := b.Transactions(a.ID, noon)
	got := fmt.Sprint(b.Customer.First, " ", b.Customer.Last, " ", a.ID, " ", a.Balance, " ", len(list), " ", list[len(list)-1].ID)
	const want = "Leila Halvorsen acc-1651d74eb95a6a33171e 11170.55 675 txn-ea148ebce956353bd845"
	if got != want {
		t.Errorf("ada's books are\n%s\nand were\n%s", got, want)
	}
}

func TestBalanceIsTheSumOfWhatPosted(t *testing.T) {
	for _, name := range people() {
		b := New(name, noon)
		for _, a := range b.Accounts(noon) {
			list, ok := b.Transactions(a.ID, noon)
			if !ok {
				t.Fatalf("%s: no transactions for %s", name, a.Product)
			}
			var posted, pending int64
			units := map[string]decimal.Decimal{}
			for _, x := range list {
				if x.Pending {
					pending += x.Amount.Minor
				} else {
					posted += x.Amount.Minor
				}
				units[x.Symbol] = units[x.Symbol].Add(x.Units)
			}
			if posted != a.Balance.Minor || pending != a.Pending.Minor {
				t.Errorf("%s, %s: balance %s and pending %s, but the sums are %d and %d", name, a.Product, a.Balance, a.Pending, posted, pending)
			}
			value := a.Balance.Minor
			for _, h := range a.Holdings {
				value += h.Value.Minor
				if !units[h.Symbol].Equal(h.Units) {
					t.Errorf("%s, %s: holds %s of %s, bought %s", name, a.Product, h.Units, h.Symbol, units[h.Symbol])
				}
			}
			if a.Category == Investment && (value != a.Value.Minor || len(a.Holdings) == 0) {
				t.Errorf("%s, %s: worth %s with %d holdings, parts give %d", name, a.Product, a.Value, len(a.Holdings), value)
			}
		}
	}
}

func TestBelievable(t *testing.T) {
	for _, name := range people() {
		b := New(name, noon)
		accounts := b.Accounts(noon)
		if len(accounts) < 8 {
			t.Fatalf("%s has %d accounts", name, len(accounts))
		}
		kinds := map[string]int{}
		pending := 0
		for _, a := range accounts {
			kinds[a.Type]++
			list, _ := b.Transactions(a.ID, noon)
			if oldest := list[len(list)-1].When(); noon.Sub(oldest) < 3*365*day {
				t.Errorf("%s, %s: history begins %s", name, a.Product, oldest)
			}
			if a.Category == Deposit || a.Category == Investment {
				neverNegative(t, name, a, list)
			}
			if a.Category == Loan && a.Balance.Minor >= 0 {
				t.Errorf("%s, %s: a loan stands at %s", name, a.Product, a.Balance)
			}
			if a.Type == "CREDITCARD" && (a.Balance.Minor >= 0 || -a.Balance.Minor-a.Pending.Minor > a.CreditLine.Minor) {
				t.Errorf("%s: the card stands at %s", name, a.Balance)
			}
			if a.Pending.Minor != 0 {
				pending++
			}
		}
		for _, want := range []string{"CHECKING", "SAVINGS", "CREDITCARD", "MORTGAGE", "BROKERAGEPRODUCT", "IRA", "CD"} {
			if kinds[want] == 0 {
				t.Errorf("%s has no %s", name, want)
			}
		}
		if pending == 0 {
			t.Errorf("%s: nothing is pending", name)
		}
	}
}

// neverNegative walks an account's posted history forward.
func neverNegative(t *testing.T, name string, a Account, newest []Transaction) {
	t.Helper()
	var sum int64
	for i := range newest {
		x := newest[len(newest)-1-i]
		if x.Pending {
			continue
		}
		if sum += x.Amount.Minor; sum < 0 {
			t.Errorf("%s, %s: stood at %d on %s after %s", name, a.Product, sum, x.PostedAt, x.Payee)
			return
		}
	}
}

func TestTransfersComeInPairs(t *testing.T) {
	for _, name := range people() {
		b := New(name, noon)
		legs := map[string]int64{}
		for _, a := range b.Accounts(noon) {
			list, _ := b.Transactions(a.ID, noon)
			for _, x := range list {
				if x.Description[:min(9, len(x.Description))] == "Transfer " || x.Category == "Card payment" {
					legs[x.At.String()] += x.Amount.Minor
				}
			}
		}
		if len(legs) < 100 {
			t.Errorf("%s: only %d transfers", name, len(legs))
		}
		for at, sum := range legs {
			if sum != 0 {
				t.Errorf("%s: the legs of %s leave %d", name, at, sum)
			}
		}
	}
}

// TestDaysOnlyAdd: what one day shows, every later day shows unchanged, but for pending entries that post.
func TestDaysOnlyAdd(t *testing.T) {
	for _, later := range []time.Duration{time.Minute, 6 * time.Hour, day, 40 * day, 400 * day} {
		then := noon.Add(later)
		before, after := New("ada", noon), New("ada", then)
		for _, a := range before.Accounts(noon) {
			old, _ := before.Transactions(a.ID, noon)
			now, _ := after.Transactions(a.ID, then)
			known := map[string]Transaction{}
			for _, x := range now {
				if _, twice := known[x.ID]; twice {
					t.Fatalf("%s: %s twice", a.Product, x.ID)
				}
				known[x.ID] = x
			}
			for _, x := range old {
				y, still := known[x.ID]
				if !x.Pending && (!still || !sameTransaction(x, y)) {
					t.Errorf("%s: %s (%s) changed or went within %s", a.Product, x.ID, x.Payee, later)
				}
				if x.Pending && later > 4*day && still {
					t.Errorf("%s: %s is pending for ever", a.Product, x.ID)
				}
			}
			if len(now) < len(old) || (later >= 40*day && a.Type != "CD" && len(now) == len(old)) {
				t.Errorf("%s: %d transactions became %d within %s", a.Product, len(old), len(now), later)
			}
		}
	}
}

func TestPendingPostsUnderAnotherID(t *testing.T) {
	then := noon.Add(5 * day)
	b := New("ada", then)
	card := b.Accounts(noon)[2]
	before, _ := b.Transactions(card.ID, noon)
	after, _ := b.Transactions(card.ID, then)
	for _, x := range before {
		if !x.Pending {
			continue
		}
		i := slices.IndexFunc(after, func(y Transaction) bool { return y.At.Equal(x.At) && y.Payee == x.Payee && y.Amount == x.Amount })
		if i < 0 || after[i].Pending || after[i].ID == x.ID {
			t.Errorf("%s of %s has no posted form of its own", x.Payee, x.At)
		}
	}
}

func TestSomethingIsAlwaysPending(t *testing.T) {
	b := New("ada", noon.Add(30*day))
	for h := range 30 * 24 {
		at := noon.Add(time.Duration(h) * time.Hour)
		if b.Accounts(at)[2].Pending.Minor == 0 {
			t.Fatalf("nothing is pending at %s", at)
		}
	}
}

func TestSpecialNames(t *testing.T) {
	if got := New("empty", noon).Accounts(noon); len(got) != 0 {
		t.Errorf("empty has %d accounts", len(got))
	}
	b := New("naughty", noon)
	seen := map[string]bool{}
	for _, a := range b.Accounts(noon) {
		list, _ := b.Transactions(a.ID, noon)
		for _, x := range list {
			seen[x.Payee] = true
		}
	}
	for _, text := range hostileTexts {
		if !seen[text] {
			t.Errorf("naughty never shows %q", text)
		}
	}
}

func TestBeforeTheEpochAndUnknownAccounts(t *testing.T) {
	early := epoch.Add(-day)
	b := New("ada", early)
	for _, a := range b.Accounts(early) {
		if a.Balance.Minor != 0 {
			t.Errorf("%s holds %s before the bank opened", a.Product, a.Balance)
		}
	}
	if _, ok := b.Account("acc-none", early); ok {
		t.Error("an unknown account was found")
	}
	if _, ok := b.Transactions("acc-none", early); ok {
		t.Error("an unknown account has transactions")
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New("ada", noon)
	}
}

// FuzzNew: whatever somebody signs in as, the books balance.
func FuzzNew(f *testing.F) {
	for _, name := range append(people(), "", "naughty", "empty") {
		f.Add(name, int64(1100))
	}
	f.Fuzz(func(t *testing.T, name string, days int64) {
		at := epoch.Add(time.Duration(days%4000)*day + 13*time.Hour)
		b := New(name, at)
		for _, a := range b.Accounts(at) {
			list, _ := b.Transactions(a.ID, at)
			var sum int64
			for _, x := range list {
				if !x.Pending {
					sum += x.Amount.Minor
				}
			}
			if sum != a.Balance.Minor {
				t.Errorf("%q after %d days, %s: %d, sum %d", name, days, a.Product, a.Balance.Minor, sum)
			}
		}
	})
}
