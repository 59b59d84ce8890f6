package components

import (
	"math"
	"strconv"
	"strings"
	"time"

	"dashtam/services/profile"
)

// SeriesProps is a small picture of a measure over time.
type SeriesProps struct {
	Title      string
	Points     []profile.Point
	Format     func(value float64) string
	Limit      float64 // 0 = there is none
	LimitLabel string
	Least      float64 // the least that the highest line stands for
	Now        time.Time
	Empty      string // what is said when nothing was measured
}

// The picture's measures, in pixels.
const (
	seriesHeight = 150
	seriesFloor  = seriesHeight - chartBottom
	seriesPlot   = seriesFloor - chartTop
)

// series is what SeriesProps come out as.
type series struct {
	SeriesProps
	Label    string
	Top, Mid string   // what the highest line and the one below it stand for
	Lines    []string // the points of each stretch without a gap
	Areas    []string
	LimitY   string // empty where the limit is far above everything
	DotY     string // of the last point, empty where it is not known
	Ticks    []tick
	Tips     string
	Width    int
}

func newSeries(p SeriesProps) series {
	s := series{SeriesProps: p, Width: max(len(p.Points)-1, 1)}
	highest, any := 0.0, false
	for _, point := range p.Points {
		if point.Known {
			highest, any = max(highest, point.Value), true
		}
	}
	if !any {
		return s
	}
	top := max(roundTop(highest), p.Least)
	if p.Limit > 0 && highest > p.Limit/4 { // near enough to be worth the room
		top = max(top, p.Limit*1.2)
		s.LimitY = px(seriesFloor - seriesPlot*p.Limit/top)
	}
	s.Top, s.Mid = p.Format(top), p.Format(top/2)
	s.draw(top)
	s.tick()
	s.Label = s.sentence(highest)
	return s
}

// roundTop is a round number a little above v: 1, 2 or 5 times a power of ten.
func roundTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1.2, 2, 3, 5, 8, 12} {
		if n*power >= v*1.05 {
			return n * power
		}
	}
	return 12 * power
}

func (s *series) draw(top float64) {
	var stretch, tips []string
	end := func(next int) {
		if len(stretch) == 0 {
			return
		}
		if len(stretch) == 1 { // alone it would not be seen
			_, y, _ := strings.Cut(stretch[0], ",")
			stretch = append(stretch, px(float64(next)-0.5)+","+y)
		}
		first, _, _ := strings.Cut(stretch[0], ",")
		last, _, _ := strings.Cut(stretch[len(stretch)-1], ",")
		floor := strconv.Itoa(seriesPlot)
		line := strings.Join(stretch, " ")
		s.Lines = append(s.Lines, line)
		s.Areas = append(s.Areas, first+","+floor+" "+line+" "+last+","+floor)
		stretch = nil
	}
	for i, p := range s.Points {
		tip := s.clock(p.At) + "\tnone"
		if p.Known {
			y := seriesPlot * (1 - p.Value/top)
			stretch = append(stretch, strconv.Itoa(i)+","+px(y))
			tip = s.clock(p.At) + "\t" + s.Format(p.Value)
			s.DotY = px(y + chartTop)
		} else {
			s.DotY = ""
			end(i)
		}
		tips = append(tips, tip)
	}
	end(len(s.Points) - 1)
	s.Tips = strings.Join(tips, "\n")
}

// clock is a time of day, with seconds where the points lie close together.
func (s *series) clock(t time.Time) string {
	layout := "15:04"
	if n := len(s.Points); n > 1 && s.Points[1].At.Sub(s.Points[0].At) < time.Minute {
		layout = "15:04:05"
	}
	return t.In(s.Now.Location()).Format(layout)
}

func (s *series) tick() {
	middle := len(s.Points) / 2
	s.Ticks = []tick{
		{X: "0%", Anchor: "start", Label: s.clock(s.Points[0].At)},
		{X: percent(float64(middle) / float64(s.Width)), Anchor: "middle", Label: s.clock(s.Points[middle].At), Minor: true},
		{X: "100%", Anchor: "end", Label: "Now"},
	}
}

func (s *series) sentence(highest float64) string {
	var at time.Time
	for _, p := range s.Points {
		if p.Known && p.Value == highest {
			at = p.At
		}
	}
	text := s.Title + " from " + s.clock(s.Points[0].At) + " to now, highest " + s.Format(highest) + " at " + s.clock(at)
	if s.Limit > 0 {
		text += ", limit " + s.LimitLabel
	}
	return text
}

// ScaleProps is where an operation's times lie on a logarithmic scale from 1 µs to 3 s.
type ScaleProps struct {
	Label      string
	P50, P99   time.Duration // zero = nothing measured
	From, Upto time.Duration // the design's figure; zero = none given
}

// scaleAt is where d stands on the scale.
func scaleAt(d time.Duration) float64 {
	const decades = 6.5
	return min(max(math.Log10(float64(d)/float64(time.Microsecond))/decades, 0), 1)
}

func (p ScaleProps) x(d time.Duration) string { return percent(scaleAt(d)) }

func (p ScaleProps) band() string { return percent(max(scaleAt(p.Upto)-scaleAt(p.From), 0.02)) }
