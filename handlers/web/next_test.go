package web_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"dashtam/handlers/handlertest"
	"dashtam/handlers/web"
)

// Break LG-7: handlers/web/next.go: drop strings.HasPrefix(s, "//") from plainPath.
func TestNext_LG7_Corpus(t *testing.T) {
	if n := len(handlertest.SafeNext) + len(handlertest.EvilNext); n < 60 {
		t.Errorf("the corpus holds %d addresses, LG-7 asks for 60", n)
	}
	for _, raw := range handlertest.SafeNext {
		if got := web.Next(raw); got == "" {
			t.Errorf("%q is a place on this site, and was refused", raw)
		}
	}
	for _, raw := range handlertest.EvilNext {
		if got := web.Next(raw); got != "" {
			t.Errorf("%q came back as %q", raw, got)
		}
	}
}

func FuzzNext(f *testing.F) {
	for _, raw := range slices.Concat(handlertest.SafeNext, handlertest.EvilNext) {
		f.Add(raw)
	}
	base, _ := url.Parse("https://dashtam.example/login")
	f.Fuzz(func(t *testing.T, raw string) {
		got := web.Next(raw)
		if got == "" {
			return
		}
		to, err := base.Parse(got)
		if err != nil || to.Scheme != "https" || to.Host != "dashtam.example" || to.User != nil {
			t.Fatalf("%q leads to %v (%v)", raw, to, err)
		}
		if strings.ContainsAny(got, "\\\r\n\t\x00") || strings.HasPrefix(got, "//") {
			t.Fatalf("%q came back as %q", raw, got)
		}
		if again := web.Next(got); again != got {
			t.Fatalf("%q is not stable: %q then %q", raw, got, again)
		}
	})
}
