package banktest

import (
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dashtam/services/money"
	"dashtam/services/providers"
)

// endless sends a JSON text for as long as somebody listens.
func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write([]byte(`{"canary":"`))
	for part := []byte(strings.Repeat("x", 64<<10)); err == nil && r.Context().Err() == nil; {
		_, err = w.Write(part)
	}
}

// bomb sends a gigabyte of spaces as a megabyte.
func bomb(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	var err error
	for part, i := []byte(strings.Repeat(" ", 1<<20)), 0; i < 1024 && err == nil && r.Context().Err() == nil; i++ {
		_, err = z.Write(part)
	}
	_ = z.Close()
}

func headerBomb(w http.ResponseWriter, _ *http.Request) {
	for i := range 2000 {
		w.Header().Set(fmt.Sprintf("X-Canary-%d", i), strings.Repeat("x", 100))
	}
	Raw(w, `{}`)
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// drip sends a byte now and then.
func drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for r.Context().Err() == nil {
		_, _ = w.Write([]byte(" "))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// answers are what an API says in place of data. A token that is refused, and nothing else, is Unauthorized.
func (d Dialect) answers(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	whole := d.Page([]string{d.Move("1", "1.00", "2026-11-20"), d.Move("2", "2.00", "2026-11-21")}, "")
	for name, c := range map[string]struct {
		script http.HandlerFunc
		want   verdict
	}{
		"401":           {says(401, `{}`), verdict{class: providers.Unauthorized}},
		"403":           {says(403, `{}`), verdict{class: providers.Permanent}},
		"429":           {says(429, `{}`, "Retry-After", "7"), limited(7 * time.Second)},
		"429 huge":      {says(429, `{}`, "Retry-After", "1000000000"), limited(24 * time.Hour)},
		"500":           {says(500, `{}`), transient},
		"502 page":      {html(502), transient},
		"200 page":      {html(200), transient},
		"404":           {says(404, `{}`), nonsense},
		"302":           {says(302, ``, "Location", elsewhere.URL), nonsense},
		"307":           {says(307, ``, "Location", elsewhere.URL), nonsense},
		"no JSON":       {says(200, `{"canary`), nonsense},
		"empty":         {says(200, ``), nonsense},
		"NaN":           {says(200, strings.Replace(whole, "1.00", "NaN", 1)), nonsense},
		"broken off":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, transient},
		"endless":       {endless, transient},
		"a gzip bomb":   {bomb, transient},
		"a header bomb": {headerBomb, transient},
	} {
		t.Run(name, func(t *testing.T) {
			b, p, token := d.permitted(t)
			b.Do(func(b *Bank) { b.API = c.script })
			bounded(t, func() {
				_, err := read(t, p, token)
				c.want.judge(t, err)
				list, err := p.Data.Accounts(t.Context(), token)
				c.want.judge(t, err)
				if len(list) != 0 || strings.Contains(fmt.Sprintf("%+v", err), "canary") {
					t.Errorf("%d accounts, %v", len(list), err)
				}
			})
		})
	}
	t.Run("cut at every byte", func(t *testing.T) {
		b, p, token := d.permitted(t)
		for n := range len(whole) {
			b.Do(func(b *Bank) { b.API = cut(whole, n) })
			_, err := read(t, p, token)
			transient.judge(t, err)
		}
	})
	t.Run("hanging", func(t *testing.T) {
		b, p, token := d.permitted(t)
		for name, script := range map[string]http.HandlerFunc{"silent": hang, "dripping": drip} {
			b.Do(func(b *Bank) { b.API = script })
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			_, err := p.Data.Accounts(ctx, token)
			cancel()
			if f := providers.FailureOf(err); f == nil || f.Class != providers.Transient {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// pages are listings that go on. What ends arrives whole and once; what does not end is refused.
func (d Dialect) pages(t *testing.T) {
	move := func(n int) string { return d.Move(fmt.Sprint("m", n), "1.00", "2026-11-20") }
	for name, c := range map[string]struct {
		page func(n int) string
		want int // transactions; -1: refused
		asks int // at most
	}{
		"three pages": {func(n int) string { return d.Page([]string{move(n)}, []string{"", "a&b=c", "/../?", ""}[n]) }, 3, 3},
		"an empty one between": {func(n int) string {
			return d.Page(map[int][]string{1: {move(1)}, 2: nil, 3: {move(3)}}[n], []string{"", "k1", "k2", ""}[n])
		}, 2, 3},
		"none at all":                {func(int) string { return d.Page(nil, "") }, 0, 1},
		"the same key":               {func(int) string { return d.Page([]string{move(1)}, "k") }, -1, 2},
		"new keys, the same page":    {func(n int) string { return d.Page([]string{move(1)}, fmt.Sprint("k", n)) }, -1, 10},
		"new keys, empty pages":      {func(n int) string { return d.Page(nil, fmt.Sprint("k", n)) }, -1, 10},
		"new keys, new transactions": {func(n int) string { return d.Page([]string{move(n)}, fmt.Sprint("k", n)) }, -1, 1000},
		"a key of a megabyte":        {func(int) string { return d.Page([]string{move(1)}, strings.Repeat("k", 1<<20)) }, -1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b, p, token := d.permitted(t)
			asked := 0
			b.Do(func(b *Bank) {
				b.API = func(w http.ResponseWriter, _ *http.Request) {
					asked++
					Raw(w, c.page(asked))
				}
			})
			got, err := read(t, p, token)
			f := providers.FailureOf(err)
			if refused := f != nil && f.Class == providers.Nonsense; refused != (c.want < 0) || err == nil && len(got) != c.want || asked > c.asks {
				t.Errorf("%d transactions in %d requests, %v; want %d in at most %d", len(got), asked, err, c.want, c.asks)
			}
		})
	}
	for name, c := range map[string]struct {
		status int
		want   verdict
	}{"a token that ends in the middle": {401, verdict{class: providers.Unauthorized}}, "too many in the middle": {429, limited(time.Minute)}} {
		t.Run(name, func(t *testing.T) {
			b, p, token := d.permitted(t)
			asked := 0
			b.Do(func(b *Bank) {
				b.API = func(w http.ResponseWriter, r *http.Request) {
					if asked++; asked == 2 {
						says(c.status, `{}`, "Retry-After", "60")(w, r)
						return
					}
					Raw(w, d.Page([]string{move(asked)}, "k"))
				}
			})
			_, err := read(t, p, token)
			c.want.judge(t, err)
		})
	}
}

// amounts arrive exactly or not at all.
func (d Dialect) amounts(t *testing.T) {
	for _, said := range []string{"12.34", "0.10", "1234567890.12", "0.01"} {
		b, p, token := d.permitted(t)
		b.Do(func(b *Bank) {
			b.API = func(w http.ResponseWriter, _ *http.Request) {
				Raw(w, d.Page([]string{d.Move("1", said, "2026-11-20")}, ""))
			}
		})
		got, err := read(t, p, token)
		if err != nil || len(got) != 1 || strings.TrimPrefix(got[0].Amount.String(), "-") != said || !got[0].BookedOn.Equal(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: %+v, %v", said, got, err)
		}
	}
	for _, wrong := range []string{"1.001", `"NaN"`, `"Infinity"`, "1e999999999", "1e-999999999", strings.Repeat("9", 60), "{}"} {
		b, p, token := d.permitted(t)
		b.Do(func(b *Bank) {
			b.API = func(w http.ResponseWriter, _ *http.Request) {
				Raw(w, d.Page([]string{d.Move("1", wrong, "2026-11-20")}, ""))
			}
		})
		_, err := read(t, p, token)
		nonsense.judge(t, err)
	}
	for currency, said := range map[string]string{"USD": "12.30", "JPY": "1500", "KWD": "1.234"} {
		b, p, token := d.permitted(t)
		b.Do(func(b *Bank) {
			b.API = func(w http.ResponseWriter, _ *http.Request) { Raw(w, d.List([]string{d.Account("a", currency, said)})) }
		})
		list, err := p.Data.Accounts(t.Context(), token)
		if want, wrong := money.Parse(said, currency); err != nil || wrong != nil || len(list) != 1 || list[0].Balance != want {
			t.Errorf("%s %s: %+v, %v", said, currency, list, err)
		}
	}
}
