package profile_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"dashtam/services/profile"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time            { return c.at }
func (c *clock) wait(d time.Duration)      { c.at = c.at.Add(d) }
func start() *clock                        { return &clock{time.Date(2026, 11, 24, 9, 0, 3, 0, time.UTC)} }
func profiled() (*clock, *profile.Profile) { c := start(); return c, profile.New(c.now, nil) }

func TestFigures_AreAtMostAnEighthOff(t *testing.T) {
	_, p := profiled()
	dice := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for range 10_000 {
		d := time.Duration(math.Exp(dice.NormFloat64()*2) * float64(3*time.Millisecond))
		all = append(all, d)
		p.Observe(profile.Query, d)
	}
	slices.Sort(all)
	f := p.Figures(profile.Query, profile.Lately)
	for q, got := range map[float64]time.Duration{0.5: f.P50, 0.95: f.P95, 0.99: f.P99} {
		want := all[int(math.Ceil(q*float64(len(all))))-1]
		if off := math.Abs(float64(got-want)) / float64(want); off > 0.125 {
			t.Errorf("p%v is %v, really %v", 100*q, got, want)
		}
	}
	if f.Count != len(all) {
		t.Errorf("%d observations", f.Count)
	}
}

// The document's thresholds are edges of buckets: what is exactly there is not over it.
func TestFigures_HalfASecondAndASecondAreExact(t *testing.T) {
	for _, limit := range []time.Duration{500 * time.Millisecond, time.Second} {
		for took, over := range map[time.Duration]bool{limit - 1: false, limit: false, limit + 1: true} {
			_, p := profiled()
			for range 100 {
				p.Observe(profile.Page, took)
			}
			if f := p.Figures(profile.Page, profile.Lately); (f.P50 > limit) != over || (f.P99 > limit) != over {
				t.Errorf("%v each: %+v", took, f)
			}
		}
	}
}

func TestFigures_OfNothingAndOfTheExtremes(t *testing.T) {
	_, p := profiled()
	if f := p.Figures(profile.Mail, profile.Day); f != (profile.Figures{}) {
		t.Errorf("%+v", f)
	}
	for _, d := range []time.Duration{-time.Second, 0, 1} {
		p.Observe(profile.Seal, d)
	}
	p.Observe(profile.Login, time.Hour)
	if f := p.Figures(profile.Seal, profile.Day); f.Count != 3 || f.P99 > 200*time.Nanosecond {
		t.Errorf("%+v", f)
	}
	if f := p.Figures(profile.Login, profile.Day); f.Count != 1 || f.P50 < 2*time.Minute {
		t.Errorf("%+v", f)
	}
}

func TestWindows_ForgetWhatIsOld(t *testing.T) {
	c, p := profiled()
	p.Observe(profile.Query, time.Millisecond)
	count := func(span time.Duration) int { return p.Figures(profile.Query, span).Count }
	c.wait(profile.Lately - profile.LatelyStep)
	if count(profile.Lately) != 1 || count(profile.Day) != 1 {
		t.Error("gone too early")
	}
	c.wait(profile.LatelyStep)
	if count(profile.Lately) != 0 || count(profile.Day) != 1 {
		t.Error("five minutes are over, a day is not")
	}
	c.wait(profile.Day - profile.Lately)
	if count(profile.Day) != 0 {
		t.Error("still there after a day")
	}
	p.Observe(profile.Query, time.Millisecond) // into a slot that held what is old
	if count(profile.Lately) != 1 || count(profile.Day) != 1 {
		t.Error("a slot was not made anew")
	}
}

func TestOver_GoesWithTime(t *testing.T) {
	c, p := profiled()
	p.Observe(profile.Login, 100*time.Millisecond)
	c.wait(2 * profile.LatelyStep)
	p.Observe(profile.Login, 2*time.Second)
	list := p.Over(profile.Lately, profile.Login)
	if len(list) != 30 || !list[29].Known || list[28].Known || !list[27].Known || list[29].Value < 1.8 || list[27].Value > 0.12 {
		t.Errorf("%d points that end with %+v", len(list), list[27:])
	}
	if age := list[29].At.Sub(c.at); age <= 0 || age > profile.LatelyStep {
		t.Errorf("the last slot ends %v from now", age)
	}
}

