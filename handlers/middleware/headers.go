package middleware

import (
	"net/http"
	"net/url"

	"dashtam/handlers/web"
)

// ReportPath is where browsers report what the Content-Security-Policy refused.
const ReportPath = "/csp-report"

// Headers sets what every answer carries (HD-1, HD-2). Pages with a token in their address ask for a stricter
// Referrer-Policy; see handlers/routes.go. Nothing may be framed, and a form may only post to us: that is why the way to
// a bank is a link, never a redirect after a form.
func Headers(base *url.URL) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+web.InfoFrom(r.Context()).Nonce+"'; "+
				"style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; object-src 'none'; "+
				"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; report-uri "+ReportPath+"; report-to csp")
			h.Set("Reporting-Endpoints", `csp="`+base.JoinPath(ReportPath).String()+`"`)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "strict-origin")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
			if base.Scheme == "https" {
				h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
			}
			next.ServeHTTP(w, r)
		})
	}
}
