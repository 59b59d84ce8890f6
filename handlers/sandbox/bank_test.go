package sandbox_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/oauth2"

	handlers "dashtam/handlers/sandbox"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/sandbox"
)

var noon = time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)

// theBank is a running bank, a browser that visits it, and an app that came back from it.
type theBank struct {
	t       *testing.T
	url     string
	pool    *postgres.Pool
	browser *http.Client
	now     time.Time
}

func open(t *testing.T) *theBank {
	t.Helper()
	return openOn(t, pgtest.New(t))
}

func openOn(t *testing.T, pool *postgres.Pool) *theBank {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &theBank{t: t, pool: pool, now: noon}
	srv := httptest.NewUnstartedServer(nil)
	b.url = "http://" + srv.Listener.Addr().String()
	srv.Config.Handler, err = handlers.New(handlers.Deps{
		Bank: sandbox.New(pool), Issuer: b.url, Now: func() time.Time { return b.now }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(srv.Close)
	b.browser = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if "http://"+r.URL.Host != b.url {
			return http.ErrUseLastResponse // the app is not running
		}
		return nil
	}}
	return b
}

const callback = "http://localhost:54321/connections/sandbox/callback"

// app is the client "dashtam" as x/oauth2 knows it.
func (b *theBank) app() *oauth2.Config {
	return &oauth2.Config{
		ClientID: "dashtam", RedirectURL: callback,
		Endpoint: oauth2.Endpoint{AuthURL: b.url + "/authorize", TokenURL: b.url + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams},
		Scopes:   []string{"openid", "offline_access", "fdx:accountdetailed:read", "fdx:transactions:read", "fdx:investments:read"},
	}
}

// answered is a response with its body read.
type answered struct {
	*http.Response
	body string
}

func (b *theBank) do(c *http.Client, r *http.Request) answered {
	b.t.Helper()
	res, err := c.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answered{res, string(body)}
}

func (b *theBank) request(method, path, body string, headers ...string) *http.Request {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.url + path
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (b *theBank) get(path string) answered { return b.do(b.browser, b.request("GET", path, "")) }

func (b *theBank) post(path string, form url.Values) answered {
	return b.do(b.browser, b.request("POST", path, form.Encode()))
}

func (a answered) find(t *testing.T, selector string) *goquery.Selection {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Find(selector)
}

// submit sends a page's form with the given fields, as a browser would.
func (b *theBank) submit(page answered, fields url.Values) answered {
	b.t.Helper()
	action, ok := page.find(b.t, "form").Attr("action")
	if !ok {
		b.t.Fatalf("no form on %s: %d %s", page.Request.URL, page.StatusCode, page.body)
	}
	return b.post(action, fields)
}

// decide goes the customer's whole way and returns the query with which the app gets them back.
func (b *theBank) decide(c *oauth2.Config, username, decision, verifier string) url.Values {
	b.t.Helper()
	login := b.get(c.AuthCodeURL("the-state", oauth2.S256ChallengeOption(verifier)))
	consent := b.submit(login, url.Values{"username": {username}})
	back := b.submit(consent, url.Values{"decision": {decision}})
	to, err := back.Location()
	if err != nil {
		b.t.Fatalf("nobody is sent back: %d %s", back.StatusCode, back.body)
	}
	if got := to.Scheme + "://" + to.Host + to.Path; got != c.RedirectURL {
		b.t.Fatalf("sent back to %s", got)
	}
	return to.Query()
}

// connect is decide with allow, and the exchange of the code.
func (b *theBank) connect(c *oauth2.Config, username string) *oauth2.Token {
	b.t.Helper()
	verifier := oauth2.GenerateVerifier()
	back := b.decide(c, username, "allow", verifier)
	token, err := c.Exchange(b.t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		b.t.Fatal(err)
	}
	return token
}

// api asks the bank's API and decodes its answer.
func (b *theBank) api(token, path string, into any) answered {
	b.t.Helper()
	res := b.do(http.DefaultClient, b.request("GET", "/fdx/v6"+path, "", "Authorization", "Bearer "+token))
	if into != nil {
		if err := json.Unmarshal([]byte(res.body), into); err != nil {
			b.t.Fatalf("%s: %d %s: %v", path, res.StatusCode, res.body, err)
		}
	}
	return res
}

// refresh posts a refresh token and gives the status with the decoded answer.
func (b *theBank) refresh(token string) (int, map[string]any) {
	b.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"dashtam"}, "refresh_token": {token}}
	res := b.do(http.DefaultClient, b.request("POST", "/oauth/token", form.Encode()))
	var out map[string]any
	if err := json.Unmarshal([]byte(res.body), &out); err != nil {
		b.t.Fatalf("%d %s", res.StatusCode, res.body)
	}
	return res.StatusCode, out
}

func (b *theBank) stats() (s sandbox.Stats) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.get("/stats").body), &s); err != nil {
		b.t.Fatal(err)
	}
	return s
}

// failed is the error of a token request that should have failed.
func failed(t *testing.T, err error) *oauth2.RetrieveError {
	t.Helper()
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		t.Fatalf("not refused: %v", err)
	}
	return e
}
