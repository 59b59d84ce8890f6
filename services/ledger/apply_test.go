package ledger_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dashtam/services/errs"
	"dashtam/services/ledger"
	"dashtam/services/money"
)

// The same answer twice, of any kind of account, writes nothing the second time (OA-22).
// Break OA-22: services/ledger/merge.go: in fateOf, say 'changed' where nothing differs, too
func TestApply_OA22_SameBatchTwiceWritesNothing(t *testing.T) {
	b := newBundle(t)
	units, price := dec("1.5"), dec("12.34")
	buy := posted("fund", 4, -1851)
	buy.Kind, buy.Symbol, buy.Units, buy.UnitPrice = ledger.Buy, "VTI", &units, &price
	broker := account("brk", ledger.Brokerage, 200_000, buy)
	broker.Holdings = []ledger.BankHolding{{ExternalID: "h", Symbol: "VTI", Name: "Total Market", Quantity: units, Price: &price, Value: usd(1851), AsOf: now}}
	available, limit := usd(10_000), usd(500_000)
	card := account("crd", ledger.Card, -4_200, posted("Grocer", 3, -4_200), pending("Café", 23, -450))
	card.Available, card.Limit = &available, &limit
	closed := account("old", ledger.Savings, 0)
	closed.Closed = true
	batch := []ledger.BankAccount{checking(10_000, posted("Employer", 2, 10_000)), broker, card, closed}

	first := b.apply(batch...)
	if first.Added != 4 || first.Changed != 0 || first.Removed != 0 || first.Written == 0 {
		t.Errorf("the first time: %+v", first)
	}
	if again := b.apply(batch...); again.Written != 0 || again.Added+again.Changed+again.Merged+again.Removed != 0 {
		t.Errorf("the second time: %+v, want nothing written", again)
	}
}

func TestApply_ChangesAreCounted(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(9_000, posted("Grocer", 2, -1_000), pending("Café", 23, -450)))
	grocer := posted("Grocer", 2, -1_000)
	grocer.Category = "Groceries"
	r := b.apply(checking(8_000, grocer, posted("Rent", 3, -1_000)))
	if r.Added != 1 || r.Changed != 1 || r.Removed != 1 {
		t.Errorf("got %+v, want one added, one changed and the pending one removed", r)
	}
}

func TestApply_PendingBecomesPosted(t *testing.T) {
	reference := as("p-9", posted("CAFE LISBOA 0042", 25, -475)) // another payee and a tip: only the reference tells
	reference.ReferenceID = "Café"
	cases := map[string]ledger.BankTransaction{
		"same id":           posted("Café", 25, -450),
		"another id":        as("p-9", posted("Café", 25, -450)),
		"reference and tip": reference,
	}
	for name, after := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			b.apply(checking(10_000, pending("Café", 23, -450)))
			before := b.list(ledger.Terms{})[0]
			if err := b.service.SetNote(t.Context(), b.who, before.ID, "with Ana"); err != nil {
				t.Fatal(err)
			}
			r := b.apply(checking(9_550, after))
			list := b.list(ledger.Terms{})
			if len(list) != 1 || list[0].ID != before.ID || list[0].Note != "with Ana" || list[0].Status != ledger.Posted || list[0].Amount != after.Amount {
				t.Errorf("got %+v, want one posted transaction with the id and the note of the pending one", list)
			}
			if r.Merged != 1 || r.Changed != 0 || r.Added != 0 || r.Removed != 0 {
				t.Errorf("got %+v, want it counted as merged", r)
			}
		})
	}
}

// A bank may report both for a while; the pending one is not there any more.
func TestApply_PendingBesideItsPostedSelf(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(10_000, pending("Café", 23, -450)))
	id := b.list(ledger.Terms{})[0].ID
	after := as("p-9", posted("Café", 25, -450))
	after.ReferenceID = "Café"
	b.apply(checking(9_550, pending("Café", 23, -450), after))
	if list := b.list(ledger.Terms{}); len(list) != 1 || list[0].ID != id || list[0].Status != ledger.Posted {
		t.Errorf("got %v", payees(list))
	}
}