func TestPages_AreToldApartByHashing(t *testing.T) {
	c, p := profiled()
	counts := func() [2]int {
		return [2]int{p.Figures(profile.Page, profile.Lately).Count, p.Figures(profile.PageBeside, profile.Lately).Count}
	}
	p.PageTook(time.Millisecond, false)
	p.PageTook(time.Millisecond, true)
	if got := counts(); got != [2]int{1, 1} {
		t.Errorf("%v", got)
	}
	p.Observe(profile.Verify, 230*time.Millisecond)
	c.wait(20 * time.Millisecond)
	p.PageTook(30*time.Millisecond, false) // began before the hash ended
	p.PageTook(10*time.Millisecond, false) // began after it
	if got := counts(); got != [2]int{2, 2} {
		t.Errorf("%v", got)
	}
}

func TestLogins_CrowdsAndTheirTrouble(t *testing.T) {
	c, p := profiled()
	crowd := func(n int) (ends []func(profile.Outcome)) {
		for range n {
			ends = append(ends, p.LoginBegins())
		}
		return ends
	}
	hundred := crowd(profile.Crowd)
	c.wait(3 * time.Second)
	for _, end := range hundred {
		end(profile.Worked)
	}
	if p.Peak(profile.AtOnce, profile.Lately) != 100 || p.Events(profile.CrowdTrouble, profile.Lately) != 0 {
		t.Error("a hundred are not more than a hundred")
	}
	more := crowd(profile.Crowd + 1)
	c.wait(time.Second)
	more[0](profile.Worked) // exactly a second
	if p.Events(profile.CrowdTrouble, profile.Lately) != 0 {
		t.Error("nobody was in trouble")
	}
	more = append(more[1:], p.LoginBegins())
	c.wait(time.Millisecond)
	more[0](profile.Worked)
	for _, end := range more[1:] {
		end(profile.Refused)
	}
	if p.Events(profile.CrowdTrouble, profile.Lately) != 1 || p.Peak(profile.AtOnce, profile.Day) != 101 {
		t.Errorf("%d in trouble, %d at once", p.Events(profile.CrowdTrouble, profile.Lately), p.Peak(profile.AtOnce, profile.Day))
	}
	p.LoginBegins()(profile.Unserved)
	if p.Events(profile.SentAway, profile.Day) != 1 || p.Figures(profile.Login, profile.Day).Count != 102 {
		t.Errorf("%d sent away, %d worked", p.Events(profile.SentAway, profile.Day), p.Figures(profile.Login, profile.Day).Count)
	}
}

func TestScheduler_CountsWhatIsNew(t *testing.T) {
	p := profile.New(time.Now, nil)
	sample := p.SchedulerSampler()
	sample()
	if n := p.Figures(profile.Scheduler, profile.Day).Count; n != 0 {
		t.Errorf("%d waits from before the first look", n)
	}
	var all sync.WaitGroup
	for range 10_000 { // the runtime counts one in eight
		all.Go(runtime.Gosched)
	}
	all.Wait()
	sample()
	if f := p.Figures(profile.Scheduler, profile.Day); f.Count == 0 || f.P50 <= 0 {
		t.Errorf("%+v", f)
	}
}

func TestNilObservesNothing(*testing.T) {
	var p *profile.Profile
	p.Observe(profile.Hash, time.Second)
	p.Start(profile.Seal)()
	p.PageTook(time.Second, true)
	p.Count(profile.FeltSlow)
	p.Level(profile.Waiting, 3)
	p.LoginBegins()(profile.Worked)
}

func TestManyAtOnce(t *testing.T) {
	var told sync.Map
	p := profile.New(time.Now, func(op string, _ time.Duration) { told.Store(op, true) })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				p.Start(profile.Seal)()
				p.Figures(profile.Seal, profile.Lately)
			}
		})
	}
	all.Wait()
	if _, ok := told.Load("aes_seal"); !ok || p.Figures(profile.Seal, profile.Lately).Count != 8000 {
		t.Errorf("%+v", p.Figures(profile.Seal, profile.Lately))
	}
}

// BenchmarkObserve says what timing an operation costs, and BenchmarkNew what all of it takes in memory.
func BenchmarkObserve(b *testing.B) {
	p := profile.New(time.Now, nil)
	for b.Loop() {
		p.Observe(profile.Query, 3*time.Millisecond)
	}
}

// BenchmarkNew shows the whole of a Profile's memory as B/op.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		profile.New(time.Now, nil)
	}
}
