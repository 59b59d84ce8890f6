package web_test

import (
	"net/url"
	"strings"
	"testing"

	"dashtam/handlers/web"
)

// safe are addresses that must come back as they were; evil must come back empty. Together they are LG-7's corpus.
var (
	safe = []string{
		"/", "/overview", "/transactions?q=a%20b&from=2026-01-01", "/accounts/0198f3a2-7c1e-7000-8000-000000000001",
		"/connections/sandbox/about", "/transactions?q=https%3A%2F%2Fevil.example", "/transactions?q=a//b", "/a%20b", "/a:b", "/a@b", "/ü", "/a%2Fb", "/\u2028x",
	}
	evil = []string{
		"", " ", "overview", "./overview", "../overview", "?q=1", "#top",
		"//evil.example", "///evil.example", "////evil.example", "//evil.example/%2f..", "//user@evil.example", "//evil.example:443/",
		`/\evil.example`, `\/evil.example`, `\\evil.example`, `/\/evil.example`, `/\\evil.example`, `\evil.example`, `/a\b`,
		"https:", "https:evil.example", "https:/evil.example", "https://evil.example", "http://evil.example", "HTTPS://evil.example",
		"https:///evil.example", "http:\\\\evil.example", "ftp://evil.example", "file:///etc/passwd",
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>", "vbscript:x", "mailto:a@b",
		"user@evil.example", "https://localhost:8080@evil.example", "evil.example/overview", "localhost:8080/overview", "http://localhost:8080/overview",
		"/%0d%0aSet-Cookie:%20a=b", "/%0aLocation:%20//evil", "/\r\nLocation: //evil", "/overview\n", "/\t/evil.example", "/%09/evil.example", "/a\x00b", "/%00",
		"/%2f%2fevil.example/..", "/%2fevil.example", "/%5cevil.example", "/%5C/evil.example", "/%252f/evil.example/%255c", "/..//evil.example", "/./evil", "/a/../../b", "/%2e%2e//evil.example",
		"/a?x=%0d%0a", "/\xff\xfe", "/%ff", "/%zz", "/\u0085x", "/" + strings.Repeat("a", 3000),
	}
)

// Break LG-7: handlers/web/next.go: drop strings.HasPrefix(s, "//") from plainPath.
func TestNext_LG7_Corpus(t *testing.T) {
	if n := len(safe) + len(evil); n < 60 {
		t.Errorf("the corpus holds %d addresses, LG-7 asks for 60", n)
	}
	for _, raw := range safe {
		if got := web.Next(raw); got == "" {
			t.Errorf("%q is a place on this site, and was refused", raw)
		}
	}
	for _, raw := range evil {
		if got := web.Next(raw); got != "" {
			t.Errorf("%q came back as %q", raw, got)
		}
	}
}

func FuzzNext(f *testing.F) {
	for _, raw := range append(safe, evil...) {
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
