package cache

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Memory is a Store in this process. It holds so many values; one more drops the one that was used longest ago.
type Memory struct {
	most int
	now  func() time.Time

	mu    sync.Mutex
	items map[string]*list.Element
	used  *list.List // of *item, the last used first
}

type item struct {
	key   string
	value []byte
	ends  time.Time
}

// NewMemory makes a Memory of at most most values.
func NewMemory(most int, now func() time.Time) *Memory {
	return &Memory{most: most, now: now, items: map[string]*list.Element{}, used: list.New()}
}

// Get reads a value. It must not be changed.
func (m *Memory) Get(_ context.Context, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.items[key]
	if !ok {
		return nil, false, nil
	}
	it := e.Value.(*item)
	if !m.now().Before(it.ends) {
		m.drop(e)
		return nil, false, nil
	}
	m.used.MoveToFront(e)
	return it.value, true, nil
}

// Set keeps value for ttl.
func (m *Memory) Set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.items[key]; ok {
		m.drop(e)
	}
	m.items[key] = m.used.PushFront(&item{key, value, m.now().Add(ttl)})
	if m.used.Len() > m.most {
		m.drop(m.used.Back())
	}
	return nil
}

// Delete drops a value.
func (m *Memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.items[key]; ok {
		m.drop(e)
	}
	return nil
}

func (m *Memory) drop(e *list.Element) {
	delete(m.items, m.used.Remove(e).(*item).key)
}
