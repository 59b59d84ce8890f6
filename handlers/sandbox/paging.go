package sandbox

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"
)

const (
	defaultLimit = 200
	maxLimit     = 1000
)

// fdxPage is FDX v6's page of a list. Both keys say the same; they are absent on the last page.
type fdxPage struct {
	NextOffset    string `json:"nextOffset,omitempty"`
	NextPageKey   string `json:"nextPageKey,omitempty"`
	TotalElements int    `json:"totalElements"`
}

// page is the part of a list that was asked for. Its instant travels in the key: what happens while somebody turns the
// pages shifts nothing, so every element comes exactly once.
type page struct {
	at            time.Time
	offset, limit int
}

// pageOf reads limit and pageKey or offset. An offset may also be a plain number, and then the instant is now.
func pageOf(v visit) (page, error) {
	p := page{at: v.at, limit: defaultLimit}
	if s := v.FormValue("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return p, errPage
		}
		p.limit = min(n, maxLimit)
	}
	key := v.FormValue("pageKey")
	if key == "" {
		key = v.FormValue("offset")
	}
	if key == "" {
		return p, nil
	}
	if n, err := strconv.Atoi(key); err == nil && n >= 0 {
		p.offset = n
		return p, nil
	}
	return p.resume(key)
}

func (p page) key(offset int) string {
	return "k" + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d", p.at.Unix(), offset))
}

// resume reads a key. It is not signed: whoever changes it asks for another page of what they may read anyway.
func (p page) resume(key string) (page, error) {
	text, err := base64.RawURLEncoding.DecodeString(key[1:])
	if err != nil {
		return p, errPage
	}
	var at int64
	if _, err := fmt.Sscanf(string(text), "%d %d", &at, &p.offset); err != nil || p.offset < 0 || at > p.at.Unix() || at < 0 {
		return p, errPage
	}
	p.at = time.Unix(at, 0).UTC()
	return p, nil
}

// cut takes a page out of a list.
func cut[T any](p page, all []T) ([]T, fdxPage) {
	from := min(p.offset, len(all))
	to := min(from+p.limit, len(all))
	about := fdxPage{TotalElements: len(all)}
	if to < len(all) {
		about.NextPageKey = p.key(to)
		about.NextOffset = about.NextPageKey
	}
	return all[from:to], about
}
