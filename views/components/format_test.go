package components

import (
	"math"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"dashtam/services/money"
)

func usd(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "USD"} }

func TestMoney(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Money(usd(128437)), "$1,284.37"},
		{Money(usd(-8427)), "−$84.27"},
		{Money(usd(0)), "$0.00"},
		{Money(usd(-5)), "−$0.05"},
		{Money(usd(math.MaxInt64)), "$92,233,720,368,547,758.07"},
		{Money(usd(math.MinInt64)), "−$92,233,720,368,547,758.08"},
		{Money(money.Amount{Minor: 412055, Currency: "EUR"}), "€4,120.55"},
		{Money(money.Amount{Minor: 1234567, Currency: "JPY"}), "¥1,234,567"},
		{Money(money.Amount{Minor: 1234567, Currency: "KWD"}), "KWD\u00a01,234.567"},
		{Money(money.Amount{Minor: 100, Currency: "CAD"}), "CAD\u00a01.00"},
		{Change(usd(382614)), "+$3,826.14"},
		{Change(usd(-382614)), "−$3,826.14"},
		{Change(usd(0)), "$0.00"},
		{Whole(usd(33060450)), "$330,605"},
		{Whole(usd(-49)), "$0"},
		{Whole(usd(-50)), "−$1"},
		{WholeChange(usd(816000)), "+$8,160"},
		{WholeChange(usd(-23099)), "−$231"},
		{Scale(usd(32600000)), "$326k"},
		{Scale(usd(150000)), "$1,500"},
		{Scale(usd(1250000)), "$12.5k"},
		{Scale(usd(-250000000)), "−$2.5m"},
		{Scale(usd(0)), "$0"},
		{Quantity(decimal.RequireFromString("1032.1046")), "1,032.1046"},
		{Quantity(decimal.RequireFromString("-12")), "−12"},
		{Price(decimal.RequireFromString("12.5"), "USD"), "$12.50"},
		{Price(decimal.RequireFromString("1284.3719"), "EUR"), "€1,284.3719"},
		{Price(decimal.RequireFromString("1E+2"), "JPY"), "¥100"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestWordsAndFigures(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Percent(0.045), "4.5\u202f%"},
		{Percent(-0.0804), "−8.0\u202f%"},
		{Percent(-0.0001), "0.0\u202f%"},
		{Percent(math.NaN()), "not given"},
		{Took(74 * time.Microsecond), "74\u202fµs"},
		{Took(318 * time.Millisecond), "318\u202fms"},
		{Took(4100 * time.Millisecond), "4.1\u202fs"},
		{Took(31 * time.Second), "31\u202fs"},
		{Took(5 * time.Minute), "5\u202fmin"},
		{Count(1204), "1,204"},
		{Count(-1204), "−1,204"},
		{Plural(1, "account"), "1 account"},
		{Plural(1918, "transaction"), "1,918 transactions"},
		{Words(2), "two"},
		{Words(14), "14"},
		{Sentence("élan"), "Élan"},
		{Sentence(""), ""},
		{Mask("4417"), "••\u00a04417"},
		{Mask(""), ""},
		{Initials("Alder Street Bank"), "AS"},
		{Initials("  ørsted (savings)"), "ØS"},
		{Initials(""), ""},
		{OrNotGiven(""), "not given"},
		{List([]string{"a", "b", "c"}), "a, b and c"},
		{List(nil), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// The person is in Auckland, a day ahead of UTC for half of it: a date stays the date the bank said, a moment moves.
func TestDaysAndMoments(t *testing.T) {
	zone := time.FixedZone("NZDT", 13*3600)
	now := time.Date(2026, 11, 24, 9, 12, 4, 0, zone) // 23 November, 20:12 UTC
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	utc := func(d, h int) time.Time { return time.Date(2026, 11, d, h, 0, 0, 0, time.UTC) }
	for _, c := range []struct{ got, want string }{
		{Day(date(2026, 11, 24), now), "Today"},
		{Day(date(2026, 11, 23), now), "Yesterday"},
		{Day(date(2026, 11, 18), now), "Wednesday"},
		{Day(date(2026, 11, 17), now), "17 Nov"},
		{Day(date(2026, 11, 25), now), "25 Nov"},
		{Day(date(2025, 11, 23), now), "23 Nov 2025"},
		{DayInFull(date(2026, 11, 24), now), "Tuesday 24 November"},
		{DayInFull(date(2026, 11, 20), now), "20 November"},
		{DayInFull(date(2025, 12, 31), now), "Wednesday 31 December 2025"},
		{LongDate(date(2026, 11, 19), now), "19 November"},
		{MonthName(date(2025, 11, 1), now), "November 2025"},
		{When(utc(23, 12), now), "Today, 01:00"},
		{When(utc(22, 12), now), "Yesterday, 01:00"},
		{When(utc(24, 12), now), "Tomorrow, 01:00"},
		{When(utc(10, 8), now), "10 Nov, 21:00"},
		{WhenToTheSecond(now, now), "Today, 09:12:04"},
		{WhenInSentence(utc(24, 2), now), "today at 15:00"},
		{WhenInSentence(utc(28, 2), now), "on 28 November at 15:00"},
		{Until(utc(23, 20), now), "today"},
		{Until(utc(24, 20), now), "tomorrow"},
		{Until(utc(30, 20), now), "in 7 days"},
		{Until(utc(19, 20), now), "4 days ago"},
		{Ago(now.Add(-30*time.Second), now), "just now"},
		{Ago(now.Add(-time.Minute), now), "1 minute ago"},
		{Ago(now.Add(-3*time.Hour), now), "3 hours ago"},
		{Ago(now.Add(-50*time.Hour), now), "2 days ago"},
		{Machine(now), "2026-11-23T20:12:04Z"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
