package handlertest

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// Page is an answer. Find and the rest of goquery look into its HTML.
type Page struct {
	*goquery.Document
	Status int
	Header http.Header
	Body   string

	b     *Browser
	asked string
}

// Want fails the test unless the answer has this status.
func (p *Page) Want(status int) *Page {
	p.b.t.Helper()
	if p.Status != status {
		p.b.t.Fatalf("%s: status %d, want %d: %s", p.asked, p.Status, status, p.Said())
	}
	return p
}

// WantRedirect fails the test unless the answer is a 303 to path.
func (p *Page) WantRedirect(path string) *Page {
	p.b.t.Helper()
	if got := p.Header.Get("Location"); p.Status != http.StatusSeeOther || got != path {
		p.b.t.Fatalf("%s: status %d to %q, want 303 to %q: %s", p.asked, p.Status, got, path, p.Said())
	}
	return p
}

// WantText fails the test unless the page says text, spaces aside.
func (p *Page) WantText(text string) *Page {
	p.b.t.Helper()
	if !strings.Contains(p.Said(), text) {
		p.b.t.Fatalf("%s does not say %q: %s", p.asked, text, p.Said())
	}
	return p
}

// WantOne fails the test unless selector finds exactly one element, and gives it.
func (p *Page) WantOne(selector string) *goquery.Selection {
	p.b.t.Helper()
	found := p.Find(selector)
	if found.Length() != 1 {
		p.b.t.Fatalf("%s: %q finds %d elements: %s", p.asked, selector, found.Length(), p.Body)
	}
	return found
}

// Follow opens the page a redirect leads to.
func (p *Page) Follow() *Page { p.b.t.Helper(); return p.b.Get(p.Header.Get("Location")) }

// Said is the text of the main part, else of the whole answer, with single spaces.
func (p *Page) Said() string {
	part := p.Find("main")
	if part.Length() == 0 {
		part = p.Selection
	}
	return strings.Join(strings.Fields(part.Text()), " ")
}

// varying is what differs between two answers that say the same.
var varying = regexp.MustCompile(`nonce="[^"]*"|req_[A-Z2-7]+`)

// Same is the body without what differs from answer to answer, for comparing two.
func (p *Page) Same() string { return varying.ReplaceAllString(p.Body, "") }
