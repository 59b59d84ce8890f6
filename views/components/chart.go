package components

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"dashtam/services/money"
)

// ChartPoint is a value at the end of a day.
type ChartPoint struct {
	Day   time.Time
	Minor int64
}

// ChartProps is a line of an amount over days.
type ChartProps struct {
	Label      string // the sentence a screen reader says: first, last and extreme values, see Sentence
	Points     []ChartPoint
	Currency   string
	Now        time.Time
	StaleSince time.Time // from this day on the line is dashed; zero = nowhere
	Height     int       // of the whole picture, in pixels
}

// The picture's measures, in pixels: room for a label above the highest line and for the days below the lowest.
const (
	chartTop    = 14
	chartBottom = 26
	chartLines  = 3 // spaces between grid lines
)

// line is a grid line: its height in the picture and what it stands for.
type line struct {
	Y, TextY, Label string
	Base            bool
}

// tick is a day named below the picture. Minor ones go first on a phone.
type tick struct {
	X, Anchor, Label string
	Minor            bool
}

// chart is what ChartProps come out as.
type chart struct {
	ChartProps
	Floor         int // y of the lowest line
	Plot          int // height between the highest and the lowest line
	Lines         []line
	Ticks         []tick
	Width         int    // of the line's own coordinates: the number of the last point
	Area          string // points of the polygon, whose corners lie outside the picture, so that its upper edge is the line
	Solid, Dashed string // points of the line where it is not the same all along; else empty
	DotY          string
	Tips          string // a line per point for the script: day, value
}

func newChart(p ChartProps) chart {
	c := chart{ChartProps: p, Floor: p.Height - chartBottom, Plot: p.Height - chartBottom - chartTop}
	low, step := c.scale()
	for i := range chartLines + 1 {
		y := float64(c.Floor) - float64(i*c.Plot)/chartLines
		c.Lines = append(c.Lines, line{
			Y: px(y), TextY: px(y + 4), Base: i == 0,
			Label: Scale(money.Amount{Minor: low + int64(i)*step, Currency: p.Currency}),
		})
	}
	c.draw(low, step*chartLines)
	c.Ticks = ticks(p.Points)
	return c
}

// scale chooses the lowest line and the step to the next, both round numbers, so that everything fits.
func (c *chart) scale() (low, step int64) {
	lowest, highest := c.Points[0].Minor, c.Points[0].Minor
	for _, p := range c.Points {
		lowest, highest = min(lowest, p.Minor), max(highest, p.Minor)
	}
	unit := unitOf(c.Currency)
	for step = roundUp((highest-lowest)/chartLines, unit); ; step = roundUp(step+1, unit) {
		low = floorTo(lowest, step)
		if low+chartLines*step >= highest {
			return low, step
		}
	}
}

// roundUp is the next round number from n on, at least one unit.
func roundUp(n, unit int64) int64 {
	for power := unit; ; power *= 10 {
		for _, tenths := range []int64{10, 12, 15, 20, 25, 30, 40, 50, 60, 80} {
			if s := power * tenths / 10; s >= n && s >= unit && s%unit == 0 {
				return s
			}
		}
	}
}

func floorTo(n, step int64) int64 {
	low := n / step * step
	if low > n {
		low -= step
	}
	return low
}

func (c *chart) draw(low, span int64) {
	var all, tips []string
	solid := len(c.Points) // how many are not stale
	for i, p := range c.Points {
		y := float64(c.Plot) * (1 - float64(p.Minor-low)/float64(span))
		all = append(all, strconv.Itoa(i)+","+px(y))
		if !c.StaleSince.IsZero() && p.Day.After(c.StaleSince) {
			solid = min(solid, i)
		}
		tips = append(tips, Date(p.Day, c.Now)+"\t"+Whole(money.Amount{Minor: p.Minor, Currency: c.Currency}))
		c.DotY = px(y + chartTop)
	}
	if len(all) == 1 { // one day is a level line that ends in its dot
		_, y, _ := strings.Cut(all[0], ",")
		all, solid = append(all, "1,"+y), 2*solid
	}
	c.Width, c.Tips = len(all)-1, strings.Join(tips, "\n")
	if solid < len(all) {
		c.Solid, c.Dashed = strings.Join(all[:solid], " "), strings.Join(all[max(solid-1, 0):], " ")
	}
	below := strconv.Itoa(2 * c.Plot)
	_, firstY, _ := strings.Cut(all[0], ",")
	_, lastY, _ := strings.Cut(all[c.Width], ",")
	left, right := "-9,", strconv.Itoa(c.Width+9)+","
	c.Area = left + below + " " + left + firstY + " " + strings.Join(all, " ") + " " + right + lastY + " " + right + below
}

