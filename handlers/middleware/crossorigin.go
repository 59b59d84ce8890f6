package middleware

import (
	"net/http"
	"net/url"

	"dashtam/handlers/web"
	"dashtam/services/errs"
)

var errCrossOrigin = errs.New(errs.Forbidden, "The request came from another site. Nothing was done.")

// CrossOrigin refuses whatever could change something and comes from another site (CS-1). With SameSite=Lax this is the
// whole defence; there are no form tokens. It goes by Sec-Fetch-Site, else by Origin, which may also be base: behind a
// proxy the Host header need not be ours. A request with neither is no browser's and passes.
//
// Origin: null is what a page without referrer sends, ours and anybody's sandboxed frame alike, so it passes only with
// the browser's word that the page is of this site.
func CrossOrigin(base *url.URL) func(http.Handler) http.Handler {
	check := http.NewCrossOriginProtection()
	own := base.Scheme + "://" + base.Host
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
			err := check.Check(r)
			if site == "" && origin == own {
				err = nil
			}
			if err == nil && origin == "null" && site != "same-origin" && unsafe(r.Method) {
				err = errCrossOrigin
			}
			if err != nil {
				web.Problem(w, r, errCrossOrigin.Because(err))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func unsafe(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}
