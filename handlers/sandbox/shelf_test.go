package sandbox

import (
	"strconv"
	"sync"
	"testing"
	"time"
)

func TestShelfIsBoundedAndKeepsToTheDay(t *testing.T) {
	now := time.Date(2026, time.November, 24, 23, 0, 0, 0, time.UTC)
	s := newShelf(func() time.Time { return now })
	first, _ := s.of("Ada")
	if again, _ := s.of(" ada "); again != first {
		t.Error("drawn up twice")
	}
	for i := range shelfSize - 1 {
		s.of("person-" + strconv.Itoa(i))
	}
	if again, _ := s.of("ada"); again != first {
		t.Error("thrown out too early")
	}
	s.of("one more")
	if again, _ := s.of("ada"); again != first || len(s.byName) != shelfSize || s.order.Len() != shelfSize {
		t.Errorf("%d names, %d volumes", len(s.byName), s.order.Len())
	}
	if s.byName["person-0"] != nil {
		t.Error("the one used longest ago is still there")
	}
	now = now.Add(2 * time.Hour)
	if again, at := s.of("ada"); again == first || !at.Equal(now) {
		t.Error("the books end yesterday")
	}
}

// One customer's books are read by many requests at once.
func TestBooksAreReadInParallel(*testing.T) {
	s := newShelf(func() time.Time { return time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC) })
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			b, at := s.of("ada")
			for _, a := range b.Accounts(at) {
				b.Transactions(a.ID, at)
			}
		})
	}
	wg.Wait()
}
