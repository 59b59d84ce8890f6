package ledger

import "time"

// Range is how far back a chart reaches.
type Range string

// The ranges of a chart, as they stand in the URL.
const (
	Month       Range = "1m"
	ThreeMonths Range = "3m"
	SixMonths   Range = "6m"
	Year        Range = "1y"
	All         Range = "all"
)

// Ranges lists the ranges in the order they are offered.
var Ranges = [...]Range{Month, ThreeMonths, SixMonths, Year, All}

// ParseRange reads a range from a URL; anything else is fallback.
func ParseRange(s string, fallback Range) Range {
	for _, r := range Ranges {
		if s == string(r) {
			return r
		}
	}
	return fallback
}

// farthest is as far back as balances are kept.
const farthest = 10

// first is the first day of the range that ends today.
func (r Range) first(today time.Time) time.Time {
	switch r {
	case Month:
		return today.AddDate(0, -1, 0)
	case ThreeMonths:
		return today.AddDate(0, -3, 0)
	case SixMonths:
		return today.AddDate(0, -6, 0)
	case Year:
		return today.AddDate(-1, 0, 0)
	default:
		return today.AddDate(-farthest, 0, 0)
	}
}
