package books

import "time"

// What each investment account buys, by index into securities.
var (
	brokerageFunds = []int{0, 1, 3, 4}
	iraFunds       = []int{5, 2}
)

// buyFunds invests the opening money on the second working day, and each month's contribution on the 7th or before.
func (h *household) buyFunds() {
	if h.n != 3 && !worksFor(h.today, 7) {
		return
	}
	h.buyEvenly(h.brokerage, brokerageFunds)
	h.buyEvenly(h.ira, iraFunds)
}

// buyEvenly spends an account's cash in equal parts, leaving a little.
func (h *household) buyEvenly(l *ledger, funds []int) {
	part := (l.balance - 2500) / int64(len(funds))
	for i, sec := range funds {
		h.buy(l, sec, part, clock(15, i))
	}
}

func (h *household) buy(l *ledger, sec int, spend int64, at time.Duration) {
	price := h.market[sec][h.n]
	units := spend * 10_000 / price
	if units <= 0 {
		return
	}
	h.post(l, at, entry{
		minor: -worth(units, price), payee: securities[sec].name, memo: "Bought " + securities[sec].symbol, category: "Investment",
		kind: "PURCHASED", sec: sec, units: units, price: price,
	})
}

// collectDividends pays each quarter's yield on what is held.
func (h *household) collectDividends() {
	if !quarterEnd(h.today) {
		return
	}
	for _, l := range []*ledger{h.brokerage, h.ira} {
		for sec, s := range securities {
			paid := divide(worth(l.units[sec], h.market[sec][h.n])*s.yield, 10_000)
			if paid > 0 {
				h.post(l, clock(20, sec), entry{minor: paid, payee: s.name, memo: "Dividend " + s.symbol, category: "Dividend", kind: "DIVIDEND", sec: sec})
			}
		}
	}
}
