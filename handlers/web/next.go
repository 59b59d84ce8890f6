package web

import (
	"net/url"
	"strings"
)

// maxNext bounds an address that is carried through the sign-in.
const maxNext = 2048

// Next is raw when it is a place on this site that a browser will read as nothing else (LG-7), and empty otherwise: an
// absolute path whose first segment is not empty, free of backslashes, control characters and dot segments, also once
// its percent signs are decoded.
func Next(raw string) string {
	if len(raw) > maxNext || !plainPath(raw) {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Opaque != "" || !plainPath(u.Path) {
		return ""
	}
	if decoded, err := url.PathUnescape(u.Path); err != nil || !plainPath(decoded) {
		return "" // encoded twice: somebody meant it to be decoded once more behind us
	}
	if query, err := url.QueryUnescape(u.RawQuery); err != nil || hasControl(query) {
		return ""
	}
	return u.String()
}

// plainPath reports whether s begins with one slash and holds nothing that a browser would rewrite.
func plainPath(s string) bool {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.Contains(s, `\`) || hasControl(s) {
		return false
	}
	path, _, _ := strings.Cut(s, "?")
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}