func TestApply_FarApartIsSomethingElse(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(10_000, pending("Café", 2, -450)))
	id := b.list(ledger.Terms{})[0].ID
	b.apply(checking(9_550, as("p-9", posted("Café", 25, -450))))
	if list := b.list(ledger.Terms{}); len(list) != 1 || list[0].ID == id {
		t.Errorf("got %v, want the pending one gone and a new one", payees(list))
	}
}

// Two equal payments on one day are two, before and after they are posted (OA-22).
//
// Break OA-22: services/ledger/succeed.go: in succeed, leave follow out
func TestApply_OA22_TwinsStayTwo(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(10_000, as("a", pending("Metro", 20, -290)), as("b", pending("Metro", 20, -290))))
	before := b.list(ledger.Terms{})
	b.apply(checking(9_710, as("b", pending("Metro", 20, -290)), as("c", posted("Metro", 21, -290))))
	b.apply(checking(9_420, as("c", posted("Metro", 21, -290)), as("d", posted("Metro", 21, -290))))
	after := b.list(ledger.Terms{})
	if len(before) != 2 || len(after) != 2 {
		t.Fatalf("got %d, then %d", len(before), len(after))
	}
	if !sameIDs(before, after) || after[0].Status != ledger.Posted || after[1].Status != ledger.Posted {
		t.Errorf("got %v with other ids than %v", payees(after), payees(before))
	}
	if r := b.apply(checking(9_420, as("c", posted("Metro", 21, -290)), as("d", posted("Metro", 21, -290)))); r.Written != 0 {
		t.Errorf("once more: %+v", r)
	}
}

func sameIDs(x, y []ledger.Transaction) bool {
	ids := func(list []ledger.Transaction) map[uuid.UUID]bool {
		set := map[uuid.UUID]bool{}
		for _, t := range list {
			set[t.ID] = true
		}
		return set
	}
	for id := range ids(x) {
		if !ids(y)[id] {
			return false
		}
	}
	return len(x) == len(y)
}

func TestApply_ForgetsPendingOfTheWindowOnly(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(10_000, pending("early", 3, -100), pending("late", 23, -200), posted("kept", 22, -300)))
	narrow := checking(10_000)
	narrow.From = day(11, 20)
	if r := b.apply(narrow); r.Removed != 1 {
		t.Errorf("got %+v, want one removed", r)
	}
	if got, want := payees(b.list(ledger.Terms{})), []string{"kept -300", "early -100*"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	balances := checking(9_000)
	balances.From, balances.To = time.Time{}, time.Time{}
	if r := b.apply(balances); r.Removed != 0 {
		t.Errorf("transactions that were not asked for are gone: %+v", r)
	}
}

func TestApply_AllOrNothing(t *testing.T) {
	fine := posted("Grocer", 2, -1_000)
	beyond, nameless, stateless, dateless, currencyless := fine, fine, fine, fine, fine
	beyond.Amount.Minor = 2_000_000_000_000_000
	nameless.ExternalID = ""
	stateless.Status = "maybe"
	dateless.BookedOn = time.Time{}
	currencyless.Amount.Currency = "usd"
	long := as(strings.Repeat("x", 257), fine)
	nul := as("a\x00b", fine)
	for name, wrong := range map[string]ledger.BankTransaction{
		"beyond reason": beyond, "no id": nameless, "no status": stateless, "no date": dateless, "no currency": currencyless,
		"long id": long, "id with NUL": nul,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			_, err := ledger.Apply(t.Context(), b.tx, b.who, ledger.Batch{ConnectionID: b.connection, Accounts: []ledger.BankAccount{checking(1, fine, wrong)}})
			if errs.KindOf(err) != errs.Invalid {
				t.Errorf("got %v, want Invalid", err)
			}
			if n := b.count(`SELECT count(*) FROM accounts WHERE user_id = @user`); n != 0 {
				t.Errorf("%d accounts written", n)
			}
		})
	}
	t.Run("a connection of nobody", func(t *testing.T) {
		b := newBundle(t)
		_, stranger := b.person()
		for _, connection := range []uuid.UUID{{}, uuid.New(), stranger} {
			if _, err := ledger.Apply(t.Context(), b.tx, b.who, ledger.Batch{ConnectionID: connection, Accounts: []ledger.BankAccount{checking(1, fine)}}); err == nil {
				t.Errorf("applied to connection %s", connection)
			}
		}
		if n := b.count(`SELECT count(*) FROM accounts`); n != 0 {
			t.Errorf("%d accounts written", n)
		}
	})
}