// ticks names at most seven days: the first of each month, or for a short line single days. The last is Today, and
// whatever would touch it goes.
func ticks(points []ChartPoint) []tick {
	first, last := points[0].Day, points[len(points)-1].Day
	days := int(last.Sub(first) / (24 * time.Hour))
	if days < 1 {
		return []tick{{X: "100%", Anchor: "end", Label: "Today"}}
	}
	var list []tick
	place := func(day time.Time, label string) {
		share := float64(day.Sub(first)) / float64(last.Sub(first))
		if share < 0.02 || share > 0.93 {
			return
		}
		list = append(list, tick{X: percent(share), Anchor: "middle", Label: label, Minor: len(list)%2 == 1})
	}
	switch {
	case days <= 62:
		step := max(days/5, 1)
		for d := step; d < days; d += step {
			day := first.AddDate(0, 0, d)
			place(day, day.Format("2 Jan"))
		}
	case days <= 730:
		step := 1 + days/30/7
		month := time.Date(first.Year(), first.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		for ; month.Before(last); month = month.AddDate(0, step, 0) {
			place(month, month.Format("Jan"))
		}
	default:
		for year := time.Date(first.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC); year.Before(last); year = year.AddDate(1, 0, 0) {
			place(year, year.Format("2006"))
		}
	}
	return append(list, tick{X: "100%", Anchor: "end", Label: "Today"})
}

// ChartSentence says what a line shows: "Net worth over six months, from $316,222 on 23 May to $330,604 today, lowest
// $314,000, highest $331,020."
func ChartSentence(what, span string, points []ChartPoint, currency string, now time.Time) string {
	if len(points) == 0 {
		return what + ", nothing yet"
	}
	first, last := points[0], points[len(points)-1]
	lowest, highest := first.Minor, first.Minor
	for _, p := range points {
		lowest, highest = min(lowest, p.Minor), max(highest, p.Minor)
	}
	in := func(minor int64) string { return Whole(money.Amount{Minor: minor, Currency: currency}) }
	return fmt.Sprintf("%s over %s, from %s on %s to %s today, lowest %s, highest %s", what, span,
		in(first.Minor), LongDate(first.Day, now), in(last.Minor), in(lowest), in(highest))
}

// px is a length with at most one decimal. A page has hundreds, and whole tenths are quicker to write than a float.
func px(f float64) string {
	tenths, sign := int64(math.Round(f*10)), ""
	if tenths < 0 {
		tenths, sign = -tenths, "-"
	}
	whole := sign + strconv.FormatInt(tenths/10, 10)
	if tenths%10 == 0 {
		return whole
	}
	return whole + "." + strconv.FormatInt(tenths%10, 10)
}

// percent is a share of one as SVG reads it.
func percent(share float64) string { return px(share*100) + "%" }

// sparkPoints fits values into 96 by 26 pixels, three free at each side; a flat line is in the middle.
func sparkPoints(values []int64) (points, endY string) {
	lowest, highest := values[0], values[0]
	for _, v := range values {
		lowest, highest = min(lowest, v), max(highest, v)
	}
	var list []string
	for i, v := range values {
		x, y := 3.0, 13.0
		if len(values) > 1 {
			x += 90 * float64(i) / float64(len(values)-1)
		}
		if highest > lowest {
			y = 23 - 20*float64(v-lowest)/float64(highest-lowest)
		}
		endY = px(y)
		list = append(list, px(x)+","+endY)
	}
	return strings.Join(list, " "), endY
}

// Share is a part of a whole. Class is its look in the bar: "c-t1", "c-t2" and "c-t3" for assets, "c-debt" for debts.
type Share struct {
	Label, Class string
	Minor        int64 // its sign does not matter
}

type bar struct{ Class, X, Width, Y, Height string }

// bars lays the shares side by side with a half percent between them.
func bars(shares []Share) []bar {
	const gap = 0.005
	total, count := 0.0, 0
	for _, s := range shares {
		if s.Minor != 0 {
			total, count = total+math.Abs(float64(s.Minor)), count+1
		}
	}
	var list []bar
	x := 0.0
	for _, s := range shares {
		if s.Minor == 0 {
			continue
		}
		width := max(math.Abs(float64(s.Minor))/total*(1-gap*float64(count-1)), 0.004)
		b := bar{Class: s.Class, X: percent(x), Width: percent(width), Y: "0", Height: "10"}
		if s.Class == "c-debt" { // its outline needs half a pixel
			b.Y, b.Height = "0.5", "9"
		}
		list = append(list, b)
		x += width + gap
	}
	return list
}

// sharesSentence is "Investments 85.1 %, cash 11.1 % of everything".
func sharesSentence(shares []Share) string {
	total := 0.0
	for _, s := range shares {
		total += math.Abs(float64(s.Minor))
	}
	var words []string
	for _, s := range shares {
		if s.Minor != 0 {
			words = append(words, s.Label+" "+Percent(math.Abs(float64(s.Minor))/total))
		}
	}
	return List(words) + " of everything"
}
