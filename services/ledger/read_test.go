package ledger_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"dashtam/services/ledger"
	"dashtam/services/money"
)

// What belongs to another person is not there, by whatever way it is asked for (AZ-2).
// Break AZ-2: store.go: accountSelect without "WHERE a.user_id = @user"
func TestReads_AZ2_AnotherPersonsMoneyIsNotFound(t *testing.T) {
	b := newBundle(t)
	broker := account("brk", ledger.Brokerage, 1_000)
	broker.Holdings = []ledger.BankHolding{{ExternalID: "h", Name: "Fund", Quantity: dec("1"), Value: usd(1_000), AsOf: now}}
	b.apply(checking(10_000, posted("Grocer", 2, -1_000)), broker)
	mine, tx := b.standing("chk").ID, b.list(ledger.Terms{})[0].ID
	owner := b.who
	b.who, b.connection = b.person()
	ctx := t.Context()

	for what, read := range map[string]func() error{
		"account":     func() error { _, err := b.service.Account(ctx, b.who, mine, ledger.Year, now); return err },
		"transaction": func() error { _, err := b.service.Transaction(ctx, b.who, tx); return err },
		"note":        func() error { return b.service.SetNote(ctx, b.who, tx, "mine now") },
		"filter": func() error {
			_, err := b.service.Transactions(ctx, b.who, ledger.Query{Account: mine}, now)
			return err
		},
		"export": func() error {
			return b.service.Export(ctx, b.who, ledger.Query{Account: mine}, func(ledger.Transaction) error {
				t.Error("exported")
				return nil
			})
		},
	} {
		if err := read(); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if page := b.page(ledger.Terms{}); len(page.Transactions)+len(page.Accounts)+len(page.Days)+len(page.Totals) != 0 {
		t.Errorf("transactions: %+v", page)
	}
	if o, err := b.service.Overview(ctx, b.who, ledger.Year, now); err != nil || len(o.Accounts)+len(o.Recent)+len(o.Sheets)+len(o.Month) != 0 {
		t.Errorf("overview: %+v, %v", o, err)
	}
	if h, err := b.service.Holdings(ctx, b.who); err != nil || len(h) != 0 {
		t.Errorf("holdings: %+v, %v", h, err)
	}
	if got, err := b.service.Transaction(ctx, owner, tx); err != nil || got.Note != "" {
		t.Errorf("the owner's: %+v, %v", got, err)
	}
	if _, err := b.service.Transaction(ctx, owner, uuid.New()); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("an id of nobody: %v", err)
	}
}

func TestOverview_PerCurrency(t *testing.T) {
	b := newBundle(t)
	euro := account("eur", ledger.Savings, 0)
	euro.Balance = money.Amount{Minor: 70_000, Currency: "EUR"}
	b.apply(
		checking(100_000, posted("Employer", 20, 60_000), posted("Grocer", 21, -10_000)),
		account("crd", ledger.Card, -20_000), account("mtg", ledger.Mortgage, -5_000_000), account("ira", ledger.Retirement, 300_000), euro,
	)
	o, err := b.service.Overview(t.Context(), b.who, ledger.Month, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Sheets) != 2 || len(o.Accounts) != 5 || len(o.Recent) != 2 {
		t.Fatalf("got %d sheets, %d accounts, %d recent", len(o.Sheets), len(o.Accounts), len(o.Recent))
	}
	s := o.Sheets[0]
	if s.Assets != usd(400_000) || s.Debts != usd(-5_020_000) || s.Net != usd(-4_620_000) {
		t.Errorf("dollars: %+v", s)
	}
	if s.Groups[ledger.Cash] != usd(100_000) || s.Groups[ledger.Cards] != usd(-20_000) || s.Groups[ledger.Loans] != usd(-5_000_000) || s.Groups[ledger.Investments] != usd(300_000) {
		t.Errorf("groups: %+v", s.Groups)
	}
	if change, ok := s.Change(); !ok || change != usd(50_000) {
		t.Errorf("change %v, %v: want what came in less what went out", change, ok)
	}
	if last := s.Points[len(s.Points)-1]; last.Minor != s.Net.Minor || !last.Day.Equal(day(11, 24)) {
		t.Errorf("the line ends at %+v", last)
	}
	if e := o.Sheets[1]; e.Net != euro.Balance || len(e.Groups) != 1 {
		t.Errorf("euros: %+v", e)
	}
	if len(o.Month) != 1 || o.Month[0].In != usd(60_000) || o.Month[0].Out != usd(-10_000) {
		t.Errorf("the month: %+v", o.Month)
	}
}

// An old balance still counts, and is said to be old; a closed account that holds nothing is not shown.
func TestOverview_StaleAndClosed(t *testing.T) {
	b := newBundle(t)
	old := account("old", ledger.Savings, 5_000)
	old.BalanceAsOf = day(11, 10)
	gone := account("gone", ledger.Savings, 0)
	gone.Closed = true
	b.apply(checking(1_000), old, gone)
	o, err := b.service.Overview(t.Context(), b.who, ledger.Month, now)
	if err != nil {
		t.Fatal(err)
	}
	s := o.Sheets[0]
	if s.Net != usd(6_000) || len(s.Stale) != 1 || s.Stale[0].Name != "Everyday old" || !s.StaleSince.Equal(day(11, 10)) {
		t.Errorf("got %+v", s)
	}
	if len(o.Accounts) != 2 {
		t.Errorf("%d accounts shown", len(o.Accounts))
	}
}

