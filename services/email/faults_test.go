package email_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/email"
)

// double is a mail server that can be told how to behave.
type double struct {
	sender                        email.Sender
	well, busy, refusing, hanging func()
	mails                         func() [][]byte
}

// doubles are the real SES v2 client and the real SMTP client, each before a server of its own.
func doubles(t *testing.T) map[string]double {
	t.Helper()
	amazon := newSES(t, `{"message":"no, and not https://money.example.org/verify/quoted either"}`, http.StatusOK)
	server := newMailServer(t, "")
	smtp, err := email.NewSMTP("smtp://"+server.addr, from)
	if err != nil {
		t.Fatal(err)
	}
	ses, rcpt := func(status int) func() { return func() { amazon.answer(status) } }, func(line string) func() { return func() { server.answer(line) } }
	return map[string]double{
		"SES": {amazon.sender(), ses(http.StatusOK), ses(http.StatusTooManyRequests), ses(http.StatusBadRequest), ses(0), amazon.mails},
		"SMTP": {
			smtp, rcpt(""), rcpt("450 4.2.1 <test@example.com> come back later"),
			rcpt("550 5.1.1 no <test@example.com> here, see https://money.example.org/verify/quoted"), rcpt(hangs), server.mails,
		},
	}
}

// failed waits until the first mail job has failed so often, and gives its state, its last error and when it goes on.
func (o *office) failed(times int) (state, last string, next time.Time) {
	o.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var n int
		err := o.db.QueryRow(o.t.Context(), `
			SELECT cardinality(errors), state::text, errors[array_upper(errors, 1)] ->> 'error', scheduled_at FROM river_job
			WHERE kind = 'mail' AND errors IS NOT NULL ORDER BY id LIMIT 1`).Scan(&n, &state, &last, &next)
		if err == nil && n >= times {
			return state, last, next
		}
	}
	o.t.Fatalf("the mail did not fail %d times", times)
	return "", "", time.Time{}
}

// Throttled, then hanging, then well: tried again later each time, nobody's answer waits, and the mail comes once with a
// link that works.
// Break JB-4: email.go: leave out context.WithTimeout
// Break JB-4: worker.go: return river.JobCancel(err) for every error of Send
func TestWorker_JB4_F19_ThrottledAndHanging(t *testing.T) {
	const patience = 300 * time.Millisecond
	for name, d := range doubles(t) {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, d.sender, patience)
			d.busy()
			o.register()
			state, last, next := o.failed(1)
			if reason, _ := email.ReasonIn(last); reason != email.Busy || state == "cancelled" || !next.After(time.Now().Add(-time.Minute)) {
				t.Errorf("throttled: %s, %q", state, last)
			}
			d.hanging()
			_ = o.auth.RequestReset(t.Context(), stranger, "test@example.com")
			begin := time.Now()
			o.again()
			_, last, _ = o.failed(2)
			if reason, _ := email.ReasonIn(last); reason != email.TimedOut || time.Since(begin) > 10*patience {
				t.Errorf("hanging: given up after %v with %q", time.Since(begin), last)
			}
			begin = time.Now()
			if err := o.auth.RequestReset(t.Context(), stranger, "nobody@example.com"); err != nil || time.Since(begin) > patience {
				t.Errorf("a page waits %v for the mail server, %v", time.Since(begin), err)
			}
			d.well()
			o.wait("completed")
			verifying := 0
			for _, m := range d.mails() {
				if !bytes.Contains(m, []byte(base+"/verify/")) {
					continue
				}
				verifying++
				_, rest, _ := strings.Cut(string(m), base+"/verify/")
				if err := o.auth.Verify(t.Context(), stranger, strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0])); err != nil {
					t.Errorf("the link that came late: %v", err)
				}
			}
			if verifying != 1 {
				t.Errorf("the mail came %d times", verifying)
			}
		})
	}
}

// again makes a failed job due.
func (o *office) again() {
	o.t.Helper()
	if _, err := o.db.Exec(o.t.Context(), `UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state = 'retryable'`); err != nil {
		o.t.Fatal(err)
	}
}

// A mail that is refused is dead at once, and says why without a link or an address. An administrator can still have it
// tried.
// Break JB-4: worker.go: leave out the question for ErrRefused
// Break AU-3: failure.go: said: err.Error()
func TestWorker_JB4_AU3_RefusedIsDeadAtOnce(t *testing.T) {
	for name, d := range doubles(t) {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, d.sender)
			d.refusing()
			o.register()
			state, last, _ := o.failed(1)
			reason, said := email.ReasonIn(last)
			if n := o.wait("cancelled"); reason != email.Refused || n != 1 {
				t.Errorf("%s after %d tries: %q", state, n, last)
			}
			if strings.Contains(last, "quoted") || strings.Contains(last, "test@") || said == "" {
				t.Errorf("the error says %q", last)
			}
			d.well()
			var found bool
			err := pgx.BeginFunc(t.Context(), o.db, func(tx pgx.Tx) (err error) {
				var id int64
				if err := tx.QueryRow(t.Context(), `SELECT id FROM river_job WHERE kind = 'mail'`).Scan(&id); err != nil {
					return err
				}
				found, err = o.queue.Retry(t.Context(), tx, id)
				return err
			})
			if err != nil || !found {
				t.Fatalf("%t, %v", found, err)
			}
			if n := o.wait("completed"); n != 2 || len(d.mails()) != 1 {
				t.Errorf("after %d tries %d mails", n, len(d.mails()))
			}
		})
	}
}

func TestReasonIn(t *testing.T) {
	for text, want := range map[string]email.Reason{
		"JobCancelError: mail refused: 550 no (request req_X)": email.Refused, "mail timed_out: i/o timeout (request req_X)": email.TimedOut,
		"email: auth: preparing a mail: no database": email.Other, "": email.Other, "mail mystery: x": email.Other,
	} {
		if got, _ := email.ReasonIn(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
