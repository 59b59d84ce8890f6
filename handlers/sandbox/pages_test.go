package sandbox_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

var nonceOf = regexp.MustCompile(`style-src 'nonce-([\w-]{20,})'`)

// Break HD-1: handlers/sandbox/guard.go: make the nonce outside of the returned function.
func TestHeaders_HD1_OwnPolicyAndNonce(t *testing.T) {
	b := open(t)
	login := b.get(b.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	consent := b.submit(login, url.Values{"username": {"ada"}})
	seen := map[string]bool{}
	for _, page := range []answered{b.get("/"), b.get("/"), login, consent, b.get("/nothing-here"), b.get("/login?id=1")} {
		policy := page.Header.Get("Content-Security-Policy")
		m := nonceOf.FindStringSubmatch(policy)
		if m == nil || seen[m[1]] {
			t.Fatalf("%s: nonce missing or used before: %s", page.Request.URL, policy)
		}
		seen[m[1]] = true
		if got, _ := page.find(t, "link[rel=stylesheet]").Attr("nonce"); got != m[1] {
			t.Errorf("%s: the page's nonce is %q", page.Request.URL, got)
		}
		for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: no %s in %s", page.Request.URL, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || page.find(t, "script, [style], style").Length() > 0 || strings.Contains(page.body, " on") && page.find(t, "[onclick], [onload]").Length() > 0 {
			t.Errorf("%s: something is inline", page.Request.URL)
		}
		if page.Header.Get("X-Content-Type-Options") != "nosniff" || page.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", page.Request.URL, page.Header)
		}
	}
	if got := consent.Header.Get("Content-Security-Policy"); !strings.HasSuffix(got, "form-action 'self' http://localhost:54321") {
		t.Errorf("a browser would not let the consent form lead back: %s", got)
	}
	if sheet := b.get(attr(t, login, "link[rel=stylesheet]", "href")); sheet.StatusCode != http.StatusOK {
		t.Errorf("the style sheet answers %d", sheet.StatusCode)
	}
}

func attr(t *testing.T, page answered, selector, name string) string {
	t.Helper()
	value, ok := page.find(t, selector).Attr(name)
	if !ok {
		t.Fatalf("no %s on %s", selector, page.Request.URL)
	}
	return value
}

func TestLoginNeedsAName(t *testing.T) {
	b := open(t)
	login := b.get(b.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	for _, name := range []string{"", "  ", strings.Repeat("x", 101), "nul\x00byte", "\xff"} {
		res := b.submit(login, url.Values{"username": {name}})
		if res.StatusCode != http.StatusUnprocessableEntity || res.find(t, "#username-error").Text() == "" {
			t.Errorf("%q: %d", name, res.StatusCode)
		}
	}
}

func TestConsentSaysWhatIsShared(t *testing.T) {
	b := open(t)
	login := b.get(b.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	page := b.submit(login, url.Values{"username": {"naughty"}})
	if n := page.find(t, "#which ~ ul li").Length(); n < 8 {
		t.Errorf("%d accounts", n)
	}
	if n := page.find(t, "#what ~ ul li").Length(); n != 3 {
		t.Errorf("%d permissions", n)
	}
	if text := page.find(t, "dl").Text(); !strings.Contains(text, "23 May 2027, after 180 days") {
		t.Errorf("no end: %s", text)
	}
	if !strings.Contains(page.find(t, "h1").Text(), "Dashtam") || page.find(t, "script, svg[onload], img").Length() > 0 {
		t.Errorf("%s", page.body)
	}
	if res := b.submit(page, url.Values{"decision": {"perhaps"}}); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("no decision: %d", res.StatusCode)
	}
}

// A consent belongs to the browser that signed in, and is given once.
func TestConsentBelongsToOneBrowser(t *testing.T) {
	b := open(t)
	login := b.get(b.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	consent := b.submit(login, url.Values{"username": {"ada"}})
	mine := b.browser.Jar
	b.browser.Jar, _ = cookiejar.New(nil)
	path := consent.Request.URL.RequestURI()
	if res := b.get(path); res.StatusCode != http.StatusNotFound || strings.Contains(res.body, "decision") {
		t.Errorf("another browser sees the consent: %d", res.StatusCode)
	}
	if res := b.post(path, url.Values{"decision": {"allow"}}); res.StatusCode != http.StatusNotFound {
		t.Errorf("another browser consents: %d", res.StatusCode)
	}
	b.browser.Jar = mine
	back := b.post(path, url.Values{"decision": {"allow"}})
	if to, err := back.Location(); err != nil || to.Query().Get("code") == "" {
		t.Fatalf("%d", back.StatusCode)
	}
	callback := strings.Replace(path, "/consent", "/authorize/callback", 1)
	for _, res := range []answered{b.get(path), b.post(path, url.Values{"decision": {"allow"}}), b.get(callback)} {
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s %s a second time: %d", res.Request.Method, res.Request.URL.Path, res.StatusCode)
		}
	}
	u, _ := url.Parse(b.url)
	for _, c := range mine.Cookies(u) {
		if c.Name != "sandbox_bank" {
			t.Errorf("cookie %s", c.Name)
		}
	}
}

// Break the callback: handlers/sandbox/pages.go: let ownVisit skip the check of the session.
func TestCallbackNeedsAConsentOfThisBrowser(t *testing.T) {
	b := open(t)
	login := b.get(b.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	consent := b.submit(login, url.Values{"username": {"ada"}})
	callback := "/authorize/callback?id=" + login.Request.URL.Query().Get("id")
	if res := b.get(callback); res.StatusCode != http.StatusNotFound {
		t.Errorf("before the consent: %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	b.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b.submit(consent, url.Values{"decision": {"allow"}})
	mine := b.browser.Jar
	b.browser.Jar, _ = cookiejar.New(nil)
	if res := b.get(callback); res.StatusCode != http.StatusNotFound {
		t.Errorf("in another browser: %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	b.browser.Jar = mine
	if to, err := b.get(callback).Location(); err != nil || to.Query().Get("code") == "" {
		t.Errorf("in this browser: %v", to)
	}
}

// Break CS-1: handlers/sandbox/sandbox.go: let own return the handler as it is
func TestForeignPagesCannotPost_CS1(t *testing.T) {
	b := open(t)
	for _, path := range []string{"/faults", "/clients", "/login?id=1", "/consent?id=1"} {
		res := b.do(b.browser, b.request("POST", path, "fault=none", "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"))
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}
