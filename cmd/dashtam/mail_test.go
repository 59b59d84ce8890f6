package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// amazon stands for AWS SES, and does what it is told.
type amazon struct {
	mu     sync.Mutex
	status int           // of answers
	hold   chan struct{} // closed: answers come; nil likewise
	held   int           // requests that came while answers did not
	mails  map[string][]string
}

func (a *amazon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Destination struct{ ToAddresses []string }
		Content     struct{ Raw struct{ Data []byte } }
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	a.mu.Lock()
	status, hold := a.status, a.hold
	a.held++
	a.mu.Unlock()
	if hold != nil {
		<-hold
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil || len(in.Destination.ToAddresses) != 1 || status != http.StatusOK {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"message":"slow down"}`))
		return
	}
	a.mu.Lock()
	a.mails[in.Destination.ToAddresses[0]] = append(a.mails[in.Destination.ToAddresses[0]], string(in.Content.Raw.Data))
	a.mu.Unlock()
	_, _ = w.Write([]byte(`{"MessageId":"1"}`))
}

// serve answers at address until the test ends.
func (a *amazon) serve(t *testing.T, address string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: a, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
}

// tell changes what it does, and gives how many requests came while it did the same.
func (a *amazon) tell(status int, hold chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status, a.hold, a.held = status, hold, 0
}

func (a *amazon) asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held
}

// While SES is away, sends everybody away, or takes a mail and says nothing, sign-up and reset answer as ever, alike for
// known and unknown addresses and before SES does. When it is well each mail comes once and its link works, but no link that
// would be over by now.
func TestServe_F19_PagesDoNotKnowWhatBecomesOfMail(t *testing.T) {
	address, ses := freeAddress(t), &amazon{mails: map[string][]string{}}
	s := launch(t, "serve", "DASHTAM_EMAIL=ses", "DASHTAM_EMAIL_FROM=dashtam@example.org", "DASHTAM_SES_REGION=eu-central-1",
		"DASHTAM_SES_ENDPOINT=http://"+address, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "DASHTAM_TRUSTED_PROXIES=127.0.0.0/8")
	const known, password = "ada@example.com", "a calm ledger without mail"
	wantAnswer(t, visitor(t), s.setUp, url.Values{"name": {"Ada Eze"}, "email": {known}, "password": {password}}, 303, "/admin")
	db, err := pgx.Connect(t.Context(), s.database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	do := func(sql string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	// again has no patience for the growing pauses between tries.
	again := func() { do(`UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state = 'retryable'`) }
	jobs := func(are string) (n int) {
		t.Helper()
		if err := db.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'mail' AND `+are).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	visit := func(stranger string) {
		t.Helper()
		for _, email := range []string{stranger, known} {
			wantAnswer(t, visitor(t), s.url+"/signup", url.Values{"name": {"N"}, "email": {email}, "password": {password}}, 303, "/signup/sent")
		}
		for _, email := range []string{"nobody@example.com", known} {
			wantAnswer(t, visitor(t), s.url+"/password/forgot", url.Values{"email": {email}}, 303, "/password/sent")
		}
	}

	visit("away@example.com") // nothing listens at its address
	awaitTrue(t, "failures of all", func() bool { return jobs("errors IS NULL AND state <> 'completed'") == 0 })
	do(`UPDATE river_job SET created_at = created_at - interval '46 minutes' WHERE args ->> 'purpose' = 'reset'`)
	if n := jobs("args ->> 'purpose' = 'reset' AND errors IS NOT NULL"); n != 1 {
		t.Fatalf("%d resets were tried, want one", n)
	}

	ses.tell(http.StatusTooManyRequests, nil)
	ses.serve(t, address)
	visit("busy@example.com")
	awaitTrue(t, "refusals", func() bool { return jobs("errors IS NULL AND args ->> 'purpose' = 'verify'") == 0 && ses.asked() > 0 })

	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	ses.tell(http.StatusOK, hold)
	again()
	awaitTrue(t, "a mail that SES took", func() bool { return ses.asked() > 0 })
	visit("slow@example.com") // it says nothing before this is over
	release()
	awaitTrue(t, "the end of all mails", func() bool { again(); return jobs("state <> 'completed'") == 0 })

	ses.mu.Lock()
	defer ses.mu.Unlock()
	link := regexp.MustCompile(regexp.QuoteMeta(s.url) + `/verify/[\w-]+`)
	for _, stranger := range []string{"away@example.com", "busy@example.com", "slow@example.com"} {
		if n := len(ses.mails[stranger]); n != 1 {
			t.Errorf("%s got %d mails, want one", stranger, n)
			continue
		}
		wantAnswer(t, visitor(t), link.FindString(ses.mails[stranger][0]), url.Values{}, 303, "/login")
	}
	for _, mail := range ses.mails[known] {
		if strings.Contains(mail, "/password/reset/") {
			t.Errorf("a link that is over was mailed: %s", mail)
		}
	}
	if len(ses.mails) != 4 {
		t.Errorf("mails went to %d people", len(ses.mails))
	}
}
