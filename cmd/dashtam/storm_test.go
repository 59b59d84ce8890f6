package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkStorm asks the question this project began with: what happens to everybody else while a hundred people log in
// at once, as fast as they are let in, at bcrypt's cost 12. /overview of a person with three years of data is asked for
// fifty times a second whether or not answers come; its times count from when it was due. Idle and storm, and the
// simpler ways of hashing, are measured in the same run, in turns.
//
//	make storm
func BenchmarkStorm(b *testing.B) {
	for _, place := range placements {
		b.Run(strings.ReplaceAll(place.name, " ", "-"), func(b *testing.B) {
			if why := place.impossible(); why != "" {
				b.Logf("%s: not possible here: %s", place.name, why)
				return
			}
			for range b.N {
				storm(b, place)
			}
		})
	}
}

const (
	stormRounds = 3
	stormPeople = 100
	stormPages  = 50.0 // a second
	stormIdle   = 4 * time.Second
	stormRaise  = 3 * time.Second // until every worker is busy and the queue is full
	stormLength = 12 * time.Second
	loopWarm    = time.Second
	knownEach   = 700 * time.Millisecond
)

// variant is a way of hashing.
type variant struct {
	name       string
	goroutines bool
	workers    string // DASHTAM_HASH_WORKERS, empty = as many as there should be
}

func variants(cores int) []variant {
	return []variant{
		{name: "processes"},
		{name: "inline", workers: "0"},
		{name: "semaphore of cores", goroutines: true, workers: fmt.Sprint(cores)},
		{name: "semaphore of cores - 1", goroutines: true, workers: fmt.Sprint(max(1, cores-1))},
	}
}

// outcome is what one turn of one variant gave.
type outcome struct{ idle, page, pageP50, logins, known, failed, shed, waitP95 []float64 }

// bareLoops stands for hashing without this program: what the machine gives to it beside the same pages.
type bareLoops struct{ page, pageP50, logins []float64 }

func storm(b *testing.B, place placement) {
	dir := b.TempDir()
	seeded := false
	results := map[string]*outcome{}
	var loops bareLoops
	list := variants(place.cores())
	for range stormRounds {
		for _, v := range list {
			s := place.launch(b, dir, v)
			if !seeded {
				s.seed(b, stormPeople)
				seeded = true
			}
			if results[v.name] == nil {
				results[v.name] = new(outcome)
			}
			tally := s.turn(b, results[v.name])
			if v.name == list[0].name { // of the baselines, what they lose is what is measured
				if tally.other > 0 {
					b.Errorf("%d logins ended neither signed in nor with a 503: %v", tally.other, tally.example)
				}
				s.besideLoops(b, place, &loops)
			}
			s.end(b)
		}
	}
	b.Logf("%s, %d cores, %d rounds; milliseconds, median (least to most)\n%s", place.name, runtime.NumCPU(), stormRounds, table(list, results, loops))
	ours := results[list[0].name]
	b.ReportMetric(median(ours.idle), "idle-p99-ms")
	b.ReportMetric(median(ours.page), "page-p99-ms")
	b.ReportMetric(median(ours.logins), "logins/s")
	b.ReportMetric(median(ours.logins)/median(loops.logins), "of-bare-loops")
	b.ReportMetric(median(results["semaphore of cores"].page)/median(ours.page), "p99-better-than-cores")
	b.ReportMetric(median(ours.logins)/median(results["semaphore of cores - 1"].logins), "logins-over-cores-1")
}

func table(list []variant, results map[string]*outcome, loops bareLoops) string {
	var text strings.Builder
	fmt.Fprintf(&text, "| hashing | page p99 idle | page p50 | page p99 | pages failed | logins/s | known device p95 | shed %% | strangers' wait p95 |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, v := range list {
		o := results[v.name]
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %.0f | %s | %s | %s | %s |\n", v.name,
			spread1(o.idle), spread1(o.pageP50), spread1(o.page), sum(o.failed), spread1(o.logins), spread0(o.known), spread0(o.shed), spread0(o.waitP95))
	}
	fmt.Fprintf(&text, "| bare bcrypt loops of nice 19 beside the same pages | | %s | %s | | %s | | | |\n",
		spread1(loops.pageP50), spread1(loops.page), spread1(loops.logins))
	return text.String()
}

