package handlers_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
)

// panics is an API that fails in the worst way.
func panics(d *handlers.Deps) {
	d.API = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the canary secret of a panic") })
}

// everyAnswer asks for one answer of each kind there is: every route, and what no route makes.
func everyAnswer(t *testing.T, app *handlertest.App) map[string]*handlertest.Page {
	t.Helper()
	nora, stranger := app.SignedInAdmin("Nora Okafor"), app.Stranger()
	answers := map[string]*handlertest.Page{
		"404":         stranger.Get("/nothing"),
		"404 in":      nora.Get("/nothing"),
		"405":         stranger.Get("/logout"),
		"403":         stranger.Do(http.MethodPost, "/login", http.Header{"Sec-Fetch-Site": {"cross-site"}}),
		"413":         stranger.Post("/login", "email", strings.Repeat("a", 70<<10)),
		"422":         stranger.Post("/signup"),
		"500":         stranger.Get("/api/v1/me"),
		"livez":       stranger.Get("/livez"),
		"readyz":      stranger.Get("/readyz"),
		"static":      stranger.Get("/static/app.css"),
		"static 404":  stranger.Get("/static/nothing.css"),
		"robots":      stranger.Get("/robots.txt"),
		"report":      stranger.Post("/csp-report"),
		"bad address": stranger.Get("/login?next=%ff"),
	}
	for _, r := range handlers.Table(app.Deps) {
		name := r.Method + " " + r.Path
		if r.Method == http.MethodGet {
			answers[name+" in"], answers[name] = nora.Get(concrete(r.Path)), stranger.Get(concrete(r.Path))
			answers[name+" hx"] = nora.HX(r.Method, concrete(r.Path))
		} else {
			answers[name] = stranger.Post(concrete(r.Path))
		}
	}
	return answers
}

var nonces = regexp.MustCompile(`'nonce-([A-Za-z0-9_-]{22})'`)

// Break HD-1: handlers/middleware/identify.go: make the nonce of make([]byte, 16).
func TestHeaders_HD1_ContentSecurityPolicy(t *testing.T) {
	app := handlertest.New(t, panics)
	seen := map[string]string{}
	for name, p := range everyAnswer(t, app) {
		csp := p.Header.Values("Content-Security-Policy")
		if len(csp) != 1 {
			t.Errorf("%s: policies %q", name, csp)
			continue
		}
		directives := strings.Split(csp[0], "; ")
		for _, want := range []string{
			"default-src 'none'", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
			"style-src 'self'", "report-uri /csp-report", "report-to csp",
		} {
			if !slices.Contains(directives, want) {
				t.Errorf("%s: no %s in %s", name, want, csp[0])
			}
		}
		if strings.Contains(csp[0], "unsafe-") || strings.Contains(csp[0], "*") || strings.Contains(csp[0], "data:") {
			t.Errorf("%s: %s", name, csp[0])
		}
		nonce := nonces.FindStringSubmatch(csp[0])
		if nonce == nil || seen[nonce[1]] != "" {
			t.Errorf("%s: nonce missing, or that of %q: %s", name, seen[nonce[1]], csp[0])
			continue
		}
		seen[nonce[1]] = name
		if n := p.Find("script").Length(); n != p.Find(`script[src][nonce="`+nonce[1]+`"]`).Length() {
			t.Errorf("%s: a script without source or with another nonce", name)
		}
		if p.Find("[style], [onclick], [onload], [onsubmit], [hx-on], style").Length() != 0 {
			t.Errorf("%s: inline style or script", name)
		}
	}
}

// Break HD-2: handlers/handlers.go: put middleware.Headers before middleware.Limit.
func TestHeaders_HD2_OnEveryAnswer(t *testing.T) {
	app := handlertest.New(t, panics)
	for name, p := range everyAnswer(t, app) {
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security": "", "Server": "", "X-Powered-By": "", "Access-Control-Allow-Origin": "",
		} {
			if got := p.Header.Get(header); got != want {
				t.Errorf("%s: %s: %q", name, header, got)
			}
		}
		want := "strict-origin"
		if strings.Contains(name, ":token") {
			want = "no-referrer"
		}
		if got := p.Header.Get("Referrer-Policy"); got != want {
			t.Errorf("%s: Referrer-Policy %q", name, got)
		}
		if p.Header.Get("Permissions-Policy") == "" || p.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %v", name, p.Header)
		}
	}
}

// Break HD-2: handlers/middleware/headers.go: leave Strict-Transport-Security out
// Break SE-1: handlers/web/sessions.go: m.Cookie.Name = "session" over TLS, too
func TestHeaders_HD2_SE1_OverTLS(t *testing.T) {
	app := handlertest.New(t)
	app.Person("Nora Okafor")
	secure := app.Served("https://dashtam.example")
	p := secure.Stranger().Do(http.MethodPost, "/login", nil, "email", handlertest.Address("Nora Okafor"), "password", handlertest.Password).WantRedirect("/overview")
	if got := p.Header.Get("Strict-Transport-Security"); got != "max-age=63072000; includeSubDomains" {
		t.Errorf("HSTS %q", got)
	}
	for _, c := range p.Header.Values("Set-Cookie") {
		if !strings.Contains(c, "; Secure") || !strings.Contains(c, "; HttpOnly") || !strings.Contains(c, "; SameSite=Lax") || !strings.Contains(c, "; Path=/") || strings.Contains(c, "Domain") {
			t.Errorf("cookie %s", c)
		}
	}
	if !strings.HasPrefix(p.Header.Get("Set-Cookie"), "__Host-") && !strings.Contains(strings.Join(p.Header.Values("Set-Cookie"), "\n"), "__Host-session=") {
		t.Errorf("cookies %q", p.Header.Values("Set-Cookie"))
	}
}

// Break HD-3: handlers/web/redirect.go: let caching ask for false in place of visitor.User != nil.
func TestHeaders_HD3_Fragments(t *testing.T) {
	app := handlertest.New(t, panics)
	for name, p := range everyAnswer(t, app) {
		if !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") || strings.HasPrefix(name, "static") {
			continue
		}
		if !slices.Contains(p.Header.Values("Vary"), "HX-Request") {
			t.Errorf("%s: Vary %q", name, p.Header.Values("Vary"))
		}
		if signedIn := strings.HasSuffix(name, " in") || strings.HasSuffix(name, " hx"); signedIn && p.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", name, p.Header.Get("Cache-Control"))
		}
		if p.Header.Get("Cache-Control") == "" {
			t.Errorf("%s: no Cache-Control", name)
		}
		if strings.HasSuffix(name, " hx") && strings.Contains(p.Body, "<html") {
			t.Errorf("%s: a whole page for htmx", name)
		}
	}
}
