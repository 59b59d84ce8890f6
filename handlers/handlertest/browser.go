package handlertest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"dashtam/services/auth"
)

// Browser is one browser: a cookie jar, an address, and the headers browsers send.
type Browser struct {
	User auth.User // who is signed in, if SignedIn made it
	IP   string    // as the proxy in front of us says

	app    *App
	t      testing.TB
	client *http.Client
}

// Stranger is a browser nobody has signed in from.
func (app *App) Stranger() *Browser {
	jar, err := cookiejar.New(nil)
	app.must(err)
	app.clients++
	return &Browser{
		IP: fmt.Sprintf("198.51.%d.%d", app.clients/250, app.clients%250+1), app: app, t: app.t,
		client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// SignedIn makes a person and signs them in through the login page, from a device of theirs that is known.
func (app *App) SignedIn(name string) *Browser {
	app.t.Helper()
	b := app.Stranger()
	b.User = app.Person(name)
	known := app.Auth.NewDevice(b.User)
	b.SetCookie(known.Name, known.Value)
	b.Post("/login", "email", b.User.Email, "password", Password).WantRedirect("/overview")
	return b
}

// SignedInAdmin is SignedIn for an administrator.
func (app *App) SignedInAdmin(name string) *Browser {
	app.t.Helper()
	b := app.SignedIn(name)
	app.Admin(b.User)
	return b
}

// Get opens a page.
func (b *Browser) Get(path string) *Page { b.t.Helper(); return b.Do(http.MethodGet, path, nil) }

// Post sends a form, given as names and values in turn, from a page of ours.
func (b *Browser) Post(path string, form ...string) *Page {
	b.t.Helper()
	return b.Do(http.MethodPost, path, http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {b.app.URL}}, form...)
}

// HX asks as htmx does.
func (b *Browser) HX(method, path string, form ...string) *Page {
	b.t.Helper()
	return b.Do(method, path, http.Header{"Hx-Request": {"true"}, "Sec-Fetch-Site": {"same-origin"}}, form...)
}

// Do sends a request with headers of the test's own and no others but the address.
func (b *Browser) Do(method, path string, header http.Header, form ...string) *Page {
	b.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	var body io.Reader
	if method != http.MethodGet && method != http.MethodHead {
		body = strings.NewReader(values.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.app.URL+path, body)
	b.app.must(err)
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	return b.Send(r)
}

// Send sends a request a test made itself; it gets the browser's address unless it says where it comes from.
func (b *Browser) Send(r *http.Request) *Page {
	b.t.Helper()
	if r.Header.Get("X-Forwarded-For") == "" {
		r.Header.Set("X-Forwarded-For", b.IP)
	}
	res, err := b.client.Do(r)
	b.app.must(err)
	defer res.Body.Close() //nolint:errcheck // it was read
	raw, err := io.ReadAll(res.Body)
	b.app.must(err)
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(raw)))
	b.app.must(err)
	return &Page{Document: doc, Status: res.StatusCode, Header: res.Header, Body: string(raw), b: b, asked: r.Method + " " + r.URL.RequestURI()}
}

// Stream begins to read a page that must be there, and leaves the rest to the caller.
func (b *Browser) Stream(path string) io.ReadCloser {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.app.URL+path, http.NoBody)
	b.app.must(err)
	r.Header.Set("Accept-Encoding", "identity")
	client := &http.Client{Jar: b.client.Jar, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	b.app.must(err)
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("GET %s: status %d", path, res.StatusCode)
	}
	return res.Body
}

// Cookie is the value of a cookie in the jar, or nothing.
func (b *Browser) Cookie(name string) string {
	for _, c := range b.client.Jar.Cookies(b.app.BaseURL) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// SetCookie puts a cookie into the jar.
func (b *Browser) SetCookie(name, value string) {
	b.client.Jar.SetCookies(b.app.BaseURL, []*http.Cookie{{Name: name, Value: value, Path: "/"}}) //nolint:gosec // the browser's side, which sends no flags
}
