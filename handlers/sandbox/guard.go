package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"
)

// maxBody is how many bytes of a body are read.
const maxBody = 64 << 10

const cookieName = "sandbox_bank"

// guard is around everything: headers, a nonce for this answer, and a bound on the body.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nonce := newToken(16)
		h := w.Header()
		h.Set("Content-Security-Policy", policy(nonce, ""))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // addresses hold the id of a request
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r.WithContext(templ.WithNonce(r.Context(), nonce)))
	})
}

// policy allows the bank's pages one style sheet, its font and its icon, and no script at all. A browser follows
// form-action through redirects, so the consent page has to name where the app is that it leads back to.
func policy(nonce, app string) string {
	return strings.TrimSpace("default-src 'none'; style-src 'nonce-" + nonce + "'; font-src 'self'; img-src 'self'; base-uri 'none'; " +
		"frame-ancestors 'none'; form-action 'self' " + app)
}

// leadTo lets the forms of this answer end at the app that waits at uri.
func leadTo(ctx context.Context, w http.ResponseWriter, uri string) {
	if u, err := url.Parse(uri); err == nil {
		w.Header().Set("Content-Security-Policy", policy(templ.GetNonce(ctx), u.Scheme+"://"+u.Host))
	}
}

// session is the text that only this browser knows, made up and sent along when there is none yet.
func session(w http.ResponseWriter, r *http.Request) string {
	if s := sessionOf(r); s != "" {
		return s
	}
	s := newToken(32)
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: s, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil}) //nolint:gosec // the bank is served over http on the own machine
	return s
}

func sessionOf(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil || len(c.Value) != base64.RawURLEncoding.EncodedLen(32) {
		return ""
	}
	return c.Value
}

func newToken(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}
