package books

// spendDaily puts a small purchase on the card every day. It clears on the second day, so that there is always
// something pending.
func (h *household) spendDaily() {
	h.charge(h.card, h.sometime(), 2, entry{minor: -h.dice.between(240, 980), payee: pick(h.dice, cafes), memo: "Card purchase", category: "Coffee and transit"})
}

// spendWeekly is food, fuel, dinners and the rest: each has its chance of a day, not its day.
func (h *household) spendWeekly() {
	habits := []struct {
		oneIn     int
		shops     []string
		low, high int64
		category  string
	}{
		{4, grocers, 2800, 14_200, "Groceries"},
		{6, restaurants, 1700, 7800, "Restaurants"},
		{9, fuel, 3100, 6200, "Fuel"},
		{8, shops, 900, 11_500, "Shopping"},
	}
	for _, habit := range habits {
		if h.dice.oneIn(habit.oneIn) {
			settle := 1 + h.dice.IntN(3)
			h.charge(h.card, h.sometime(), settle, entry{
				minor: -h.dice.between(habit.low, habit.high), payee: pick(h.dice, habit.shops), memo: "Card purchase", category: habit.category,
			})
		}
	}
	if h.dice.oneIn(70) {
		h.charge(h.card, h.sometime(), 2, entry{minor: h.dice.between(1200, 6900), payee: pick(h.dice, shops), memo: "Refund", category: "Shopping"})
	}
}

func (h *household) subscribe() {
	for _, s := range subscriptions {
		if h.today.Day() == s.day {
			h.charge(h.card, clock(3, 10), 1, entry{minor: -s.minor, payee: s.payee, memo: "Recurring card payment", category: s.category})
		}
	}
}

func (h *household) travel() {
	if h.dice.oneIn(55) {
		h.charge(h.card, h.sometime(), 2, entry{minor: -h.dice.between(14_000, 69_000), payee: pick(h.dice, travels), memo: "Card purchase", category: "Travel"})
	}
}

// payCard closes the statement on the 3rd and pays it in full, as far as the current account reaches, on the 25th.
func (h *household) payCard() {
	switch h.today.Day() {
	case 3:
		h.statement = -h.card.balance
	case 25:
		paid := min(h.statement, h.checking.balance)
		if paid <= 0 {
			return
		}
		h.post(h.checking, clock(6, 20), entry{minor: -paid, payee: "Harbor Card payment", memo: "Payment to Harbor Card", category: "Card payment"})
		h.post(h.card, clock(6, 20), entry{minor: paid, payee: "Payment received", memo: "Thank you for your payment", category: "Card payment"})
	}
}

// liveInEuros is a small flat in Lindau: an invoice each month, rent, power, bread.
func (h *household) liveInEuros() {
	switch h.today.Day() {
	case 1:
		h.post(h.euro, clock(6, 0), entry{minor: -68_000, payee: "Hausverwaltung Seeblick", memo: "Miete", category: "Housing"})
	case 8:
		h.post(h.euro, clock(9, 0), entry{minor: h.plan.euroIncome, payee: "Atelier Lindqvist", memo: "Rechnung " + h.today.Format("2006-01"), category: "Income"})
	case 16:
		h.post(h.euro, clock(6, 0), entry{minor: -6200, payee: "Nordlicht Energie", memo: "Abschlag", category: "Utilities"})
	}
	if h.dice.oneIn(5) {
		h.charge(h.euro, h.sometime(), 1, entry{minor: -h.dice.between(350, 6400), payee: pick(h.dice, euroShops), memo: "Kartenzahlung", category: "Groceries"})
	}
}
