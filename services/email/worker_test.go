package email_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/hashpool"
	"dashtam/services/jobs"
	"dashtam/services/jwt"
	"dashtam/services/limits"
	"dashtam/services/password"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/views/emails"
)

const base = "https://money.example.org"

var stranger = actor.Actor{IP: netip.MustParseAddr("203.0.113.7"), RequestID: "req_test"}

// office is everything a mail passes through: the real auth as Linker, the real letters, River on a database of its own.
type office struct {
	t     *testing.T
	db    *postgres.Pool
	auth  *auth.Service
	queue *jobs.Queue
}

func newOffice(t *testing.T, sender email.Sender, timeout ...time.Duration) *office {
	t.Helper()
	o := &office{t: t, db: pgtest.New(t)}
	quiet := slog.New(slog.DiscardHandler)
	var err error
	if o.queue, err = jobs.NewQueue(o.db.Pool, quiet); err != nil {
		t.Fatal(err)
	}
	passwords := password.New(4)
	o.auth = auth.New(auth.Config{
		DB: o.db, Passwords: passwords, Hashes: hashpool.New(passwords, 0), Limits: limits.New(o.db, time.Now), Jobs: o.queue, Log: quiet, Now: time.Now,
		Tokens: jwt.New(bytes.Repeat([]byte{1}, 32), base, time.Now), DeviceKey: bytes.Repeat([]byte{2}, 32),
	})
	workers := river.NewWorkers()
	config := email.Config{Sender: sender, Linker: o.auth, Render: emails.Render, BaseURL: base}
	if len(timeout) > 0 {
		config.Timeout = timeout[0]
	}
	river.AddWorker(workers, &email.Worker{Email: email.New(config)})
	runner, err := jobs.NewRunner(o.db.Pool, jobs.RunnerConfig{Workers: workers, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runner.Stop(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return o
}

func (o *office) register() {
	o.t.Helper()
	_, err := o.auth.Register(o.t.Context(), stranger, auth.Registration{Email: "test@example.com", Password: "SecurePass123!", Name: "Test User"})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) enqueue(m jobs.Mail) {
	o.t.Helper()
	err := pgx.BeginFunc(o.t.Context(), o.db, func(tx pgx.Tx) error { return o.queue.Enqueue(o.t.Context(), tx, m) })
	if err != nil {
		o.t.Fatal(err)
	}
}

// wait waits until the first mail job is in a state, and says how often it was tried. It has no patience for River's
// growing pauses between tries.
func (o *office) wait(state string) (attempts int) {
	o.t.Helper()
	var is, failures string
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := o.db.Exec(o.t.Context(), `UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state = 'retryable'`); err != nil {
			o.t.Fatal(err)
		}
		err := o.db.QueryRow(o.t.Context(), `SELECT state::text, attempt, coalesce(array_to_string(errors, ' '), '') FROM river_job WHERE kind = 'mail' ORDER BY id LIMIT 1`).Scan(&is, &attempts, &failures)
		if err != nil {
			o.t.Fatal(err)
		}
		if is == state {
			return attempts
		}
	}
	o.t.Fatalf("the job is %s after %d tries, want %s: %s", is, attempts, state, failures)
	return 0
}

func TestSeed_Email_ASignUpIsMailedAndItsLinkWorks(t *testing.T) {
	box := email.NewOutbox(t.TempDir(), from)
	o := newOffice(t, box)
	o.register()
	o.wait("completed")
	mails, err := box.Newest(t.Context(), 2)
	if err != nil || len(mails) != 1 || mails[0].To != "test@example.com" {
		t.Fatalf("%+v, %v", mails, err)
	}
	token := ""
	for line := range strings.Lines(mails[0].Text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), base+"/verify/"); ok {
			token = rest
		}
	}
	if token == "" || strings.ContainsAny(token, "=+/") {
		t.Errorf("token %q in %s", token, mails[0].Text)
	}
	if err := o.auth.Verify(t.Context(), stranger, token); err != nil {
		t.Error(err)
	}
	var request string
	if err := o.db.QueryRow(t.Context(), `SELECT request_id FROM audit_events WHERE act = 'verify.link'`).Scan(&request); err != nil || request != stranger.RequestID {
		t.Errorf("the link was minted for request %q, %v", request, err)
	}
	var args string
	if err := o.db.QueryRow(t.Context(), `SELECT args::text || coalesce(array_to_string(errors, ' '), '') FROM river_job`).Scan(&args); err != nil || strings.Contains(args, token) {
		t.Errorf("the token lies in the job table: %s, %v", args, err)
	}
}

// Break JB-4: email.go: return nil in the last line of Work.
func TestWorker_JB4_TriesAgain(t *testing.T) {
	server := newSES(t, `{"message":"slow down"}`, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusOK)
	o := newOffice(t, server.sender())
	o.register()
	if n := o.wait("completed"); n != 3 || len(server.sent) != 1 || server.asked != 3 {
		t.Errorf("tried %d times, asked %d times, %d mails", n, server.asked, len(server.sent))
	}
}

// Break JB-4: worker.go: leave out the question for ErrRefused
func TestWorker_JB4_GivesUpWhatCannotHelp(t *testing.T) {
	for name, status := range map[string]int{email.Verify: http.StatusBadRequest, "flattery": http.StatusOK} {
		server := newSES(t, `{"message":"no"}`, status)
		o := newOffice(t, server.sender())
		if name == email.Verify {
			o.register()
		} else {
			o.enqueue(jobs.Mail{Purpose: name, UserID: uuid.New()})
		}
		if n := o.wait("cancelled"); n != 1 || len(server.sent) != 0 {
			t.Errorf("%s: tried %d times, %d mails", name, n, len(server.sent))
		}
	}
}

// Break JB-4: worker.go: leave out the question for ErrNoMail
func TestWorker_JB4_NeverAfterItIsMoot(t *testing.T) {
	server := newSES(t, "", http.StatusOK)
	o := newOffice(t, server.sender())
	o.enqueue(jobs.Mail{Purpose: email.Verify, UserID: uuid.New()}) // nobody of that id, as after a deletion
	o.wait("completed")
	if server.asked != 0 {
		t.Error("a mail was sent to nobody")
	}
}

// The mail about a connection that has stopped leads to that connection.
func TestWorker_NeedsYouLeadsToTheConnection(t *testing.T) {
	box := email.NewOutbox(t.TempDir(), from)
	o := newOffice(t, box)
	user, connection := uuid.New(), uuid.New()
	for _, sql := range []string{
		`INSERT INTO users (id, email, email_key, name, password_hash, verified_at) VALUES (@user, 'nora@example.com', 'nora@example.com', 'Nora', '', now())`,
		`INSERT INTO connections (user_id, id, provider, name, status) VALUES (@user, @id, 'sandbox', 'Bank', 'needs_you')`,
	} {
		if _, err := o.db.Exec(t.Context(), sql, pgx.NamedArgs{"user": user, "id": connection}); err != nil {
			t.Fatal(err)
		}
	}
	o.enqueue(jobs.Mail{Purpose: email.NeedsYou, UserID: user, About: connection})
	o.wait("completed")
	mails, err := box.Newest(t.Context(), 2)
	if err != nil || len(mails) != 1 || !strings.Contains(mails[0].Text, "\n"+base+"/connections/"+connection.String()+"\n") {
		t.Errorf("%+v, %v", mails, err)
	}
}
