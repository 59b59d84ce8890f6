package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"dashtam/services/ledger"
)

// Equal payments on one day stay as many as they were when the bank gives all of them new ids, and the rows, with what the
// person wrote, stay the same (OA-22).
//
// Break OA-22: services/ledger/succeed.go: in succeed, leave k out of USING
func TestMerge_OA22_TwinsWithNewIDs(t *testing.T) {
	for name, status := range map[string]ledger.Status{"posted": ledger.Posted, "pending": ledger.Pending} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			metro := func(id string, d int) ledger.BankTransaction {
				m := as(id, posted("Metro", d, -290))
				m.Status = status
				return m
			}
			b.apply(checking(10_000, metro("a", 20), metro("b", 20), metro("c", 21), posted("Rent", 2, -90_000)))
			before := b.list(ledger.Terms{})
			for _, m := range before {
				if err := b.service.SetNote(t.Context(), b.who, m.ID, "note of "+m.ID.String()); err != nil {
					t.Fatal(err)
				}
			}
			r := b.apply(checking(10_000, metro("x", 20), metro("y", 20), metro("z", 21), as("r", posted("Rent", 2, -90_000))))
			after := b.list(ledger.Terms{})
			if len(after) != 4 || !sameIDs(before, after) || r.Added+r.Changed+r.Merged+r.Removed != 0 {
				t.Errorf("got %v, %+v", payees(after), r)
			}
			for _, m := range after {
				if m.Note != "note of "+m.ID.String() {
					t.Errorf("%s lost its note", m.Payee)
				}
			}
			r = b.apply(checking(10_000, metro("x", 20), metro("y", 20), metro("w", 20), metro("z", 21), as("r", posted("Rent", 2, -90_000))))
			if r.Added != 1 || r.Changed+r.Merged+r.Removed != 0 || len(b.list(ledger.Terms{})) != 5 {
				t.Errorf("a third: %+v", r)
			}
		})
	}
}

// A booking that the bank takes back is gone; a bank that leaves out too much is not believed, nor one whose answer does
// not go so far back, nor where it may go by another date.
//
// Break OA-22: services/ledger/missing.go: in missing, believe every answer
func TestMerge_OA22_WhatTheBankLeavesOut(t *testing.T) {
	month := func() (all []ledger.BankTransaction) {
		for d := 2; d <= 21; d++ {
			all = append(all, posted(fmt.Sprint("P", d), d, -int64(d)))
		}
		return all
	}
	without := func(left ...int) []ledger.BankTransaction {
		return slices.DeleteFunc(month(), func(m ledger.BankTransaction) bool { return slices.Contains(left, m.BookedOn.Day()) })
	}
	late := posted("Late", 25, -1)
	late.HappenedAt = day(10, 30)
	for name, c := range map[string]struct {
		answer        []ledger.BankTransaction
		removed, kept int
	}{
		"one":             {without(7), 1, 0},
		"four of twenty":  {without(7, 8, 9, 10), 4, 0},
		"five of twenty":  {without(7, 8, 9, 10, 11), 0, 5},
		"everything":      {nil, 0, 20},
		"the oldest":      {without(2, 3), 0, 0},
		"only others":     {[]ledger.BankTransaction{posted("Other", 1, -1), posted("Another", 22, -5)}, 0, 20},
		"none is missing": {month(), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			b.apply(checking(0, append(month(), late)...))
			if len(c.answer) > 2 {
				c.answer = append(c.answer, late) // which was perhaps never asked for in the others
			}
			r := b.apply(checking(0, c.answer...))
			if r.Removed != c.removed || r.Kept != c.kept {
				t.Errorf("%d removed and %d kept, want %d and %d", r.Removed, r.Kept, c.removed, c.kept)
			}
		})
	}
	t.Run("the edge of the window", func(t *testing.T) {
		b := newBundle(t)
		b.apply(checking(0, late, posted("First", 1, -1), posted("Mid", 15, -1), posted("Last", 30, -1)))
		if r := b.apply(checking(0, posted("Mid", 15, -1), posted("Before", 1, -9))); r.Removed != 0 || r.Kept != 0 {
			t.Errorf("got %+v", r)
		}
	})
}

// Pages of a window become one answer, whatever their order, and a window whose pages are gone is an error (OA-22).
//
// Break OA-22: services/ledger/merge.go: in arrive, keep what is said twice
func TestMerge_OA22_PagesAreOneAnswer(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(0, pending("Café", 23, -450), as("twin", pending("Metro", 20, -290))))
	before := b.list(ledger.Terms{})
	stage := func(n int, page ...ledger.BankTransaction) int {
		if err := ledger.Stage(t.Context(), b.tx, b.who, b.connection, n, page); err != nil {
			t.Fatal(err)
		}
		return n + len(page)
	}
	stage(0, posted("left over", 3, -1))
	n := stage(0, as("m", posted("Metro", 21, -290)), posted("Rent", 2, -100))
	n = stage(n, as("twin", pending("Metro", 20, -290)), posted("Rent", 2, -200)) // the twin is still pending; Rent said twice
	n = stage(n, as("c", posted("Café", 24, -450)))
	w := ledger.Window{ConnectionID: b.connection, Account: "chk", From: day(11, 1), To: day(11, 30), Staged: n}
	r, err := ledger.Merge(t.Context(), b.tx, b.who, w)
	if err != nil || r.Added != 2 || r.Merged != 1 || r.Removed != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	after := b.list(ledger.Terms{})
	if got, want := payees(after), []string{"Café -450", "Metro -290", "Metro -290*", "Rent -200"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if after[0].ID != before[0].ID || after[2].ID != before[1].ID {
		t.Error("rows changed places")
	}
	if _, err := ledger.Merge(t.Context(), b.tx, b.who, w); !errors.Is(err, ledger.ErrStagedLost) {
		t.Errorf("merging what is not there: %v", err)
	}
}

// Transactions of a day stand in the order in which they happened, whatever the order of pages.
func TestMerge_OrderOfADay(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(0))
	at := func(hour int) ledger.BankTransaction {
		m := posted(fmt.Sprint(hour), 5, -1)
		m.HappenedAt = day(11, 5).Add(time.Duration(hour) * time.Hour)
		return m
	}
	for n, hours := range [][]int{{20, 19}, {12, 15}, {3, 9}} {
		if err := ledger.Stage(t.Context(), b.tx, b.who, b.connection, 2*n, []ledger.BankTransaction{at(hours[0]), at(hours[1])}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ledger.Merge(t.Context(), b.tx, b.who, ledger.Window{ConnectionID: b.connection, Account: "chk", From: day(11, 1), To: day(11, 30), Staged: 6}); err != nil {
		t.Fatal(err)
	}
	if got, want := payees(b.list(ledger.Terms{})), []string{"20 -1", "19 -1", "15 -1", "12 -1", "9 -1", "3 -1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
