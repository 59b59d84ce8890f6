package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"dashtam/services/ledger"
)

// balances are the statement's days by date.
func balances(s ledger.Statement) map[time.Time]ledger.BalanceDay {
	days := map[time.Time]ledger.BalanceDay{}
	for _, d := range s.Days {
		days[d.Day] = d
	}
	return days
}

func TestDays_WorkedBackFromToday(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(10_000, posted("Employer", 20, 7_000), posted("Grocer", 22, -1_000), pending("Café", 23, -450)))
	days := balances(b.statement("chk"))
	for _, want := range []struct {
		day       time.Time
		minor     int64
		estimated bool
	}{
		{day(11, 24), 10_000, false}, {day(11, 23), 10_000, true}, {day(11, 22), 10_000, true},
		{day(11, 21), 11_000, true}, {day(11, 20), 11_000, true}, {day(11, 19), 4_000, true},
	} {
		if got := days[want.day]; got.Balance != usd(want.minor) || got.Estimated != want.estimated {
			t.Errorf("%s: got %+v, want %d", want.day.Format(time.DateOnly), got, want.minor)
		}
	}
	if len(days) != 6 {
		t.Errorf("%d days, want them to begin the day before the first transaction", len(days))
	}
}

// A late booking moves the days after it, also one that the bank's balance of that day did not know yet.
func TestDays_LateBookingMovesThem(t *testing.T) {
	b := newBundle(t)
	early := checking(10_000, posted("Grocer", 20, -1_000))
	early.BalanceAsOf = day(11, 22).Add(time.Hour)
	b.apply(early)
	b.apply(checking(9_500, posted("Grocer", 20, -1_000), posted("Late", 21, -500)))
	days := balances(b.statement("chk"))
	if got := days[day(11, 22)].Balance; got != usd(9_500) {
		t.Errorf("22nd: %v", got)
	}
	if got := days[day(11, 20)].Balance; got != usd(10_000) {
		t.Errorf("20th: %v", got)
	}
}

// What prices did to an investment no transaction shows: a day the bank told us stays as it was told.
func TestDays_InvestmentsKeepWhatTheBankSaid(t *testing.T) {
	b := newBundle(t)
	buy := posted("fund", 23, -5_000)
	buy.Kind = ledger.Buy
	monday := account("brk", ledger.Brokerage, 100_000)
	monday.BalanceAsOf = day(11, 22).Add(time.Hour)
	b.apply(monday)
	b.apply(account("brk", ledger.Brokerage, 104_000, buy, posted("Deposit", 23, 1_000)))
	days := balances(b.statement("brk"))
	for d, want := range map[int]int64{24: 104_000, 23: 104_000, 22: 100_000} {
		if got := days[day(11, d)].Balance; got != usd(want) {
			t.Errorf("%d: got %v, want %d", d, got, want)
		}
	}
	if days[day(11, 22)].Estimated || !days[day(11, 23)].Estimated {
		t.Error("what the bank said is called a guess, or the other way round")
	}
}

func TestDays_AtMostTenYears(t *testing.T) {
	b := newBundle(t)
	old := posted("Ancient", 1, -100)
	old.BookedOn = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	a := checking(1_000, old)
	a.From = old.BookedOn
	b.apply(a)
	if n := b.count(`SELECT count(*) FROM balance_days WHERE user_id = @user`); n > 3_654 {
		t.Errorf("%d days kept", n)
	}
}

// Whatever is booked, in whatever order the bank tells it: each day's balance is the next one's less what was posted on
// it, so that the days, the running balances and the sum of all transactions agree to the cent.
func TestDays_MoneyProperty(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { moneyProperty(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func moneyProperty(t *testing.T, r *rand.Rand) {
	b := newBundle(t)
	var all []ledger.BankTransaction
	perDay := map[time.Time]int64{}
	var sum int64
	for i := range 30 {
		tx := posted(string(rune('A'+i)), 1+r.IntN(23), r.Int64N(2_000_001)-1_000_000)
		if r.IntN(5) == 0 {
			tx.Status = ledger.Pending
		} else {
			perDay[tx.BookedOn] += tx.Amount.Minor
			sum += tx.Amount.Minor
		}
		all = append(all, tx)
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	start := r.Int64N(1_000_000)
	b.apply(checking(1, all[:r.IntN(len(all))]...))
	b.apply(checking(start+sum, all...))

	s := b.statement("chk")
	if s.Days[0].Balance != usd(start) {
		t.Errorf("begins at %v, want %d", s.Days[0].Balance, start)
	}
	for i := 1; i < len(s.Days); i++ {
		if got := s.Days[i].Balance.Minor - s.Days[i-1].Balance.Minor; got != perDay[s.Days[i].Day] {
			t.Errorf("%s: moved by %d, posted %d", s.Days[i].Day, got, perDay[s.Days[i].Day])
		}
	}
	if total := b.page(ledger.Terms{Status: "posted"}).Totals[0].Kept(); total != usd(sum) {
		t.Errorf("in and out add up to %v, want %d", total, sum)
	}
	for i := 1; i < len(s.Running); i++ {
		moved, before := s.Running[i-1].Minor-s.Running[i].Minor, s.Transactions[i-1]
		if (before.Status == ledger.Pending && moved != 0) || (before.Status == ledger.Posted && moved != before.Amount.Minor) {
			t.Errorf("running balance moved by %d at %+v", moved, before)
		}
	}
}
