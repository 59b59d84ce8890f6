package middleware

import (
	"context"
	"net/http"
	"time"

	"dashtam/handlers/web"
)

// Limit bounds what one request may take: a body of web.MaxBody bytes (RL-5) and the time d, after which whatever it
// waits for gives up (RL-6). A body that says it is longer is refused before anything is read.
func Limit(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > web.MaxBody {
				w.Header().Set("Connection", "close")
				web.Problem(w, r, &http.MaxBytesError{Limit: web.MaxBody})
				return
			}
			ctx, cancel := context.WithTimeout(r.Context(), d)
			defer cancel()
			r = r.WithContext(ctx)
			if r.Body != nil {
				r.Body = http.MaxBytesReader(w, r.Body, web.MaxBody)
			}
			next.ServeHTTP(w, r)
		})
	}
}
