// Package books invents the Sandbox Bank's customers: who they are, which accounts they hold, and what happened in them.
//
// It computes and does nothing else: no I/O, no clock, no state. The same name and the same instant always give the same
// books, in every process. A day, once over, never changes: its transactions keep their ids, amounts and times; a later
// instant only adds to them, and turns what was pending into what is posted (under another id, as banks do).
//
// Invariants, each of them tested:
//   - an account's balance is the sum of its posted transactions; debts are negative;
//   - a transfer between two accounts of one customer stands in both, with opposite amounts on the same day;
//   - units and cost of a holding are the sums of its purchases, and money is whole minor units throughout: no floats;
//   - a current or savings account never goes below zero.
//
// People, shops, employers, funds and symbols are invented. Three names are special: "naughty" has hostile texts
// wherever a bank may send free text, "empty" has no accounts, and every other name is an ordinary household.
package books
