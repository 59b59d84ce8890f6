package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is axe-core, the checker of accessibility rules (MPL-2.0, testdata/axe.LICENSE).
//
//go:embed testdata/axe.min.js
var axe string

// patience bounds one step in the browser.
const patience = 20 * time.Second

// chromium is the browser to test with: the system's, else the one that "make browser" fetched.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("DASHTAM_TEST_CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	t.Fatal("no Chromium: install the system's package chromium, or run the tests with make test, which fetches one")
	return ""
}

// openChromium starts Chromium until the test ends; tabs made from it have cookies of their own.
func openChromium(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.DisableGPU, chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("lang", "en-GB"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return ctx
}

// tab is a browser tab with cookies of its own, and what its pages complained about.
type tab struct {
	t      *testing.T
	ctx    context.Context
	site   *instance
	script bool

	mu         sync.Mutex
	complaints []string
	expected   []string // complaints that hold one of these are meant
}

// newTab opens a tab. Without script, pages behave as in a browser with JavaScript switched off.
func newTab(t *testing.T, browser context.Context, s *instance, script bool) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	tb := &tab{t: t, ctx: ctx, site: s, script: script}
	if err := chromedp.Listen(ctx, tb.listen); err != nil {
		t.Fatal(err)
	}
	tb.scripts(script)
	tb.width(1440)
	tb.theme("light")
	t.Cleanup(tb.quiet)
	return tb
}

// scripts switches the execution of scripts on or off, for documents to come and for what the debugger waits for.
func (tb *tab) scripts(on bool) {
	tb.t.Helper()
	if _, err := chromedp.Call(tb.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		tb.t.Fatal(err)
	}
}

// listen keeps console errors, uncaught exceptions and what the browser reports by itself, CSP violations among it.
func (tb *tab) listen(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = fmt.Sprint("exception: ", e.ExceptionDetails.Text)
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			text = fmt.Sprint("console ", e.Type)
			for _, a := range e.Args {
				text += " " + string(a.Value) + a.Description
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			text = fmt.Sprint(e.Entry.Source, " ", e.Entry.Level, ": ", e.Entry.Text, " ", e.Entry.URL)
		}
	}
	if text == "" {
		return
	}
	tb.mu.Lock()
	defer tb.mu.Unlock()
	meant := func(part string) bool { return strings.Contains(text, part) }
	if !slices.ContainsFunc(tb.expected, meant) {
		tb.complaints = append(tb.complaints, text)
	}
}

// expect says which complaints are meant from here on, in addition to those said before.
func (tb *tab) expect(parts ...string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.expected = append(tb.expected, parts...)
}

// quiet fails the test when a page complained.
func (tb *tab) quiet() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, c := range tb.complaints {
		tb.t.Errorf("the browser says: %s", c)
	}
}

func (tb *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.t.Fatalf("%s: %v\nat %s:\n%s", what, err, tb.at(), tb.body())
	}
}

func (tb *tab) width(w int64) {
	tb.t.Helper()
	tb.do("resizing", chromedp.EmulateViewport(w, 900))
}

func (tb *tab) open(path string) {
	tb.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = tb.site.url + path
	}
	tb.do("opening "+path, chromedp.Navigate(path))
}

// click clicks the first visible element for a selector.
func (tb *tab) click(css string) {
	tb.t.Helper()
	tb.do("clicking "+css, chromedp.ScrollIntoView(chromedp.CSS(css)), chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible))
}

// fill types into a field, in place of what was there.
func (tb *tab) fill(css, text string) {
	tb.t.Helper()
	tb.do("filling "+css, chromedp.WaitVisible(chromedp.CSS(css)),
		stepOf(fmt.Sprintf(`document.querySelector(%q).value = ""`, css)), chromedp.SendKeys(chromedp.CSS(css), text, chromedp.NodeVisible))
}

// sees waits until an element is there and visible.
func (tb *tab) sees(css string) {
	tb.t.Helper()
	tb.do("waiting for "+css, chromedp.WaitVisible(chromedp.CSS(css)))
}

// reaches waits until the tab is at a path.
func (tb *tab) reaches(path string) {
	tb.t.Helper()
	tb.until("at "+path, func() bool { return tb.path() == path })
	tb.sees("main")
}

