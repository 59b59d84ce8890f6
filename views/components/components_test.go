package components

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
)

func rendered(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestAmount_CarriesItsPlainValue(t *testing.T) {
	d := rendered(t, Amount(usd(-8427), Movement)).Find("data")
	if d.AttrOr("value", "") != "-84.27" || d.Text() != "−$84.27" || d.Find(".amt-c").Text() != ".27" || d.HasClass("amt-in") {
		t.Errorf("%q %q", d.AttrOr("value", ""), d.Text())
	}
	if in := rendered(t, Amount(usd(100), Movement)).Find("data.amt-in"); in.Text() != "+$1.00" {
		t.Errorf("money in is %q", in.Text())
	}
}

// Every status that services/connections knows has a word and an icon of its own; colour alone says nothing.
func TestStatus_IsAWordAndAnIcon(t *testing.T) {
	seen := map[string]bool{}
	for code, look := range statusLooks {
		d := rendered(t, Status(code))
		if d.Find("svg").Length() != 1 || strings.TrimSpace(d.Text()) != look.word || seen[look.icon] || seen[look.word] {
			t.Errorf("%s: %q", code, d.Text())
		}
		seen[look.icon], seen[look.word] = true, true
	}
}

func TestField_TellsAScreenReaderWhatIsWrong(t *testing.T) {
	d := rendered(t, Field(FieldProps{Name: "email", Label: "E-mail", Value: `"><script>`, Hint: "A hint.", Error: "No ending."}))
	in := d.Find("input")
	if in.AttrOr("aria-invalid", "") != "true" || in.AttrOr("aria-describedby", "") != "email-error email-hint" || in.AttrOr("value", "") != `"><script>` {
		t.Error(d.Html())
	}
	if d.Find("label").AttrOr("for", "") != in.AttrOr("id", "") || d.Find("#email-error").Length()+d.Find("#email-hint").Length() != 2 {
		t.Error("label, error or hint belong to nothing")
	}
}

func TestIcon_UnknownIsAnError(t *testing.T) {
	if err := Icon("nothing", "").Render(context.Background(), &strings.Builder{}); err == nil {
		t.Error("a missing icon went unnoticed")
	}
}

func points(minors ...int64) []ChartPoint {
	var list []ChartPoint
	first := time.Date(2026, 5, 24, 0, 0, 0, 0, time.UTC)
	for i, m := range minors {
		list = append(list, ChartPoint{Day: first.AddDate(0, 0, i), Minor: m})
	}
	return list
}

// Whatever the values are, the line stays inside the picture and the scale holds round numbers in order.
func TestLineChart_StaysInsideThePicture(t *testing.T) {
	for name, minors := range map[string][]int64{
		"one": {500}, "flat": {100, 100, 100}, "zero": {0, 0}, "debt": {-23384650, -1187463, -90720}, "across": {-500000, 700000},
		"cents": {1, 2, 3}, "huge": {1, 9_000_000_000_000_00}, "rise": {31622200, 33060428, 33100000},
	} {
		c := newChart(ChartProps{Points: points(minors...), Currency: "USD", Now: time.Date(2026, 5, 26, 0, 0, 0, 0, time.UTC), Height: 264})
		corners := strings.Fields(c.Area)
		for _, pair := range corners[1 : len(corners)-1] {
			_, y, _ := strings.Cut(pair, ",")
			if v, err := strconv.ParseFloat(y, 64); err != nil || v < 0 || v > float64(c.Plot) {
				t.Errorf("%s: %s leaves the picture", name, pair)
			}
		}
		labels := map[string]bool{}
		for _, l := range c.Lines {
			labels[l.Label] = true
		}
		if len(labels) != chartLines+1 {
			t.Errorf("%s: the scale repeats itself: %v", name, labels)
		}
		if last := c.Ticks[len(c.Ticks)-1]; last.Label != "Today" {
			t.Errorf("%s: the line ends at %q", name, last.Label)
		}
	}
}

func TestLineChart_DashesWhatIsStale(t *testing.T) {
	p := points(1000, 2000, 3000, 4000, 5000)
	c := newChart(ChartProps{Points: p, Currency: "USD", Now: p[4].Day, StaleSince: p[2].Day, Height: 264})
	solid, dashed := strings.Fields(c.Solid), strings.Fields(c.Dashed)
	if len(solid) != 3 || len(dashed) != 3 || solid[2] != dashed[0] {
		t.Errorf("solid %v, dashed %v: they must meet", solid, dashed)
	}
	if n := len(strings.Fields(c.Area)); n != 5+4 {
		t.Errorf("the area has %d corners", n)
	}
}

func TestTicks_NameDaysMonthsOrYearsAndNeverTouch(t *testing.T) {
	last := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	for days, shape := range map[int]string{30: `^\d+ \w{3}$`, 90: `^\w{3}$`, 365: `^\w{3}$`, 3650: `^\d{4}$`} {
		list := ticks([]ChartPoint{{Day: last.AddDate(0, 0, -days)}, {Day: last}})
		if len(list) < 3 || len(list) > 12 {
			t.Errorf("%d days: %d ticks", days, len(list))
		}
		for _, k := range list[:len(list)-1] {
			if !regexp.MustCompile(shape).MatchString(k.Label) {
				t.Errorf("%d days: %q", days, k.Label)
			}
		}
	}
}

func TestShareBar_IsWhole(t *testing.T) {
	list := bars([]Share{{"a", "c-t1", 8510}, {"b", "c-t2", 1110}, {"none", "c-t3", 0}, {"c", "c-debt", -380}})
	if len(list) != 3 {
		t.Fatalf("%d bars", len(list))
	}
	var end float64
	for _, b := range list {
		var x, w float64
		if _, err := fmt.Sscanf(b.X+" "+b.Width, "%f%% %f%%", &x, &w); err != nil || x < end {
			t.Errorf("%v begins before %v: %v", b, end, err)
		}
		end = x + w
	}
	if end < 99.5 || end > 100.2 {
		t.Errorf("the bar ends at %v %%", end)
	}
}

func TestSparkline_FlatIsTheMiddleAndNothingIsDashed(t *testing.T) {
	if p, y := sparkPoints([]int64{7, 7, 7}); y != "13" || p != "3,13 48,13 93,13" {
		t.Errorf("%s ends at %s", p, y)
	}
	if d := rendered(t, Sparkline("x", nil)); d.Find("line.c-dash").Length() != 1 || !strings.Contains(d.Find("svg").AttrOr("aria-label", ""), "nothing") {
		t.Error("no data looks like data")
	}
}

func TestStrip_SaysItInWordsToo(t *testing.T) {
	d := rendered(t, Strip([]StripDay{Fetched, Fetched, Failed, NotTried}))
	if got := d.Find("svg").AttrOr("aria-label", ""); got != "Last 4 days: fetched on 2, failed on 1" {
		t.Errorf("%q", got)
	}
}
