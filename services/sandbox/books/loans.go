package books

// loanTerms are a loan's fixed terms. payment is the exact monthly instalment, taken from an amortisation table per
// thousand borrowed, because the formula wants powers and these books know no fractions.
type loanTerms struct {
	principal int64 // cents
	rate      int64 // basis points a year
	payment   int64 // cents a month
	months    int
}

// amortisation: rate in basis points, cents a month per thousand dollars borrowed.
var (
	thirtyYears = [][2]int64{{325, 435}, {350, 449}, {412, 485}, {450, 507}, {525, 552}, {587, 591}}
	sixYears    = [][2]int64{{390, 1560}, {490, 1606}, {590, 1653}}
)

func newLoan(d dice, table [][2]int64, months int, low, high int64) loanTerms {
	terms := pick(d, table)
	thousands := d.between(low, high)
	return loanTerms{principal: thousands * 100_000, rate: terms[0], payment: thousands * terms[1], months: months}
}

// payLoans pays both loans from the current account: interest first, the rest against what is owed.
func (h *household) payLoans() {
	if h.n > 0 && h.today.Day() == 1 {
		h.payLoan(h.mortgage, h.plan.home, "Mortgage payment", "Housing")
	}
	if h.today.Day() == 12 {
		h.payLoan(h.auto, h.plan.car, "Auto loan payment", "Transport")
	}
}

func (h *household) payLoan(l *ledger, terms loanTerms, payee, category string) {
	if l.balance == 0 {
		return
	}
	interest := divide(-l.balance*terms.rate, 12*10_000)
	h.post(l, clock(6, 0), entry{minor: -interest, payee: "Interest charged", memo: "Monthly interest", category: "Interest"})
	payment := min(terms.payment, -l.balance)
	h.post(h.checking, clock(6, 1), entry{minor: -payment, payee: payee, memo: "Payment to " + l.about.Product, category: category})
	h.post(l, clock(6, 1), entry{minor: payment, payee: payee, memo: "Payment from " + h.checking.about.Product, category: category})
}
