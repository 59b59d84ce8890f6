package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres/pgtest"
	"dashtam/services/redis/redistest"
)

// nodes is two processes of one Dashtam behind nginx (.ci/two-nodes).
type nodes struct {
	dir, database string
	front, a, b   string // URLs
}

// twoNodes starts them on a fresh database and a Redis of their own.
func twoNodes(t *testing.T) *nodes {
	t.Helper()
	for _, need := range []string{"nginx", "curl"} {
		_, err := exec.LookPath(need)
		if err != nil {
			_, err = exec.LookPath("/usr/sbin/" + need)
		}
		if err != nil {
			t.Fatalf("there is no %s: please install it (Debian: apt-get install %s)", need, need)
		}
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	n := &nodes{dir: t.TempDir(), database: pgtest.URL(t)}
	ports := []string{port(freeAddress(t)), port(freeAddress(t)), port(freeAddress(t))}
	n.front, n.a, n.b = "http://localhost:"+ports[0], "http://localhost:"+ports[1], "http://localhost:"+ports[2]
	cmd := exec.Command("../../.ci/two-nodes", append([]string{n.dir}, ports...)...)
	cmd.Env = append(os.Environ(), "DASHTAM_BINARY="+path,
		"DASHTAM_HASH_WORKERS=0", // beside other tests workers may get no time, and people are sent away: that is tested elsewhere
		"DASHTAM_DATABASE_URL="+n.database, "DASHTAM_REDIS_URL="+redistest.New(t).URL().Reveal())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the two nodes ended with %v", err)
		}
		if t.Failed() {
			t.Logf("nginx: %s", n.read("nginx.log"))
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "Dashtam: "+n.front+"\n" {
		t.Fatalf("%q, %v; the log of one:\n%s", line, err, n.read("a.log"))
	}
	return n
}

func (n *nodes) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(n.dir, name)) // what is not there is empty
	return string(text)
}