// turn measures one variant: idle, then in the storm.
func (s *stormServer) turn(b *testing.B, o *outcome) tally {
	page := func(int) error { return get(s.client, s.url+"/overview") }
	openLoop(stormPages, loopWarm, page)
	idle, _ := openLoop(stormPages, stormIdle, page)
	o.idle = append(o.idle, percentile(idle, 99))

	s.makeKnown(b)
	crowd := s.beginStorm(b, stormPeople)
	time.Sleep(stormRaise)
	crowd.count()
	known := s.beginKnown()
	pages, failed := openLoop(stormPages, stormLength, page)
	tally := crowd.count()
	welcome, refused := known()
	crowd.end()
	if refused != nil {
		tally.other, tally.example = tally.other+1, refused
	}
	o.known = append(o.known, percentile(welcome, 95))
	o.page, o.pageP50 = append(o.page, percentile(pages, 99)), append(o.pageP50, percentile(pages, 50))
	o.failed = append(o.failed, float64(failed))
	o.logins = append(o.logins, float64(len(tally.took)+len(welcome))/tally.over.Seconds())
	o.waitP95 = append(o.waitP95, percentile(tally.took, 95))
	o.shed = append(o.shed, 100*float64(tally.shed)/float64(max(1, tally.shed+len(tally.took))))
	return tally
}

// besideLoops measures processes of nice 19 that do nothing but hash, and the same pages beside them.
func (s *stormServer) besideLoops(b *testing.B, place placement, o *bareLoops) {
	stop := place.startLoops(b)
	pages, _ := openLoop(stormPages, stormLength, func(int) error { return get(s.client, s.url+"/overview") })
	o.logins = append(o.logins, stop())
	o.page, o.pageP50 = append(o.page, percentile(pages, 99)), append(o.pageP50, percentile(pages, 50))
}

// BenchmarkStormAPI asks all of the JSON API's reads for a hundred people once a second each, idle and in the storm.
func BenchmarkStormAPI(b *testing.B) {
	place := placements[0]
	s := place.launch(b, b.TempDir(), variants(place.cores())[0])
	defer s.end(b)
	s.seed(b, stormPeople)
	token := s.apiToken(b)
	paths := []string{"/me", "/accounts", "/transactions?limit=50", "/holdings", "/connections"}
	ask := func(i int) error { return s.api(token, paths[i%len(paths)], address(i%stormPeople)) }
	for range b.N {
		var idle, busy []float64
		for range stormRounds {
			took, failed := openLoop(stormPeople, stormIdle, ask)
			idle = append(idle, percentile(took, 95))
			crowd := s.beginStorm(b, stormPeople)
			time.Sleep(stormRaise)
			inStorm, failedToo := openLoop(stormPeople, stormLength, ask)
			crowd.end()
			busy = append(busy, percentile(inStorm, 95))
			if failed+failedToo > 0 {
				b.Errorf("%d answers were not 200", failed+failedToo)
			}
			time.Sleep(stormRaise)
		}
		b.Logf("all of /api/v1, %d requests/s open-loop, p95 in ms: idle %s, in the storm %s", stormPeople, spread1(idle), spread1(busy))
		b.ReportMetric(median(idle), "idle-p95-ms")
		b.ReportMetric(median(busy), "storm-p95-ms")
	}
}

// BenchmarkStormCrowd sends a thousand people at once: half with wrong passwords, a quarter with unknown addresses, some
// who hang up; then all leave.
func BenchmarkStormCrowd(b *testing.B) {
	const thousand = 1000
	place := placements[0]
	s := place.launch(b, b.TempDir(), variants(place.cores())[0])
	defer s.end(b)
	s.seed(b, stormPeople)
	for range b.N {
		before := s.memory()
		crowd := s.beginMixed(b, thousand)
		var during []int // MB, in turns of the storm's length
		for range 5 {
			_, failed := openLoop(stormPages, stormLength, func(int) error { return get(s.client, s.url+"/overview") })
			if failed > 0 {
				b.Errorf("%d pages failed", failed)
			}
			during = append(during, s.memory()>>20)
		}
		tally := crowd.count()
		crowd.end()
		left := time.Now()
		s.untilIdle(b)
		drained := time.Since(left)
		b.Logf("%d people at once: %d answered, %d sent away with 503, %d hung up; memory of the program %d MB before, %d MB in the storm, every %v, %d MB after; drained %v after they left",
			thousand, len(tally.took), tally.shed, tally.gone, before>>20, during, stormLength, s.memory()>>20, drained.Round(time.Millisecond))
		b.ReportMetric(drained.Seconds(), "drained-s")
		b.ReportMetric(float64(slices.Max(during)), "most-MB")
		if tally.other > 0 {
			b.Errorf("%d logins ended otherwise: %v", tally.other, tally.example)
		}
	}
}

