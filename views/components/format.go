package components

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"dashtam/services/money"
)

// The signs that the keyboard does not have.
const (
	minus     = "\u2212"
	thinSpace = "\u202f" // narrow and unbreakable, between a figure and its unit
)

// symbols are the currencies that are written with a sign of their own. Every other one shows its code, so that
// Canadian dollars are never taken for American ones.
var symbols = map[string]string{"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪", "VND": "₫", "UAH": "₴", "NGN": "₦", "PHP": "₱"}

// Symbol is the sign that stands before an amount of a currency: "$", or the code and a space.
func Symbol(currency string) string {
	if s, ok := symbols[currency]; ok {
		return s
	}
	return currency + "\u00a0"
}

// parts splits an amount into what is printed large and its lighter decimals: "−$1,284" and ".37".
func parts(a money.Amount, plus bool) (whole, cents string) {
	digits, negative := strings.CutPrefix(a.String(), "-")
	units, decimals, found := strings.Cut(digits, ".")
	if found {
		cents = "." + decimals
	}
	sign := ""
	switch {
	case negative:
		sign = minus
	case plus && a.Minor > 0:
		sign = "+"
	}
	return sign + Symbol(a.Currency) + thousands(units), cents
}

// Money is an amount in full: "−$1,284.37".
func Money(a money.Amount) string {
	whole, cents := parts(a, false)
	return whole + cents
}

// Change is a gain or loss in full, with its sign: "+$14,382.62".
func Change(a money.Amount) string {
	whole, cents := parts(a, true)
	return whole + cents
}

// Whole is an amount rounded to whole units: "$330,604".
func Whole(a money.Amount) string { return rounded(a, false) }

// WholeChange is a gain or loss rounded to whole units, with its sign: "+$8,160".
func WholeChange(a money.Amount) string { return rounded(a, true) }

func rounded(a money.Amount, plus bool) string {
	unit := unitOf(a.Currency)
	half := unit / 2
	if a.Minor < 0 {
		half = -half
	}
	whole, _ := parts(money.Amount{Minor: (a.Minor + half) / unit * unit, Currency: a.Currency}, plus)
	return whole
}

func unitOf(currency string) int64 {
	unit := int64(1)
	for range money.Exponent(currency) {
		unit *= 10
	}
	return unit
}

// Scale is an amount as a chart's axis shows it: "$326k", "€1,500", "$2.5m".
func Scale(a money.Amount) string {
	units := a.Minor / unitOf(a.Currency)
	sign := ""
	if units < 0 {
		sign, units = minus, -units
	}
	s := Symbol(a.Currency)
	switch {
	case units >= 1_000_000:
		return sign + s + short(units, 1_000_000) + "m"
	case units >= 10_000:
		return sign + s + short(units, 1_000) + "k"
	default:
		return sign + s + thousands(strconv.FormatInt(units, 10))
	}
}