// Texts from the bank are kept to the letter where PostgreSQL can (XS-1), cut where they are endless, and never refused.
// Break XS-1: services/ledger/check.go: leave out strings.ToValidUTF8
func TestApply_XS1_NaughtyTexts(t *testing.T) {
	texts := map[string]string{
		`<script>alert("payee")</script>`:     `<script>alert("payee")</script>`,
		`Robert'); DROP TABLE accounts;--`:    `Robert'); DROP TABLE accounts;--`,
		"nul\x00byte \xff":                    "nulbyte \uFFFD",
		"\u202egnp.eciovni\u202c 👩‍👩‍👧‍👦":     "\u202egnp.eciovni\u202c 👩‍👩‍👧‍👦",
		strings.Repeat("é", 1000):             strings.Repeat("é", 300),
		strings.Repeat("x", 299) + "\xff\xfe": strings.Repeat("x", 299) + "\uFFFD",
		"":                                    "",
	}
	for said, kept := range texts {
		t.Run("", func(t *testing.T) {
			b := newBundle(t)
			tx := as("t", posted(said, 2, 1))
			tx.Description, tx.Category, tx.Kind, tx.Symbol = said, said, said, said
			a := checking(1, tx)
			a.Name, a.Mask, a.Kind = said, said, ledger.Kind("savings\x00account")
			a.Holdings = []ledger.BankHolding{{ExternalID: "h", Symbol: said, Name: said, Quantity: dec("1"), Value: usd(1), AsOf: now}}
			b.apply(a)
			got := b.list(ledger.Terms{})[0]
			if got.Payee != kept || got.Description != kept || got.Category != kept || got.Kind != kept || got.Symbol != kept || got.AccountName != kept {
				t.Errorf("%.40q came back as %+v", said, got)
			}
			if kind := b.page(ledger.Terms{}).Accounts[0].Kind; kind != ledger.Other {
				t.Errorf("an unknown kind became %q", kind)
			}
			if r := b.apply(a); r.Written != 0 {
				t.Errorf("%.40q: the same again wrote %+v", said, r)
			}
		})
	}
}

// What a bank repeats in one answer counts once, the last time.
func TestApply_RepeatedIDs(t *testing.T) {
	b := newBundle(t)
	r := b.apply(checking(1), checking(2_000, posted("Grocer", 2, -1), posted("Grocer", 2, -1_000)))
	if r.Added != 1 {
		t.Errorf("got %+v", r)
	}
	if got := b.list(ledger.Terms{}); len(got) != 1 || got[0].Amount != usd(-1_000) {
		t.Errorf("got %v", payees(got))
	}
	if got := b.standing("chk").Balance; got != usd(2_000) {
		t.Errorf("got %v", got)
	}
}

// Yen have no cents and dinars have three decimals; neither is rounded.
func TestApply_CurrenciesOfAnyExponent(t *testing.T) {
	b := newBundle(t)
	yen, dinar := account("jpy", ledger.Savings, 0), account("bhd", ledger.Savings, 0)
	yen.Balance = money.Amount{Minor: 1_234_567, Currency: "JPY"}
	dinar.Balance = money.Amount{Minor: 1_234, Currency: "BHD"}
	b.apply(yen, dinar)
	if got := b.standing("jpy").Balance.String() + " " + b.standing("bhd").Balance.String(); got != "1234567 1.234" {
		t.Errorf("got %s", got)
	}
}

// A person's own names and notes outlive every sync.
func TestApply_NeverTouchesWhatThePersonWrote(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(1_000, posted("Grocer", 2, -1_000)))
	if err := b.service.SetNote(t.Context(), b.who, b.list(ledger.Terms{})[0].ID, "party"); err != nil {
		t.Fatal(err)
	}
	b.exec(`UPDATE accounts SET name = 'Ours' WHERE user_id = @user`, map[string]any{"user": b.who.UserID})
	changed := posted("Grocer", 3, -1_100)
	b.apply(checking(900, changed))
	if got := b.list(ledger.Terms{})[0]; got.Note != "party" || got.AccountName != "Ours" || got.Amount != usd(-1_100) {
		t.Errorf("got %+v", got)
	}
}
