package books

import (
	"time"

	"github.com/shopspring/decimal"

	"dashtam/services/money"
)

// FDX v6's account categories, as far as this bank needs them.
const (
	Deposit    = "DEPOSIT_ACCOUNT"
	Credit     = "LOC_ACCOUNT"
	Loan       = "LOAN_ACCOUNT"
	Investment = "INVESTMENT_ACCOUNT"
)

// Yearly interest in basis points.
const (
	savingsRate = 385
	cdRate      = 440
)

// products are the accounts every household holds, in the order the bank lists them.
func (h *household) products() []*ledger {
	return []*ledger{h.checking, h.savings, h.card, h.euro, h.brokerage, h.ira, h.cd, h.mortgage, h.auto}
}

func (h *household) setUp() {
	open := func(key, category, kind, product, nickname string) *ledger {
		number := h.seed.dice("number "+key, 0).between(1000, 9999)
		return &ledger{
			key: key, units: make([]int64, len(securities)),
			about: Account{
				ID: h.seed.id("acc-", key), Category: category, Type: kind, Product: product, Nickname: nickname,
				Number: "•••• " + decimal.New(number, 0).String(), Currency: "USD", Opened: epoch,
			},
		}
	}
	h.checking = open("checking", Deposit, "CHECKING", "Everyday Checking", "Household")
	h.savings = open("savings", Deposit, "SAVINGS", "High Tide Savings", "Rainy days")
	h.card = open("card", Credit, "CREDITCARD", "Harbor Card", "Harbor Card")
	h.euro = open("euro", Deposit, "CHECKING", "Euro Current Account", "Lindau flat")
	h.brokerage = open("brokerage", Investment, "BROKERAGEPRODUCT", "Brokerage", "Long run")
	h.ira = open("ira", Investment, "IRA", "Traditional IRA", "Retirement")
	h.cd = open("cd", Deposit, "CD", "12-Month Certificate", "New roof")
	h.mortgage = open("mortgage", Loan, "MORTGAGE", "30-Year Fixed Mortgage", "Maple Street")
	h.auto = open("auto", Loan, "AUTOLOAN", "Auto Loan", "The wagon")

	h.euro.about.Currency = "EUR"
	h.card.about.CreditLine = money.Amount{Minor: 1_500_000, Currency: "USD"}
	h.savings.about.Rate = decimal.New(savingsRate, -2)
	h.cd.about.Rate = decimal.New(cdRate, -2)
	for l, terms := range map[*ledger]loanTerms{h.mortgage: h.plan.home, h.auto: h.plan.car} {
		l.about.Rate = decimal.New(terms.rate, -2)
		l.about.Original = money.Amount{Minor: terms.principal, Currency: "USD"}
		l.about.Matures = epoch.AddDate(0, terms.months, 0)
	}
}

// openAccounts puts the first money into each account on the day the bank opened its books.
func (h *household) openAccounts() {
	if h.n != 0 {
		return
	}
	d := h.seed.dice("opening", 0)
	deposit := func(l *ledger, minor int64, payee, kind string) {
		h.post(l, clock(0, 5), entry{minor: minor, payee: payee, memo: "Opening balance", category: "Transfer", kind: kind})
	}
	deposit(h.checking, d.between(320_000, 560_000), "Opening deposit", "")
	deposit(h.savings, d.between(850_000, 2_400_000), "Opening deposit", "")
	deposit(h.cd, d.between(1000, 2500)*1000, "Opening deposit", "")
	deposit(h.euro, d.between(180_000, 420_000), "Eröffnungseinlage", "")
	deposit(h.brokerage, d.between(700_000, 1_900_000), "Incoming account transfer", "TRANSFER")
	deposit(h.ira, d.between(1_800_000, 4_600_000), "Rollover contribution", "CONTRIBUTION")
	deposit(h.mortgage, -h.plan.home.principal, "Loan disbursed", "")
	deposit(h.auto, -h.plan.car.principal, "Loan disbursed", "")
}

// certificateMatures is the next anniversary of the opening: certificates roll over.
func certificateMatures(at time.Time) time.Time {
	next := epoch
	for !next.After(at) {
		next = next.AddDate(1, 0, 0)
	}
	return next
}