// short is n in thousands or millions with at most two decimals.
func short(n, of int64) string {
	s := strconv.FormatFloat(float64(n)/float64(of), 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func thousands(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Count is a whole number with its thousands set off: "1,204".
func Count[N ~int | ~int64](n N) string {
	if n < 0 {
		return minus + thousands(strconv.FormatInt(int64(-n), 10))
	}
	return thousands(strconv.FormatInt(int64(n), 10))
}

// Bytes is how much data that is: "812 bytes", "14 kB", "3 MB" (SI, 1,000).
func Bytes(n int64) string {
	switch {
	case n < 1000:
		return Plural(n, "byte")
	case n < 1_000_000:
		return Count((n+500)/1000) + " kB"
	default:
		return Count((n+500_000)/1_000_000) + " MB"
	}
}

// Plural is a count with its noun: "1 account", "1,204 transactions". The noun's plural is its own with an s.
func Plural[N ~int | ~int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// smallNumbers are written as words at the head of a sentence.
var smallNumbers = [...]string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}

// Words is a small number as a word, a large one in figures: "two", "14".
func Words(n int) string {
	if n >= 0 && n < len(smallNumbers) {
		return smallNumbers[n]
	}
	return Count(n)
}

// Sentence makes the first letter a capital.
func Sentence(s string) string {
	for i, r := range s {
		return strings.ToUpper(string(r)) + s[i+len(string(r)):]
	}
	return s
}

// Percent is a share of one with a decimal and a thin gap: 0.045 is "4.5 %".
func Percent(share float64) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return "not given"
	}
	s := strconv.FormatFloat(math.Abs(share)*100, 'f', 1, 64)
	if share < 0 && s != "0.0" {
		s = minus + s
	}
	return s + thinSpace + "%"
}

// Took is a duration as a person reads it: "74 µs", "318 ms", "4.1 s", "31 s", "3 min".
func Took(d time.Duration) string {
	unit := func(n float64, decimals int, unit string) string {
		return strconv.FormatFloat(n, 'f', decimals, 64) + thinSpace + unit
	}
	switch {
	case d < time.Millisecond:
		return unit(float64(d.Microseconds()), 0, "µs")
	case d < time.Second:
		return unit(float64(d.Milliseconds()), 0, "ms")
	case d < 10*time.Second:
		return unit(d.Seconds(), 1, "s")
	case d < 2*time.Minute:
		return unit(d.Seconds(), 0, "s")
	default:
		return unit(d.Minutes(), 0, "min")
	}
}

// Measured is a duration as it was measured, with two figures or more: "0.7 µs", "74 µs", "4.2 ms", "318 ms", "1.24 s".
func Measured(d time.Duration) string {
	n, unit := d.Seconds()*1e6, "µs"
	switch {
	case d >= 999_500*time.Microsecond:
		n, unit = d.Seconds(), "s"
	case d >= 999_500*time.Nanosecond:
		n, unit = n/1000, "ms"
	}
	decimals := 0
	if n < 9.95 {
		decimals = 1
	}
	if unit == "s" && n < 10 {
		decimals = 2
	}
	return strconv.FormatFloat(n, 'f', decimals, 64) + thinSpace + unit
}

// Mask is the last digits of an account number: "•• 4417"; empty when the bank showed none.
func Mask(digits string) string {
	if digits == "" {
		return ""
	}
	return "••\u00a0" + digits
}

// Initials are up to two letters that stand for a name in a mark or a portrait: "Alder Street Bank" is "AS".
func Initials(name string) string {
	var letters []rune
	for word := range strings.FieldsSeq(name) {
		for _, r := range word {
			if r == '(' || r == '"' || r == '\'' {
				continue
			}
			letters = append(letters, []rune(strings.ToUpper(string(r)))[0])
			break
		}
		if len(letters) == 2 {
			break
		}
	}
	return string(letters)
}

// OrNotGiven is s, or the words for what nobody told us.
func OrNotGiven(s string) string {
	if s == "" {
		return "not given"
	}
	return s
}

// List joins words as a sentence does: "a, b and c".
func List(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return fmt.Sprintf("%s and %s", strings.Join(words[:n-1], ", "), words[n-1])
	}
}

// Quantity is a number of units with the decimals it has: "12", "3.4821".
func Quantity(d decimal.Decimal) string {
	units, decimals, found := strings.Cut(d.Abs().String(), ".")
	s := thousands(units)
	if found {
		s += "." + decimals
	}
	if d.IsNegative() {
		return minus + s
	}
	return s
}

// Price is the price of one unit, with the decimals it came with but at least the currency's: "$1,284.3719".
func Price(d decimal.Decimal, currency string) string {
	places := max(int32(money.Exponent(currency)), -d.Exponent())
	units, decimals, found := strings.Cut(d.Abs().StringFixed(places), ".")
	s := Symbol(currency) + thousands(units)
	if found {
		s += "." + decimals
	}
	if d.IsNegative() {
		return minus + s
	}
	return s
}
