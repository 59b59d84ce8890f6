package handlers_test

import (
	"fmt"
	"strings"
	"testing"

	"dashtam/handlers/handlertest"
)

// booked is what a person whose bank's books do odd things has, as their pages and their rows say.
type booked struct {
	t          *testing.T
	app        *handlertest.App
	nora       *handlertest.Browser
	connection string
}

// one is a value of nora's.
func (b booked) one(sql string) string {
	b.t.Helper()
	return row(b.t, b.app, sql, b.nora.User.ID)
}

// fetch syncs once more, and gives what the newest line of the connection's history says came in.
func (b booked) fetch() string {
	b.t.Helper()
	b.one(`WITH done AS (UPDATE sync_runs SET queued_at = queued_at - interval '6 minutes' WHERE user_id = $1 RETURNING 1) SELECT count(*)::text FROM done`)
	b.nora.Post(b.connection + "/sync").WantRedirect(b.connection)
	b.app.AwaitSync(b.nora, b.connection)
	page := b.nora.Get(b.connection).Want(200)
	page.WantOne(".st-chip:contains(Healthy)")
	return strings.TrimSpace(page.Find("section[aria-labelledby=hist] tbody tr").First().Find("td.t-d").Text())
}

const (
	howMany = `SELECT count(*)::text FROM transactions WHERE user_id = $1`
	// pairs are the transactions that differ from another of their account in nothing a bank says but the id.
	pairs = `SELECT coalesce(string_agg(ids, ' ' ORDER BY ids), '') FROM (
		SELECT string_agg(id::text, '+' ORDER BY id) AS ids FROM transactions WHERE user_id = $1 AND status = 'posted'
		GROUP BY account_id, booked_on, happened_at, amount_minor, currency, payee, description HAVING count(*) > 1) p`
)

// Two payments that are alike in all but the bank's id are two: they arrive as new, stay two when the bank is asked again,
// and when it gives every payment another id; where it takes one back, one stays. What else happens in the bank's books
// while the test runs may come in beside it.
func TestBooks_TwinsStayTwo(t *testing.T) {
	b := booked{t: t, app: handlertest.New(t)}
	b.nora, b.connection = b.app.Connected("Nora Okafor", "nora")
	if twins := b.one(pairs); twins != "" {
		t.Fatalf("there are twins before: %s", twins)
	}
	before := b.one(howMany)
	fault(t, b.app, "twins", "1", "user", "nora")
	came, twins := b.fetch(), b.one(pairs)
	if n := len(strings.Fields(twins)); n < 5 {
		t.Fatalf("%d pairs of twins: %s", n, twins)
	}
	if want := fmt.Sprintf("+%s new", b.one(`SELECT (count(*) - `+before+`)::text FROM transactions WHERE user_id = $1`)); !strings.HasPrefix(came, want) {
		t.Errorf("the history says %q, want %q", came, want)
	}

	known := b.one(howMany)
	if came = b.fetch(); b.one(pairs) != twins || came == "nothing new" && b.one(howMany) != known {
		t.Errorf("%q came in; the twins are\n%s\nnot\n%s", came, b.one(pairs), twins)
	}

	b.one(`WITH other AS (UPDATE transactions SET external_id = 'other-' || external_id WHERE user_id = $1 RETURNING 1) SELECT count(*)::text FROM other`)
	if came = b.fetch(); b.one(pairs) != twins || came == "nothing new" && b.one(howMany) != known {
		t.Errorf("with other ids %q came in; the twins are\n%s\nnot\n%s", came, b.one(pairs), twins)
	}

	fault(t, b.app, "twins", "0", "user", "nora")
	if came = b.fetch(); !strings.Contains(came, fmt.Sprintf("%d gone", len(strings.Fields(twins)))) || b.one(pairs) != "" {
		t.Errorf("the bank took one of each back; the history says %q, and twins are still %s", came, b.one(pairs))
	}
}

// What was pending is posted under another id of the bank's: it is the same row, with what the person wrote, and the run
// says so.
func TestBooks_PendingPosts(t *testing.T) {
	b := booked{t: t, app: handlertest.New(t)}
	b.nora, b.connection = b.app.Connected("Nora Okafor", "nora")
	const ids = `SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM transactions WHERE user_id = $1 AND status = `
	waiting, known := strings.Fields(b.one(ids+`'pending'`)), b.one(howMany)
	if len(waiting) == 0 {
		t.Fatal("nothing is pending")
	}
	noted := "/transactions/" + waiting[0]
	b.nora.Post(noted+"/note", "note", "for the roof").WantRedirect(noted)
	b.nora.Get(noted).Want(200).WantText("Pending")
	name := b.one(`SELECT external_id FROM transactions WHERE user_id = $1 AND note <> ''`)

	fault(t, b.app, "pending_to_posted", "1", "user", "nora")
	came := b.fetch()
	posted := b.one(ids + `'posted'`)
	for _, id := range waiting {
		if !strings.Contains(posted, id) {
			t.Errorf("%s is not posted", id)
		}
	}
	if want := fmt.Sprintf("%d merged", len(waiting)); !strings.Contains(came, want) || b.one(howMany) == known && came != want {
		t.Errorf("the history says %q of %s transactions, then %s; want %q", came, known, b.one(howMany), want)
	}
	page := b.nora.Get(noted).Want(200)
	if page.WantOne("[name=note]"); !strings.Contains(page.Body, "for the roof") || strings.Contains(page.Find("main").Text(), "Pending") {
		t.Errorf("the page of it says %s", page.Said())
	}
	if b.one(`SELECT external_id FROM transactions WHERE user_id = $1 AND note <> ''`) == name {
		t.Error("the bank gave it no other id: nothing was tried")
	}
	if came = b.fetch(); strings.Contains(came, "merged") {
		t.Errorf("once more: %q", came)
	}
}
