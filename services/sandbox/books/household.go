package books

import "time"

// household is a customer's life, played from the epoch one day at a time. Rules draw from the day's dice in a fixed
// order and look only at balances as they are when their turn comes, so a day's outcome never depends on when it is
// looked at.
type household struct {
	seed   seed
	market market
	plan   plan

	checking, savings, card, mortgage, auto, cd, brokerage, ira, euro *ledger

	statement int64 // what the last card statement asks for

	today time.Time
	n     int // days since the epoch
	dice  dice
}

// plan is what stays the same about a household, or changes once a year.
type plan struct {
	customer     Customer
	employer     string
	salary       int64 // a half month, net
	save, invest int64 // a month
	retire       int64 // a month
	home, car    loanTerms
	euroIncome   int64
}

// rules are what may happen on a day, in this order.
var rules = []func(*household){
	(*household).openAccounts,
	(*household).earn, (*household).payBills, (*household).payLoans, (*household).setAside,
	(*household).spendDaily, (*household).spendWeekly, (*household).subscribe, (*household).travel, (*household).payCard,
	(*household).buyFunds, (*household).collectDividends, (*household).accrueInterest,
	(*household).liveInEuros, (*household).keepLevel,
}

// play lives every day up to and including the one of until.
func (h *household) play(until time.Time) {
	for h.today = epoch; !h.today.After(until); h.today = h.today.Add(day) {
		h.n = dayNumber(h.today)
		h.dice = h.seed.dice("day", h.n)
		for _, rule := range rules {
			rule(h)
		}
	}
}

// post writes an entry that needs no clearing.
func (h *household) post(l *ledger, at time.Duration, e entry) {
	e.day, e.at = h.n, h.today.Add(at).Unix()
	e.posts = e.at
	l.add(e)
}

// charge writes an entry that stays pending until early on the settle-th day after.
func (h *household) charge(l *ledger, at time.Duration, settle int, e entry) {
	e.day, e.at = h.n, h.today.Add(at).Unix()
	e.posts = h.today.Add(time.Duration(settle)*day + clock(5, 0)).Unix()
	l.add(e)
}

// transfer moves money between two accounts: the same amount leaves one and arrives in the other.
func (h *household) transfer(from, to *ledger, at time.Duration, minor int64, out, in string) {
	h.post(from, at, entry{minor: -minor, payee: out, memo: "Transfer to " + to.about.Product, category: "Transfer"})
	h.post(to, at, entry{minor: minor, payee: in, memo: "Transfer from " + from.about.Product, category: "Transfer", kind: cashIn(to)})
}

func cashIn(l *ledger) string {
	if l.about.Category == Investment {
		return "TRANSFER"
	}
	return ""
}

// sometime is a moment of waking life.
func (h *household) sometime() time.Duration { return clock(8+h.dice.IntN(13), h.dice.IntN(60)) }
