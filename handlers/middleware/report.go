package middleware

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"dashtam/handlers/web"
)

// maxReport is how many bytes of a report are read.
const maxReport = 8 << 10

// Reports takes what browsers report about the Content-Security-Policy and writes it to the log, at most one a second:
// anybody may post here, so it must not fill a disk. Only known fields are kept, each bounded.
func Reports() http.Handler {
	var last atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := web.InfoFrom(r.Context())
		info.Route = ReportPath
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxReport))
		now := time.Now().Unix()
		if before := last.Load(); err == nil && now != before && last.CompareAndSwap(before, now) {
			directive, blocked := summary(body)
			info.Log.WarnContext(r.Context(), "csp violation", "directive", directive, "blocked", blocked)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// summary picks two fields out of a report in either of the two formats in use.
func summary(body []byte) (directive, blocked string) {
	var old struct {
		Report struct {
			Directive string `json:"violated-directive"`
			Blocked   string `json:"blocked-uri"`
		} `json:"csp-report"`
	}
	if json.Unmarshal(body, &old) == nil && old.Report.Directive != "" {
		return short(old.Report.Directive), short(old.Report.Blocked)
	}
	var batch []struct {
		Body struct {
			Directive string `json:"effectiveDirective"`
			Blocked   string `json:"blockedURL"`
		} `json:"body"`
	}
	if json.Unmarshal(body, &batch) == nil && len(batch) > 0 {
		return short(batch[0].Body.Directive), short(batch[0].Body.Blocked)
	}
	return "unreadable", ""
}

// short bounds s; of an address it keeps the origin, for the rest may hold a token.
func short(s string) string {
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		s = u.Scheme + "://" + u.Host
	}
	return s[:min(len(s), 100)]
}
