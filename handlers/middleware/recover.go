package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"dashtam/handlers/web"
	"dashtam/services/errs"
)

// Recover turns a panic into the page for a fault of ours, with the request's number, and keeps the process alive
// (RT-3). When part of an answer is out already it cuts the connection, so that nobody takes it for whole.
func Recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &recorder{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			web.InfoFrom(r.Context()).Log.ErrorContext(r.Context(), "panic", "value", fmt.Sprint(p), "stack", string(debug.Stack()))
			if seen.status != 0 {
				panic(http.ErrAbortHandler)
			}
			web.Problem(w, r, errs.New(errs.Internal, ""))
		}()
		next.ServeHTTP(seen, r)
	})
}

// recorder remembers what was sent.
type recorder struct {
	http.ResponseWriter
	status int // 0 = nothing yet
	bytes  int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
