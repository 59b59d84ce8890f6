package handlertest

import "strings"

// SafeNext are addresses that must come back from web.Next as they were; EvilNext must come back empty. Together they
// are LG-7's corpus.
var (
	SafeNext = []string{
		"/", "/overview", "/transactions?q=a%20b&from=2026-01-01", "/accounts/0198f3a2-7c1e-7000-8000-000000000001",
		"/connections/sandbox/about", "/transactions?q=https%3A%2F%2Fevil.example", "/transactions?q=a//b", "/a%20b", "/a:b", "/a@b", "/ü", "/a%2Fb", "/\u2028x",
	}
	EvilNext = []string{
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
