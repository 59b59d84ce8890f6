package providers

import (
	"hash/maphash"

	"dashtam/services/ledger"
)

// Page is one page of an account's transactions.
type Page struct {
	Transactions []ledger.BankTransaction
	Next         string // the cursor of the page that follows, the bank's own and opaque; empty on the last one
}

// The bounds of one listing: what a person can have, generously, and what a broken bank can make us ask (OA-22).
const (
	MostPages  = 1000
	mostItems  = 200_000
	mostIdle   = 3 // pages in a row that bring nothing new
	MostCursor = 4096
)

// Walk is a way through the pages of a listing. The zero value stands before its first page; Pages may be set to continue one.
type Walk struct {
	Pages  int // that were read
	idle   int
	seed   maphash.Seed
	places map[uint64]bool
	items  map[uint64]bool
}

// Read notes a page: the cursor of the one that follows, and the ids of what was on it. A walk that does not end is a
// Failure of class Nonsense: a cursor that comes twice or is endless, pages that bring nothing new, too many of them.
func (w *Walk) Read(next string, ids []string) error {
	if w.items == nil {
		w.seed, w.places, w.items = maphash.MakeSeed(), map[uint64]bool{}, map[uint64]bool{}
	}
	w.Pages++
	known := len(w.items)
	for _, id := range ids {
		w.items[maphash.String(w.seed, id)] = true
	}
	if w.idle++; len(w.items) > known {
		w.idle = 0
	}
	if next == "" {
		return nil
	}
	place := maphash.String(w.seed, next)
	if w.places[place] || len(next) > MostCursor || w.idle > mostIdle || w.Pages >= MostPages || len(w.items) > mostItems {
		return &Failure{Class: Nonsense, Code: "endless_pages"}
	}
	w.places[place] = true
	return nil
}