func (tb *tab) until(what string, is func() bool) {
	tb.t.Helper()
	deadline := time.Now().Add(patience)
	for !is() {
		if time.Now().After(deadline) {
			tb.t.Fatalf("not %s after %v, but at %s:\n%s", what, patience, tb.at(), tb.body())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (tb *tab) at() string {
	at, _ := eval[string](tb, `location.href`)
	return at
}

func (tb *tab) path() string {
	u, err := url.Parse(tb.at())
	if err != nil {
		return ""
	}
	return u.Path
}

func (tb *tab) body() string {
	text, _ := eval[string](tb, `document.body ? document.body.innerText.slice(0, 1500) : ""`)
	return text
}

func (tb *tab) text(css string) string {
	tb.t.Helper()
	text, err := eval[string](tb, fmt.Sprintf(`(document.querySelector(%q) || {innerText: ""}).innerText`, css))
	if err != nil {
		tb.t.Fatalf("reading %s: %v", css, err)
	}
	return text
}

func (tb *tab) count(css string) int {
	n, _ := eval[int](tb, fmt.Sprintf(`document.querySelectorAll(%q).length`, css))
	return n
}

// eval works with script switched off as well: that stops the page's scripts, not the debugger's. A page that goes away
// while it is asked says nothing about itself, so the next one is asked the same.
func eval[T any](tb *tab, js string) (T, error) {
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	for {
		value, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
		if err == nil || ctx.Err() != nil || !pageWentAway(err) {
			return value, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// pageWentAway tells the debugger's answers about a document that was replaced while it was asked.
func pageWentAway(err error) bool {
	for _, words := range []string{"navigated or closed", "context was destroyed", "Cannot find context", "Cannot find default execution context"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// theme makes the system prefer a colour scheme.
func (tb *tab) theme(scheme string) {
	tb.t.Helper()
	_, err := chromedp.Call(tb.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	if err != nil {
		tb.t.Fatal(err)
	}
}

// inspect checks the page the tab is at: accessibility in both themes, nothing wider than the window from a small phone
// to a desk, no layout shift. Without script the document is the same, so one look at it is enough.
func (tb *tab) inspect(name string) {
	tb.t.Helper()
	tb.scripts(true)
	defer tb.scripts(tb.script)
	if moved := tb.moved(); moved != "" {
		// On a busy machine the font may come after the first paint and move a line by a pixel. It comes once, while what
		// is built to move does so at every look.
		tb.open(tb.at())
		if again := tb.moved(); again != "" {
			tb.t.Errorf("%s: layout shift: %s, and again: %s", name, moved, again)
		}
	}
	for _, look := range []struct {
		scheme string
		width  int64
	}{{"light", 1440}, {"dark", 390}, {"dark", 1440}, {"light", 390}} {
		tb.theme(look.scheme)
		tb.width(look.width)
		_, _ = eval[int](tb, settled)
		for _, v := range tb.axe(name) {
			tb.t.Errorf("%s, %s, %d wide: %s", name, look.scheme, look.width, v)
		}
		if !tb.script {
			break
		}
	}
	for _, w := range []int64{320, 390, 768, 1024, 1440, 1920} {
		tb.width(w)
		if over, err := eval[int](tb, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); err != nil || over > 0 {
			tb.t.Errorf("%s: %d px wider than a window of %d (%v)", name, over, w, err)
		}
	}
	tb.width(1440)
	tb.theme("light")
}

// settled waits until a new theme or width is painted and nothing moves any more.
const settled = `(async () => {
	await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
	await Promise.all(document.getAnimations().filter(a => a.effect.getComputedTiming().iterations !== Infinity).map(a => a.finished))
	return 1
})()`

// moved says what moved by itself since the page was opened.
func (tb *tab) moved() string {
	tb.t.Helper()
	moved, err := eval[string](tb, layoutShift)
	if err != nil {
		tb.t.Fatalf("measuring layout shift: %v", err)
	}
	return moved
}

// layoutShift is what moved by itself, and by how much; less than a thousandth of the window is not seen.
const layoutShift = `new Promise(done => {
	const moved = []
	const box = r => [r.x, r.y, r.width, r.height].map(Math.round).join(" ")
	const seen = new PerformanceObserver(list => list.getEntries().forEach(e => {
		if (e.hadRecentInput || e.value < 0.001) return
		const what = e.sources.map(s => (s.node ? (s.node.outerHTML || s.node.textContent).slice(0, 100) : "?") + " " + box(s.previousRect) + " -> " + box(s.currentRect))
		moved.push(e.value.toFixed(4) + " at " + Math.round(e.startTime) + " ms: " + what.join("; "))
	}))
	seen.observe({type: "layout-shift", buffered: true})
	setTimeout(() => done(moved.join("\n")), 50)
})`

// axe runs the checker and lists its violations.
func (tb *tab) axe(name string) []string {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 2*patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[*runtime.RemoteObject](axe+"; undefined")); err != nil {
		tb.t.Fatalf("%s: loading axe: %v", name, err)
	}
	report, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		`axe.run().then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html.slice(0, 200) + " :: " + n.failureSummary)}))))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("%s: running axe: %v", name, err)
	}
	var violations []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(report), &violations); err != nil {
		tb.t.Fatal(err)
	}
	var list []string
	for _, v := range violations {
		list = append(list, fmt.Sprintf("%s: %s\n\t%s", v.ID, v.Help, strings.Join(v.Nodes[:min(3, len(v.Nodes))], "\n\t")))
	}
	return list
}

func stepOf(js string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[*runtime.RemoteObject](js)(ctx, t)
		return chromedp.Void{}, err
	}
}
