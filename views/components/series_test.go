package components

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"dashtam/services/profile"
)

// tens are points ten seconds apart; a negative value is none.
func tens(values ...float64) (list []profile.Point) {
	for i, v := range values {
		list = append(list, profile.Point{At: time.Date(2026, 11, 24, 9, 0, 10*i, 0, time.UTC), Known: v >= 0, Value: max(v, 0)})
	}
	return list
}

func seriesOf(limit float64, values ...float64) SeriesProps {
	return SeriesProps{
		Title: "Pages", Points: tens(values...), Limit: limit, LimitLabel: "500 ms", Now: time.Now().UTC(), Empty: "No page.",
		Format: func(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) },
	}
}

func TestTimeSeries_BreaksWhereNothingWasMeasured(t *testing.T) {
	doc := rendered(t, TimeSeries(seriesOf(0, 1, 2, -1, 3, -1)))
	lines := doc.Find("polyline")
	if lines.Length() != 2 || doc.Find("circle").Length() != 0 {
		t.Errorf("%d stretches, %d dots", lines.Length(), doc.Find("circle").Length())
	}
	if points := strings.Fields(lines.Last().AttrOr("points", "")); len(points) != 2 {
		t.Errorf("a single point cannot be seen: %v", points)
	}
	if label := doc.Find("svg[role=img]").AttrOr("aria-label", ""); label != "Pages from 09:00:00 to now, highest 3 at 09:00:30" {
		t.Errorf("it says %q", label)
	}
	if tips := strings.Split(doc.Find(".plot").AttrOr("data-points", ""), "\n"); len(tips) != 5 || tips[2] != "09:00:20\tnone" {
		t.Errorf("tips %q", tips)
	}
}

func TestTimeSeries_StaysInsideAndShowsALimitThatIsNear(t *testing.T) {
	for _, highest := range []float64{0, 0.0004, 0.1, 0.499, 0.5, 0.7, 83, 1234} {
		p := seriesOf(0.5, highest/2, highest)
		doc := rendered(t, TimeSeries(p))
		for _, point := range strings.Fields(doc.Find("polyline").AttrOr("points", "")) {
			_, text, _ := strings.Cut(point, ",")
			if y, err := strconv.ParseFloat(text, 64); err != nil || y < 0 || y > seriesPlot {
				t.Errorf("%v: a point at %s", highest, point)
			}
		}
		limit := doc.Find(".c-limit")
		if near := highest > 0.125; (limit.Length() == 1) != near {
			t.Errorf("%v: %d limits", highest, limit.Length())
		}
		if y, _ := strconv.ParseFloat(limit.AttrOr("y1", "50"), 64); y < chartTop || y > seriesFloor {
			t.Errorf("%v: the limit lies at %v", highest, y)
		}
	}
}

func TestTimeSeries_OfNothing(t *testing.T) {
	doc := rendered(t, TimeSeries(seriesOf(1, -1, -1)))
	if doc.Find("polyline").Length() != 0 || doc.Find("svg").AttrOr("aria-label", "") != "Pages: No page." {
		t.Errorf("it says %q", doc.Find("svg").AttrOr("aria-label", ""))
	}
}

func TestMeasured(t *testing.T) {
	for d, want := range map[time.Duration]string{
		700: "0.7 µs", 74 * time.Microsecond: "74 µs", 999_600: "1.0 ms", 4_240_000: "4.2 ms", 318 * time.Millisecond: "318 ms",
		999_600_000: "1.00 s", 1_240_000_000: "1.24 s", 56 * time.Second: "56 s",
	} {
		if got := Measured(d); got != strings.Replace(want, " ", thinSpace, 1) {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}