// visitor is a person at any of the nodes: cookies know no ports. Each request has a connection of its own.
func visitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{
		Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask sends a request and gives its status and where it leads. A form makes it a POST.
func ask(c *http.Client, to string, form url.Values) (int, string, error) {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequest(method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("X-Forwarded-For", address(rand.IntN(1<<24))) // the nodes believe whoever is in front of them
	res, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("Location"), err
}

func wantAnswer(t *testing.T, c *http.Client, to string, form url.Values, status int, leads string) {
	t.Helper()
	if got, led, err := ask(c, to, form); got != status || led != leads || err != nil {
		t.Fatalf("%s: %d to %q, %v; want %d to %q", to, got, led, err, status, leads)
	}
}

var setupLine = regexp.MustCompile(`set-up: \S+(/setup/\S+)`)

// administrator is somebody signed in through the set-up link of the node that printed the newest: it voids the other.
func (n *nodes) administrator(t *testing.T) *http.Client {
	t.Helper()
	c := visitor(t)
	awaitTrue(t, "a set-up link that works", func() bool { // it is printed a moment after the node is ready
		for _, link := range setupLine.FindAllStringSubmatch(n.read("a.out")+n.read("b.out"), -1) {
			status, _, err := ask(c, n.a+link[1], url.Values{"name": {"Ada Eze"}, "email": {"ada@example.com"}, "password": {nodesSecret}})
			if err == nil && status == http.StatusSeeOther {
				return true
			}
		}
		return false
	})
	return c
}

const nodesSecret = "a calm ledger for two nodes"

// mails are those that either node wrote for an address.
func (n *nodes) mails(address string) (texts []string) {
	for _, node := range []string{"a", "b"} {
		names, _ := filepath.Glob(filepath.Join(n.dir, node, "outbox", "*.eml"))
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err == nil && strings.Contains(string(text), address) {
				texts = append(texts, string(text))
			}
		}
	}
	return texts
}

// Break SE-3: services/auth/sessions.go: in the query that finds a session, leave out "AND s.revoked_at IS NULL"
func TestTwoNodes_SE3_ASessionEndsOnBoth(t *testing.T) {
	n := twoNodes(t)
	ada := n.administrator(t)
	wantAnswer(t, ada, n.b+"/admin", nil, 200, "")
	home, _ := url.Parse(n.a)
	stolen := visitor(t)
	stolen.Jar.SetCookies(home, ada.Jar.Cookies(home))
	wantAnswer(t, stolen, n.b+"/overview", nil, 200, "")
	wantAnswer(t, ada, n.a+"/logout", url.Values{}, 303, "/")
	wantAnswer(t, stolen, n.b+"/overview", nil, 303, "/login?next=%2Foverview")
	wantAnswer(t, stolen, n.a+"/overview", nil, 303, "/login?next=%2Foverview")

}

// A session that is used at one node all the time is ended at the other, from the list of sessions.
//
// Break SE-5: services/auth/sessions.go: in the query that finds a session, leave out "AND s.revoked_at IS NULL"
func TestTwoNodes_SE5_RevokedOnOneRefusedByTheOther(t *testing.T) {
	n := twoNodes(t)
	ada, lost := n.administrator(t), visitor(t)
	wantAnswer(t, lost, n.b+"/login", url.Values{"email": {"ada@example.com"}, "password": {nodesSecret}}, 303, "/overview")
	db := n.connect(t)
	var id string
	err := db.QueryRow(t.Context(), `SELECT id::text FROM sessions WHERE user_id IS NOT NULL AND revoked_at IS NULL ORDER BY created_at DESC LIMIT 1`).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	used, refused := make(chan struct{}, 1000), make(chan time.Time, 1)
	go func() {
		defer close(refused)
		defer close(used)
		for range cap(used) {
			status, to, err := ask(lost, n.b+"/overview", nil)
			if status != 200 || err != nil {
				if status == 303 && to == "/login?next=%2Foverview" {
					refused <- time.Now()
				} else {
					t.Errorf("%d to %q, %v", status, to, err)
				}
				return
			}
			used <- struct{}{}
		}
	}()
	<-used
	wantAnswer(t, ada, n.a+"/settings/sessions/"+id+"/revoke", url.Values{}, 303, "/settings/sessions")
	revoked := time.Now()
	if at, ok := <-refused; !ok || at.Sub(revoked) > time.Second {
		t.Errorf("refused: %t, %v later", ok, at.Sub(revoked))
	}
	wantAnswer(t, ada, n.b+"/overview", nil, 200, "")
}

// A mailed link works once, whichever node it is sent to.
//
// Break RS-7: services/auth/links.go: in spend, err = nil in place of err = ErrLink
func TestTwoNodes_RS7_ALinkWorksOnce(t *testing.T) {
	n := twoNodes(t)
	who, nora := visitor(t), "nora@example.com"
	wantAnswer(t, who, n.a+"/signup", url.Values{"name": {"Nora"}, "email": {nora}, "password": {nodesSecret}}, 303, "/signup/sent")
	n.worksOnce(t, n.mailedLink(t, nora, "verify"), url.Values{})
	wantAnswer(t, who, n.b+"/password/forgot", url.Values{"email": {nora}}, 303, "/password/sent")
	n.worksOnce(t, n.mailedLink(t, nora, "password/reset"), url.Values{"password": {"another " + nodesSecret}})
	wantAnswer(t, who, n.b+"/login", url.Values{"email": {nora}, "password": {"another " + nodesSecret}}, 303, "/overview")
}

// mailedLink is the path of the link in a mail to address that begins with begins.
func (n *nodes) mailedLink(t *testing.T, address, begins string) (link string) {
	t.Helper()
	awaitTrue(t, "a mail", func() bool {
		for _, text := range n.mails(address) {
			link += regexp.MustCompile(`/` + begins + `/[\w-]+`).FindString(text)
		}
		return link != ""
	})
	return link
}

// worksOnce sends form to a link fifty times at once, to both nodes. Who is told to come back later comes back.
func (n *nodes) worksOnce(t *testing.T, link string, form url.Values) {
	t.Helper()
	who := visitor(t)
	var won, lost atomic.Int32
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			status, to, err := 503, "", error(nil)
			for status == 503 && err == nil {
				status, to, err = ask(who, []string{n.a, n.b}[i%2]+link, form)
			}
			switch {
			case err == nil && status == 303 && to == "/login":
				won.Add(1)
			case err == nil && status == 404:
				lost.Add(1)
			default:
				t.Errorf("%d to %q, %v", status, to, err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || lost.Load() != 49 {
		t.Errorf("the link worked %d times and was refused %d times", won.Load(), lost.Load())
	}
}

// connect opens the nodes' database.
func (n *nodes) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	db, err := pgx.Connect(t.Context(), n.database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	return db
}

// Both nodes are replaced while people come at a constant rate: nobody notices, and every job that was queued is done.
func TestTwoNodes_F27_RollingRestart(t *testing.T) {
	n := twoNodes(t)
	ada := n.administrator(t)
	ctx, cancel := context.WithCancel(t.Context())
	var sent, failed, signups atomic.Int32
	var all sync.WaitGroup
	shoot := func(c *http.Client, path string, form url.Values, want int) {
		all.Go(func() {
			sent.Add(1)
			if got, _, err := ask(c, n.front+path, form); got != want || err != nil {
				failed.Add(1)
				t.Errorf("%s: %d, %v", path, got, err)
			}
		})
	}
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			shoot(ada, []string{"/overview", "/login"}[i%2], nil, []int{200, 303}[i%2])
			if i%10 == 0 {
				k := signups.Add(1)
				stranger := visitor(t)
				shoot(stranger, "/signup", url.Values{"name": {"N"}, "email": {fmt.Sprintf("person%d@example.com", k)}, "password": {nodesSecret}}, 303)
			}
			if i%7 == 0 {
				shoot(ada, "/settings/profile", url.Values{"name": {"Ada Eze"}, "timezone": {"UTC"}, "theme": {"dark"}}, 303)
			}
		}
	}()
	before := n.read("a.pid") + n.read("b.pid")
	if out, err := exec.Command("../../.ci/two-nodes", n.dir, "roll").CombinedOutput(); err != nil {
		t.Errorf("rolling: %v\n%s", err, out)
	}
	cancel()
	<-loaded
	all.Wait()
	if after := n.read("a.pid") + n.read("b.pid"); after == before {
		t.Error("no node was replaced")
	}
	t.Logf("%d requests, %d failed, %d sign-ups", sent.Load(), failed.Load(), signups.Load())

	db := n.connect(t)
	var queued, done int32
	awaitTrue(t, "the end of all jobs", func() bool {
		err := db.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE state = 'completed') FROM river_job WHERE kind = 'mail'`).Scan(&queued, &done)
		if err != nil {
			t.Fatal(err)
		}
		return queued == done
	})
	if queued != signups.Load() || len(n.mails("@example.com")) != int(queued) {
		t.Errorf("%d sign-ups, %d mails queued, %d in the outboxes", signups.Load(), queued, len(n.mails("@example.com")))
	}
}

func awaitTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begin := time.Now(); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
