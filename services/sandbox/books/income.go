package books

import "time"

func newPlan(s seed) plan {
	d := s.dice("plan", 0)
	p := plan{
		customer:   Customer{ID: s.id("cus-"), First: pick(d, firstNames), Last: pick(d, lastNames)},
		employer:   pick(d, employers),
		salary:     d.between(268_000, 345_000),
		save:       d.between(8, 16) * 2500,
		invest:     d.between(5, 12) * 2500,
		retire:     d.between(3, 8) * 2500,
		home:       newLoan(d, thirtyYears, 360, 195, 290),
		car:        newLoan(d, sixYears, 72, 14, 27),
		euroIncome: d.between(118_000, 164_000),
	}
	p.customer.Email = p.customer.ID + "@customers.sandbox.example"
	return p
}

// earn pays the salary twice a month, with a raise each January, and what little else comes in.
func (h *household) earn() {
	if worksFor(h.today, 15) || worksFor(h.today, lastOfMonth(h.today)) {
		salary := h.plan.salary
		for range h.today.Year() - epoch.Year() {
			salary += divide(salary*3, 100)
		}
		h.post(h.checking, clock(7, 30), entry{minor: salary, payee: h.plan.employer, memo: "Payroll direct deposit", category: "Salary"})
	}
	if h.today.Month() == time.April && h.today.Day() == 9 {
		h.post(h.checking, clock(8, 0), entry{minor: h.dice.between(38_000, 165_000), payee: "Revenue Office", memo: "Tax refund", category: "Tax"})
	}
	if h.dice.oneIn(16) {
		h.post(h.checking, h.sometime(), entry{minor: h.dice.between(8, 60) * 100, payee: pick(h.dice, friends), memo: "For dinner the other day", category: "Transfer"})
	}
}

// payBills pays what comes every month from the current account, and sometimes fetches cash.
func (h *household) payBills() {
	for _, b := range bills {
		if h.today.Day() == b.day {
			h.post(h.checking, clock(6, 30), entry{minor: -h.dice.between(b.low, b.high), payee: b.payee, memo: "Bill payment", category: b.category})
		}
	}
	if h.dice.oneIn(19) {
		h.charge(h.checking, h.sometime(), 1, entry{minor: -pick(h.dice, []int64{4000, 6000, 8000, 10_000}), payee: "Cash machine", memo: "Withdrawal, Pier Street", category: "Cash"})
	}
}

// setAside moves the monthly amounts to savings, to the brokerage and to the retirement account.
func (h *household) setAside() {
	switch h.today.Day() {
	case 2:
		h.transfer(h.checking, h.savings, clock(6, 40), h.plan.save, "To savings", "From checking")
	case 3:
		h.transfer(h.checking, h.brokerage, clock(6, 45), h.plan.invest, "To brokerage", "From checking")
	case 5:
		h.transfer(h.checking, h.ira, clock(6, 50), h.plan.retire, "To retirement", "From checking")
	}
}

// keepLevel ends the day: too little in the current account is topped up from savings, and much more than a month's
// needs goes there.
func (h *household) keepLevel() {
	const low, topUp, high, keep = 150_000, 200_000, 1_100_000, 700_000
	if missing := min(topUp, h.savings.balance); h.checking.balance < low && missing > 0 {
		h.transfer(h.savings, h.checking, clock(23, 0), missing, "To checking", "From savings")
	}
	if h.today.Day() == 28 && h.checking.balance > high {
		h.transfer(h.checking, h.savings, clock(23, 0), h.checking.balance-keep, "To savings", "From checking")
	}
}

// accrueInterest credits a month's interest on its last day.
func (h *household) accrueInterest() {
	if h.today.Day() != lastOfMonth(h.today) {
		return
	}
	for _, l := range []struct {
		*ledger
		rate int64
	}{{h.savings, savingsRate}, {h.cd, cdRate}} {
		h.post(l.ledger, clock(22, 0), entry{minor: divide(l.balance*l.rate, 12*10_000), payee: "Interest paid", memo: "Monthly interest", category: "Interest"})
	}
}
