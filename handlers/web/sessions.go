package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/alexedwards/scs/v2"

	"dashtam/services/auth"
)

// Sessions is the browser's session: a cookie (SE-1) of whose token only the hash is stored (SE-2).
type Sessions struct{ scs *scs.SessionManager }

// NewSessions makes Sessions over store. The cookie's name and flags follow from base; the store makes lifetime count
// from the first sign-in (SE-4). Idle time is the store's business too: scs would write on every request.
func NewSessions(store scs.Store, base *url.URL, lifetime time.Duration) *Sessions {
	m := scs.New()
	m.Store = store
	m.Lifetime = lifetime
	m.HashTokenInStore = true
	m.Cookie = scs.SessionCookie{Name: "session", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Persist: true}
	if base.Scheme == "https" {
		m.Cookie.Name, m.Cookie.Secure = "__Host-session", true
	}
	return &Sessions{m}
}

// Load wraps next: the session is loaded before it, with its visitor, and saved with the first byte of the answer. It
// stands around the router, not inside, because a router renders a failed handler's page after the handler and would
// save twice. It is not scs's own LoadAndSave, which lets the answer go on after a save that failed.
func (s *Sessions) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		var token string
		if cookie, err := r.Cookie(s.scs.Cookie.Name); err == nil {
			token = cookie.Value
		}
		ctx, err := s.scs.Load(auth.WithVisitor(r.Context(), &auth.Visitor{}), token)
		if err != nil {
			Problem(w, r, err)
			return
		}
		r = r.WithContext(context.WithValue(ctx, sessionsKey{}, s))
		saving := &savingWriter{ResponseWriter: w, request: r, sessions: s}
		next.ServeHTTP(saving, r)
		saving.save()
	})
}

// Renew gives the session a new token, so that one known to somebody before the sign-in is worth nothing after it
// (LG-4, LG-5). What the session holds, and the id of its record, stay.
func (s *Sessions) Renew(ctx context.Context) error { return s.scs.RenewToken(ctx) }

// Destroy ends the session on the server and removes the cookie.
func (s *Sessions) Destroy(ctx context.Context) error { return s.scs.Destroy(ctx) }

// savingWriter saves the session before the first byte. When that fails the handler's answer would promise what is not
// stored, so the person gets the error's page in its place.
type savingWriter struct {
	http.ResponseWriter
	request  *http.Request
	sessions *Sessions
	saved    bool
	failed   bool
}

func (w *savingWriter) save() {
	if w.saved {
		return
	}
	w.saved = true
	ctx, m := w.request.Context(), w.sessions.scs
	switch m.Status(ctx) {
	case scs.Modified:
		token, expiry, err := m.Commit(ctx)
		if err != nil {
			w.failed = true
			w.Header().Del("Location")
			Problem(w.ResponseWriter, w.request, err)
			return
		}
		m.WriteSessionCookie(ctx, w.ResponseWriter, token, expiry)
	case scs.Destroyed:
		m.WriteSessionCookie(ctx, w.ResponseWriter, "", time.Time{})
	}
}

func (w *savingWriter) WriteHeader(status int) {
	if w.save(); !w.failed {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *savingWriter) Write(b []byte) (int, error) {
	if w.save(); w.failed {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *savingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
