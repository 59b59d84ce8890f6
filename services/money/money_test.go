package money_test

import (
	"math"
	"strings"
	"testing"

	"dashtam/services/errs"
	"dashtam/services/money"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in, currency string
		minor        int64
		out          string
	}{
		{"12.34", "EUR", 1234, "12.34"},
		{"-84.27", "USD", -8427, "-84.27"},
		{"0.05", "USD", 5, "0.05"},
		{"-0.5", "USD", -50, "-0.50"},
		{"7", "USD", 700, "7.00"},
		{"1.500", "USD", 150, "1.50"},
		{"1234", "JPY", 1234, "1234"},
		{"1234.0", "JPY", 1234, "1234"},
		{"1.234", "KWD", 1234, "1.234"},
		{"-0", "USD", 0, "0.00"},
		{"92233720368547758.07", "USD", math.MaxInt64, "92233720368547758.07"},
	} {
		got, err := money.Parse(c.in, c.currency)
		if err != nil || got.Minor != c.minor || got.Currency != c.currency || got.String() != c.out {
			t.Errorf("Parse(%q, %s) = %+v %q, %v; want %d %q", c.in, c.currency, got, got, err, c.minor, c.out)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range [][2]string{
		{"", "USD"}, {"-", "USD"}, {".", "USD"}, {".5", "USD"}, {"5.", "USD"}, {"+5", "USD"}, {"--5", "USD"}, {"1e3", "USD"},
		{"NaN", "USD"}, {"Inf", "USD"}, {"1,234.00", "USD"}, {"1.2.3", "USD"}, {" 1", "USD"}, {"1 ", "USD"}, {"٣", "USD"}, {"0x10", "USD"},
		{"0.001", "USD"}, {"1.5", "JPY"}, {"1.2345", "KWD"}, {"92233720368547758.08", "USD"}, {strings.Repeat("9", 40), "USD"},
		{strings.Repeat("0", 100), "USD"}, {"1", ""}, {"1", "usd"}, {"1", "US"}, {"1", "EURO"}, {"1", "€UR"},
	} {
		if got, err := money.Parse(c[0], c[1]); errs.KindOf(err) != errs.Invalid || got != (money.Amount{}) {
			t.Errorf("Parse(%q, %q) = %+v, %v; want an Invalid error", c[0], c[1], got, err)
		}
	}
}

func TestAdd(t *testing.T) {
	sum, err := money.Amount{Minor: 150, Currency: "USD"}.Add(money.Amount{Minor: -275, Currency: "USD"})
	if err != nil || sum.String() != "-1.25" {
		t.Errorf("1.50 + -2.75 = %v, %v", sum, err)
	}
	if sum.Neg().String() != "1.25" {
		t.Errorf("negated: %v", sum.Neg())
	}
	for _, pair := range [][2]money.Amount{
		{{Minor: 1, Currency: "USD"}, {Minor: 1, Currency: "EUR"}},
		{{Minor: math.MaxInt64, Currency: "USD"}, {Minor: 1, Currency: "USD"}},
		{{Minor: math.MinInt64, Currency: "USD"}, {Minor: -1, Currency: "USD"}},
	} {
		if got, err := pair[0].Add(pair[1]); err == nil {
			t.Errorf("%v + %v = %v, want an error", pair[0], pair[1], got)
		}
	}
}

func TestExtremesPrint(t *testing.T) {
	if got := (money.Amount{Minor: math.MinInt64, Currency: "USD"}).String(); got != "-92233720368547758.08" {
		t.Errorf("smallest amount prints %q", got)
	}
}

// FuzzParse holds that whatever Parse accepts survives a round trip, and that it never panics.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"12.34", "-0.5", "1e9", "", "99999999999999999999", "1.", "-.1", "0000.10"} {
		f.Add(seed, "USD")
		f.Add(seed, "JPY")
	}
	f.Fuzz(func(t *testing.T, decimal, currency string) {
		a, err := money.Parse(decimal, currency)
		if err != nil {
			return
		}
		again, err := money.Parse(a.String(), currency)
		if err != nil || again != a {
			t.Errorf("Parse(%q, %s) = %+v, which reads back as %+v, %v", decimal, currency, a, again, err)
		}
	})
}
