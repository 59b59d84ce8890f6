// Package money holds amounts exactly: an integer count of a currency's smallest unit. No floats, no formatting for
// people (that is views/components), no arithmetic across currencies.
package money

import (
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"

	"dashtam/services/errs"
)

// Amount is Minor units of Currency (ISO 4217, upper case): {-8427, "USD"} is minus 84 dollars and 27 cents.
type Amount struct {
	Minor    int64
	Currency string
}

// exponents lists the ISO 4217 currencies whose smallest unit is not a hundredth.
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0,
	"VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "CLF": 4, "UYW": 4,
}

var (
	errShape    = errs.New(errs.Invalid, "This is not an amount of money. Write it like 12.34.")
	errTooFine  = errs.New(errs.Invalid, "This amount has more decimals than its currency.")
	errTooLarge = errs.New(errs.Invalid, "This amount is too large.")
	errCurrency = errs.New(errs.Invalid, "A currency is three letters, such as EUR.")
)

// Exponent is the number of decimals of a currency by ISO 4217; 2 for those not listed.
func Exponent(currency string) int {
	if e, ok := exponents[currency]; ok {
		return e
	}
	return 2
}

// Unusual lists the currencies whose exponent is not 2, with their exponents: for SQL that has to compare whole units.
func Unusual() map[string]int { return maps.Clone(exponents) }

// ValidCurrency reports whether code has the form of an ISO 4217 code: three capital letters.
func ValidCurrency(code string) bool {
	if len(code) != 3 {
		return false
	}
	for _, r := range code {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return true
}

// Parse reads a plain decimal such as "-1234.5" as an amount of currency, exactly. Exponents, grouping, NaN, Inf, a
// finer value than the currency holds (trailing zeros aside) and overflow are errors of kind Invalid (IM-5).
func Parse(decimal, currency string) (Amount, error) {
	if !ValidCurrency(currency) {
		return Amount{}, errCurrency
	}
	digits, negative := strings.CutPrefix(decimal, "-")
	whole, frac, dot := strings.Cut(digits, ".")
	if whole == "" || !allDigits(whole) || !allDigits(frac) || (dot && frac == "") || len(digits) > 64 {
		return Amount{}, errShape
	}
	exp := Exponent(currency)
	if len(frac) > exp {
		if strings.Trim(frac[exp:], "0") != "" {
			return Amount{}, errTooFine
		}
		frac = frac[:exp]
	}
	frac += strings.Repeat("0", exp-len(frac))
	minor, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		return Amount{}, errTooLarge.Because(err)
	}
	if negative {
		minor = -minor
	}
	return Amount{Minor: minor, Currency: currency}, nil
}

// String is the plain decimal without the currency, "-84.27": what the API and CSV carry and what Parse reads back.
func (a Amount) String() string {
	exp := Exponent(a.Currency)
	digits := strconv.FormatUint(a.abs(), 10)
	if len(digits) <= exp {
		digits = strings.Repeat("0", exp+1-len(digits)) + digits
	}
	if exp > 0 {
		digits = digits[:len(digits)-exp] + "." + digits[len(digits)-exp:]
	}
	if a.Minor < 0 {
		return "-" + digits
	}
	return digits
}

// Neg is the amount with its sign turned. The smallest int64 stays as it is; Parse never makes it.
func (a Amount) Neg() Amount { return Amount{Minor: -a.Minor, Currency: a.Currency} }

// Add is the exact sum of two amounts of one currency; adding two currencies or overflowing is an internal error.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("money: adding %s to %s", b.Currency, a.Currency)
	}
	if (b.Minor > 0 && a.Minor > math.MaxInt64-b.Minor) || (b.Minor < 0 && a.Minor < math.MinInt64-b.Minor) {
		return Amount{}, fmt.Errorf("money: overflow adding %d and %d %s", a.Minor, b.Minor, a.Currency)
	}
	return Amount{Minor: a.Minor + b.Minor, Currency: a.Currency}, nil
}

func (a Amount) abs() uint64 {
	if a.Minor < 0 {
		return -uint64(a.Minor)
	}
	return uint64(a.Minor)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
