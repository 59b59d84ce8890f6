package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// connectSandbox walks the way to the sandbox bank over HTTP, page by page as a person without JavaScript would, so that
// the demo's connection is a real one: consent, code, tokens and all.
func connectSandbox(ctx context.Context, base *url.URL, email, password string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	b := &browser{ctx: ctx, client: &http.Client{Jar: jar, Timeout: time.Minute}}
	b.send(http.MethodPost, base.JoinPath("login").String(), url.Values{"email": {email}, "password": {password}})
	b.send(http.MethodPost, base.JoinPath("connections", "sandbox", "connect").String(), nil)
	b.follow("a#continue")
	b.submit(url.Values{"username": {"demo"}})
	b.submit(url.Values{"decision": {"allow"}})
	if b.err == nil && (b.at.Host != base.Host || strings.HasSuffix(b.at.Path, "/callback")) {
		return fmt.Errorf("the way ended at %s%s", b.at.Host, b.at.Path)
	}
	return b.err
}

// browser holds the page it is on. After the first error it stays where it is.
type browser struct {
	ctx    context.Context
	client *http.Client
	page   *goquery.Document
	at     *url.URL
	err    error
}

func (b *browser) send(method, address string, form url.Values) {
	if b.err != nil {
		return
	}
	request, err := http.NewRequestWithContext(b.ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.err = err
		return
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := b.client.Do(request)
	if err != nil {
		b.err = err
		return
	}
	defer response.Body.Close() //nolint:errcheck // was only read
	b.at = response.Request.URL
	if response.StatusCode != http.StatusOK {
		b.err = fmt.Errorf("%s%s answers %s", b.at.Host, b.at.Path, response.Status)
		return
	}
	b.page, b.err = goquery.NewDocumentFromReader(response.Body)
}

// follow goes where the link that selector finds leads.
func (b *browser) follow(selector string) { b.use(selector, "href", http.MethodGet, nil) }

// submit sends the page's form.
func (b *browser) submit(form url.Values) {
	b.use("form[method=post]", "action", http.MethodPost, form)
}

func (b *browser) use(selector, attribute, method string, form url.Values) {
	if b.err != nil {
		return
	}
	target, err := b.at.Parse(b.page.Find(selector).First().AttrOr(attribute, ""))
	if err != nil || b.page.Find(selector).Length() == 0 {
		b.err = fmt.Errorf("%s%s has no %s", b.at.Host, b.at.Path, selector)
		return
	}
	b.send(method, target.String(), form)
}