// What came through a connection that has ended is kept to look things up, and counts no more.
func TestOverview_EndedConnection(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(1_000))
	b.applyTo(b.connect(b.who, "Quayside Savings"), account("old", ledger.Savings, 5_000, posted("Old Shop", 3, -100)))
	b.exec(`UPDATE connections SET status = 'disconnected', disconnected_at = now() WHERE name = 'Quayside Savings'`, nil)
	o, err := b.service.Overview(t.Context(), b.who, ledger.Month, now)
	if err != nil || len(o.Accounts) != 1 || o.Sheets[0].Net != usd(1_000) || o.Sheets[0].Groups[ledger.Cash] != usd(1_000) {
		t.Errorf("got %+v, %v", o, err)
	}
	if b.standing("old").Balance != usd(5_000) || len(b.list(ledger.Terms{Text: "Old Shop"})) != 1 {
		t.Error("it cannot be looked up")
	}
}

func TestOverview_Empty(t *testing.T) {
	b := newBundle(t)
	o, err := b.service.Overview(t.Context(), b.who, ledger.All, now)
	if err != nil || len(o.Sheets)+len(o.Accounts)+len(o.Recent)+len(o.Month) != 0 {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestStatement_RunningBalance(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(10_000, posted("Employer", 20, 7_000), posted("Grocer", 22, -1_000), pending("Café", 23, -450)), account("brk", ledger.Brokerage, 5, posted("Dividend", 3, 5)))
	s := b.statement("chk")
	if got, want := payees(s.Transactions), []string{"Café -450*", "Grocer -1000", "Employer 7000"}; !slices.Equal(got, want) {
		t.Fatalf("got %v", got)
	}
	if want := []money.Amount{usd(10_000), usd(10_000), usd(11_000)}; !slices.Equal(s.Running, want) {
		t.Errorf("running %v, want %v: a pending one does not move it", s.Running, want)
	}
	if s.Count != 3 || !s.First.Equal(day(11, 20)) {
		t.Errorf("count %d, first %s", s.Count, s.First)
	}
	if s := b.statement("brk"); s.Running != nil {
		t.Errorf("a running balance that prices contradict: %v", s.Running)
	}
}

func TestStanding_Spark(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(10_000, posted("Employer", 21, 7_000)))
	s := b.standing("chk")
	if len(s.Spark) == 0 || s.Spark[len(s.Spark)-1] != 10_000 || s.Spark[0] != 3_000 {
		t.Errorf("spark %v since %s", s.Spark, s.Since)
	}
	if change, ok := s.Change(); !ok || change != usd(7_000) {
		t.Errorf("change %v, %v", change, ok)
	}
}

func TestHoldings_Replaced(t *testing.T) {
	b := newBundle(t)
	hold := func(id string, minor int64) ledger.BankHolding {
		return ledger.BankHolding{ExternalID: id, Symbol: id, Name: id, Quantity: dec("2.5"), Value: usd(minor), AsOf: now}
	}
	broker := account("brk", ledger.Brokerage, 10_000)
	broker.Holdings = []ledger.BankHolding{hold("VTI", 4_000), hold("BND", 5_000)}
	b.apply(broker)
	read := func() (names []string, left money.Amount) {
		list, err := b.service.Holdings(t.Context(), b.who)
		if err != nil || len(list) != 1 {
			t.Fatalf("got %+v, %v", list, err)
		}
		for _, h := range list[0].Holdings {
			names = append(names, h.Symbol)
		}
		return names, list[0].Uninvested()
	}
	if names, left := read(); !slices.Equal(names, []string{"BND", "VTI"}) || left != usd(1_000) {
		t.Errorf("got %v and %v, the largest first", names, left)
	}
	broker.Holdings = nil
	b.apply(broker)
	if names, _ := read(); len(names) != 2 {
		t.Errorf("not asked, yet left with %v", names)
	}
	broker.Holdings = []ledger.BankHolding{hold("VTI", 4_100)}
	b.apply(broker)
	if names, left := read(); !slices.Equal(names, []string{"VTI"}) || left != usd(5_900) {
		t.Errorf("got %v and %v", names, left)
	}
	broker.Holdings = []ledger.BankHolding{}
	b.apply(broker)
	if names, left := read(); len(names) != 0 || left != usd(10_000) {
		t.Errorf("all sold, yet left with %v and %v", names, left)
	}
}

func TestParseRange(t *testing.T) {
	if ledger.ParseRange("6m", ledger.Year) != ledger.SixMonths || ledger.ParseRange("7y", ledger.Year) != ledger.Year || ledger.ParseRange("", ledger.Month) != ledger.Month {
		t.Error("a range is misread")
	}
	b := newBundle(t)
	early := posted("Early", 1, -100)
	early.BookedOn = time.Date(2025, 1, 15, 0, 0, 0, 0, time.UTC)
	a := checking(1_000, early)
	a.From = early.BookedOn
	b.apply(a)
	id := b.standing("chk").ID
	for r, want := range map[ledger.Range]time.Time{
		ledger.Month: day(10, 24), ledger.ThreeMonths: day(8, 24), ledger.SixMonths: day(5, 24),
		ledger.Year: time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC), ledger.All: early.BookedOn.AddDate(0, 0, -1),
	} {
		s, err := b.service.Account(t.Context(), b.who, id, r, now)
		if err != nil || !s.Days[0].Day.Equal(want) {
			t.Errorf("%s begins on %v, want %v (%v)", r, s.Days[0].Day, want, err)
		}
	}
}
