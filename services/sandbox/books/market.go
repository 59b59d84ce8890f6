package books

import "time"

// security is something the bank's customers can hold. Prices walk in whole cents by whole basis points.
type security struct {
	symbol, name, kind string
	first              int64 // cents at the epoch
	swing, drift       int64 // basis points a trading day
	yield              int64 // basis points a quarter
}

var securities = []security{
	{"NWTX", "Northwind Total Market Index Fund", "MUTUALFUND", 8412, 90, 4, 34},
	{"NWIX", "Northwind International Index Fund", "MUTUALFUND", 4127, 85, 3, 61},
	{"NWBX", "Northwind Bond Index Fund", "MUTUALFUND", 1034, 18, 1, 88},
	{"LUMQ", "Lumenquarry Optics Inc.", "STOCK", 13450, 210, 6, 0},
	{"HBLG", "Harborline Logistics Corp.", "STOCK", 5280, 160, 3, 45},
	{"NWHX", "Northwind Horizon 2055 Fund", "MUTUALFUND", 2206, 75, 4, 40},
}

// market holds the closing prices of every security for each day since the epoch. It is the same for all customers.
type market [][]int64

func newMarket(days int) market {
	d := newSeed("the market").dice("prices", 0)
	m := make(market, len(securities))
	for i, s := range securities {
		m[i] = make([]int64, max(days, 1))
		m[i][0] = s.first
	}
	for n := 1; n < days; n++ {
		closed := weekend(epoch.Add(time.Duration(n) * day))
		for i, s := range securities {
			m[i][n] = m[i][n-1]
			if !closed {
				m[i][n] = max(100, m[i][n]+divide(m[i][n]*d.between(s.drift-s.swing, s.drift+s.swing), 10_000))
			}
		}
	}
	return m
}

// worth is the value in cents of units (ten-thousandths) at a price in cents.
func worth(units, price int64) int64 { return divide(units*price, 10_000) }

// divide rounds half away from zero. Every fraction of a cent in these books is settled here.
func divide(a, b int64) int64 {
	if a < 0 {
		return -divide(-a, b)
	}
	return (a + b/2) / b
}
