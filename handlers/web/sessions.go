package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/alexedwards/scs/v2"

	"dashtam/services/auth"
)

// Sessions is the browser's session: a cookie (SE-1) of whose token only the hash is stored (SE-2).
type Sessions struct {
	scs   *scs.SessionManager
	store *auth.Sessions
}

// NewSessions makes Sessions over store. The cookie's name and flags follow from base. How long a session lives is the
// store's business, idle time too: scs would write on every request (SE-4).
func NewSessions(store *auth.Sessions, base *url.URL) *Sessions {
	m := scs.New()
	m.Store = store
	m.Lifetime = stranger
	m.HashTokenInStore = true
	m.Cookie = scs.SessionCookie{Name: "session", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Persist: true}
	if base.Scheme == "https" {
		m.Cookie.Name, m.Cookie.Secure = "__Host-session", true
	}
	return &Sessions{m, store}
}

// Store is where the sessions are kept.
func (s *Sessions) Store() *auth.Sessions { return s.store }

// stranger is how long a session lives before anybody has signed in; it holds a flash at most.
const stranger = 24 * time.Hour

// Load wraps next: the session is loaded before it, with its visitor, and saved with the first byte of the answer. It
// stands around the router, not inside, because a router renders a failed handler's page after the handler and would
// save twice. It is not scs's own LoadAndSave, which lets the answer go on after a save that failed.
func (s *Sessions) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		info := InfoFrom(r.Context())
		visitor := &auth.Visitor{IP: info.IP, UserAgent: agent(r.UserAgent())}
		ctx, err := s.scs.Load(auth.WithVisitor(r.Context(), visitor), cookie(r, s.scs.Cookie.Name))
		if err != nil {
			Problem(w, r, err)
			return
		}
		r = r.WithContext(context.WithValue(ctx, sessionsKey{}, s))
		saving := &savingWriter{ResponseWriter: w, request: r, sessions: s, token: s.scs.Token(ctx)}
		next.ServeHTTP(saving, r)
		saving.save(http.StatusOK)
		if err := s.store.Touch(ctx); err != nil {
			info.Log.WarnContext(ctx, "the visit was not noted", "error", err)
		}
	})
}

// SignIn makes the session that of u and saves it with ctx, which may carry a transaction. It gets a new token, so that
// one known to somebody before is worth nothing after (LG-4, LG-5); what a stranger or somebody else left in it goes.
func (s *Sessions) SignIn(ctx context.Context, u auth.User) error {
	ends, again := s.store.SignIn(auth.VisitorFrom(ctx), u)
	if !again {
		if err := s.scs.Clear(ctx); err != nil {
			return err
		}
	}
	if err := s.scs.RenewToken(ctx); err != nil {
		return err
	}
	s.scs.SetDeadline(ctx, ends)
	_, _, err := s.scs.Commit(ctx)
	return err
}

// Destroy ends the session on the server and removes the cookie.
func (s *Sessions) Destroy(ctx context.Context) error { return s.scs.Destroy(ctx) }

// savingWriter saves the session before the first byte. When that fails the handler's answer would promise what is not
// stored, so the person gets the error's page in its place. An answer that says we failed saves nothing.
type savingWriter struct {
	http.ResponseWriter
	request  *http.Request
	sessions *Sessions
	token    string // what the browser has; empty for a session yet to be made
	saved    bool
	failed   bool
}

func (w *savingWriter) save(status int) {
	if w.saved {
		return
	}
	w.saved = true
	ctx, m := w.request.Context(), w.sessions.scs
	switch state := m.Status(ctx); {
	case status >= http.StatusInternalServerError:
	case state == scs.Modified:
		token, expiry, err := m.Commit(ctx)
		switch {
		case errors.Is(err, auth.ErrSessionGone):
			// Another request ended or renewed it meanwhile: that one's cookie stays, the dead one must not come back (SE-8).
		case err != nil:
			w.failed = true
			w.Header().Del("Location")
			w.Header().Del("Content-Length")
			w.Header().Del("Content-Encoding")
			Problem(w.ResponseWriter, w.request, err)
		case token != w.token:
			m.WriteSessionCookie(ctx, w.ResponseWriter, token, expiry)
		}
	case state == scs.Destroyed:
		m.WriteSessionCookie(ctx, w.ResponseWriter, "", time.Time{})
	}
}

func (w *savingWriter) WriteHeader(status int) {
	if w.save(status); !w.failed {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *savingWriter) Write(b []byte) (int, error) {
	if w.save(http.StatusOK); w.failed {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *savingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
