package middleware

import (
	"log/slog"
	"net/http"
	"time"

	"dashtam/handlers/web"
)

// Observe is told about an answered request: its route is a pattern, empty where none matched.
type Observe func(method, route string, status int, took time.Duration)

// Log writes one line per request when it is over: the route's pattern rather than the path or the query, which may
// hold a token or what somebody searched for (SE-9). It tells observe the same.
func Log(observe Observe) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			seen := &recorder{ResponseWriter: w}
			defer func() {
				info, took := web.InfoFrom(r.Context()), time.Since(start)
				info.Log.LogAttrs(r.Context(), slog.LevelInfo, "request",
					slog.String("method", method(r.Method)), slog.String("route", info.Route), slog.Int("status", seen.status),
					slog.Int("bytes", seen.bytes), slog.Duration("took", took), slog.String("ip", info.IP.String()))
				if observe != nil {
					observe(method(r.Method), info.Route, seen.status, took)
				}
			}()
			next.ServeHTTP(seen, r)
		})
	}
}

// method bounds what a client can put into the log and into the names of metrics.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}