// BenchmarkStormKilled kills every worker in the storm, again and again.
func BenchmarkStormKilled(b *testing.B) {
	place := placements[0]
	s := place.launch(b, b.TempDir(), variants(place.cores())[0])
	defer s.end(b)
	s.seed(b, stormPeople)
	for range b.N {
		crowd := s.beginStorm(b, stormPeople)
		time.Sleep(stormRaise)
		crowd.count()
		var back []time.Duration
		killed := 0
		for range 5 {
			n, took := s.killWorkers(b)
			killed += n
			back = append(back, took)
			time.Sleep(time.Second)
		}
		tally := crowd.count()
		crowd.end()
		b.Logf("%d workers killed in %d rounds, all back after %v; meanwhile %d logins, %d sent away, %d lost %v", killed, len(back), back, len(tally.took), tally.shed, tally.other, tally.example)
		if tally.other > 0 {
			b.Errorf("%d logins were lost", tally.other)
		}
		b.ReportMetric(float64(tally.other), "lost")
	}
}

// BenchmarkStormSlowClients lets slowhttptest (Debian's package of that name) hold a thousand connections open in its three
// ways, while pages are asked for as in the storm.
func BenchmarkStormSlowClients(b *testing.B) {
	if _, err := exec.LookPath("slowhttptest"); err != nil {
		b.Log("not measured: slowhttptest is not installed")
		return
	}
	s := placements[0].launch(b, b.TempDir(), variants(placements[0].cores())[0])
	defer s.end(b)
	page := func(int) error { return get(s.client, s.url+"/overview") }
	openLoop(stormPages, loopWarm, page)
	p99 := map[string][]float64{}
	for range stormRounds * b.N {
		idle, _ := openLoop(stormPages, stormIdle, page)
		p99["nobody"] = append(p99["nobody"], percentile(idle, 99))
		for _, way := range [][]string{
			{"headers", "-H", "-i", "5"},
			{"body", "-B", "-i", "5", "-s", "8192", "-t", "POST"},
			{"reading", "-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3"},
		} {
			attack := exec.Command("slowhttptest", append(way[1:], "-c", "1000", "-r", "500", "-l", "20", "-p", "3", "-u", s.url+"/login")...)
			if err := attack.Start(); err != nil {
				b.Fatal(err)
			}
			time.Sleep(stormRaise)
			took, failed := openLoop(stormPages, stormLength, page)
			_ = attack.Process.Kill()
			_ = attack.Wait()
			p99[way[0]] = append(p99[way[0]], percentile(took, 99))
			if failed > 0 {
				b.Errorf("slow %s: %d pages failed", way[0], failed)
			}
		}
	}
	b.Logf("/overview, %.0f a second, p99 in ms: with nobody else %s; a thousand slow with headers %s, with bodies %s, in reading %s",
		stormPages, spread1(p99["nobody"]), spread1(p99["headers"]), spread1(p99["body"]), spread1(p99["reading"]))
}

func spread1(list []float64) string { return spreadAs("%.1f", list) }
func spread0(list []float64) string { return spreadAs("%.0f", list) }

func spreadAs(verb string, list []float64) string {
	if len(list) == 0 {
		return "-"
	}
	low, high := list[0], list[0]
	for _, x := range list {
		low, high = min(low, x), max(high, x)
	}
	return fmt.Sprintf(verb+" ("+verb+" to "+verb+")", median(list), low, high)
}

func sum(list []float64) (total float64) {
	for _, x := range list {
		total += x
	}
	return total
}
