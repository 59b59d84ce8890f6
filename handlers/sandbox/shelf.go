package sandbox

import (
	"container/list"
	"sync"
	"time"

	"dashtam/services/sandbox/books"
)

// shelfSize bounds the books kept at hand. A customer's take about 0.7 MB and 3 ms to draw up.
const shelfSize = 24

// shelf keeps the books of the customers asked for last, for the day they were drawn up to.
type shelf struct {
	now func() time.Time

	mu     sync.Mutex
	byName map[string]*list.Element
	order  *list.List // of volume, the one used last in front
}

type volume struct {
	name  string
	day   time.Time
	books *books.Books
}

func newShelf(now func() time.Time) *shelf {
	return &shelf{now: now, byName: map[string]*list.Element{}, order: list.New()}
}

// of gives a customer's books and the instant to read them at: now.
func (s *shelf) of(username string) (*books.Books, time.Time) {
	now := s.now().UTC()
	name, day := books.Normal(username), now.Truncate(24*time.Hour)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.byName[name]; ok {
		v := e.Value.(*volume)
		if !v.day.Equal(day) {
			v.day, v.books = day, books.New(name, now)
		}
		s.order.MoveToFront(e)
		return v.books, now
	}
	v := &volume{name: name, day: day, books: books.New(name, now)}
	s.byName[name] = s.order.PushFront(v)
	if s.order.Len() > shelfSize {
		last := s.order.Back()
		delete(s.byName, s.order.Remove(last).(*volume).name)
	}
	return v.books, now
}
