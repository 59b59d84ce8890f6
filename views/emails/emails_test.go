package emails_test

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"dashtam/services/email"
	"dashtam/views/emails"
)

func TestRender(t *testing.T) {
	link := "https://money.example.org/verify/" + strings.Repeat("aB3_-x", 20)
	for purpose, want := range map[string]string{email.Verify: "24 hours", email.Exists: "nothing was changed"} {
		subject, text, html, err := emails.Render(purpose, email.Letter{Link: link, Valid: 24 * time.Hour})
		if err != nil || subject == "" || !strings.Contains(text, want) {
			t.Fatalf("%s: %q, %v\n%s", purpose, subject, err, text)
		}
		alone := 0
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if line == link {
				alone++
			} else if strings.Contains(line, "//") || len(line) > 72 {
				t.Errorf("%s: a line that is no link: %q", purpose, line)
			}
		}
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(html))
		if err != nil {
			t.Fatal(err)
		}
		links := doc.Find("a")
		if href, _ := links.Attr("href"); alone != 1 || links.Length() != 1 || href != link {
			t.Errorf("%s: %d links in the text, %d in the HTML, to %q", purpose, alone, links.Length(), href)
		}
		if n := doc.Find("[style],script,style,img,link").Length(); n != 0 {
			t.Errorf("%s: %d elements that load or style something", purpose, n)
		}
		for _, sentence := range doc.Find("p").Map(func(_ int, p *goquery.Selection) string { return p.Text() }) {
			if p := strings.Join(strings.Fields(text), " "); sentence != links.Text() && !strings.Contains(p, sentence) {
				t.Errorf("%s: only the HTML says %q", purpose, sentence)
			}
		}
	}
	if _, _, _, err := emails.Render("flattery", email.Letter{}); err == nil {
		t.Error("a letter nobody wrote is rendered")
	}
}

func TestRenderSaysHowLong(t *testing.T) {
	for valid, want := range map[time.Duration]string{24 * time.Hour: "within 24 hours", time.Hour: "within an hour", 30 * time.Minute: "within 30 minutes"} {
		if _, text, _, _ := emails.Render(email.Verify, email.Letter{Valid: valid}); !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("%v: %s", valid, text)
		}
	}
}
