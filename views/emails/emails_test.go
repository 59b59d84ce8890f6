package emails_test

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"dashtam/services/email"
	"dashtam/views/emails"
)

// says is what each letter must tell its reader.
var says = map[string]string{
	email.Verify: "within 24 hours", email.Exists: "nothing was changed", email.Claim: "never confirmed", email.Welcome: "address is confirmed",
	email.Reset: "within 24 hours", email.PasswordChanged: "cannot be switched off", email.ConfirmAddress: "Until then nothing changes",
	email.AddressTaken: "cannot be switched off", email.AddressChanged: "cannot be switched off", email.NewSignIn: "cannot be switched off",
	email.Invitation: "invited", email.NeedsYou: "comes once, when a connection stops",
	email.WorksAgain: "works again, and what was missing has been fetched", email.ConsentEnds: "works until the bank has said yes again",
	email.BankPaused: "none of its customers is asked to do anything",
}

func TestRender(t *testing.T) {
	link := "https://money.example.org/verify/" + strings.Repeat("aB3_-x", 20)
	details := []email.Detail{{Label: "When", Value: "26 November 2026, 14:05 UTC"}, {Label: "Device", Value: "Firefox on Linux"}}
	for purpose, want := range says {
		subject, text, html, err := emails.Render(purpose, email.Letter{Link: link, Valid: 24 * time.Hour, Details: details})
		flowing := strings.Join(strings.Fields(text), " ")
		if err != nil || subject == "" || !strings.Contains(flowing, want) || !strings.Contains(flowing, "Device: Firefox on Linux") {
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
		if n := doc.Find("[style],script,img,link,[src],[background]").Length(); n != 0 || strings.Contains(html, "url(") || strings.Contains(html, "@import") {
			t.Errorf("%s: %d elements that load something", purpose, n)
		}
		for _, sentence := range doc.Find("p:not(.go):not(.end), th, td").Map(func(_ int, p *goquery.Selection) string { return p.Text() }) {
			if !strings.Contains(flowing, sentence) {
				t.Errorf("%s: only the HTML says %q", purpose, sentence)
			}
		}
	}
	if _, _, _, err := emails.Render("flattery", email.Letter{}); err == nil {
		t.Error("a letter nobody wrote is rendered")
	}
}

func TestRenderSaysHowLong(t *testing.T) {
	for valid, want := range map[time.Duration]string{
		24 * time.Hour: "within 24 hours", time.Hour: "within an hour", 45 * time.Minute: "within 45 minutes", 7 * 24 * time.Hour: "within 7 days",
	} {
		if _, text, _, _ := emails.Render(email.Verify, email.Letter{Valid: valid}); !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("%v: %s", valid, text)
		}
	}
}
