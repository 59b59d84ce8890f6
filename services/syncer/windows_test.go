package syncer_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dashtam/services/connections"
	"dashtam/services/errs"
	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
	"dashtam/services/syncer"
)

const savings = `{"accountCategory":"DEPOSIT_ACCOUNT","accountId":"sav","accountType":"SAVINGS","currency":{"currencyCode":"USD"},"currentBalance":5,"balanceAsOf":"2026-11-24T09:00:00Z"}`

func move(id any) string {
	return fmt.Sprintf(`{"transactionId":"%v","postedTimestamp":"2026-11-20","status":"POSTED","amount":1,"payee":"Payee %v"}`, id, id)
}

// pages scripts what the bank answers about one account's transactions; the others it answers as always.
func (b *bundle) pages(account string, answer func(w http.ResponseWriter, r *http.Request)) {
	b.bank.API = func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/accounts/"+account+"/transactions") {
			answer(w, r)
			return
		}
		b.bank.Read(w, r)
	}
}

// One account whose answers are hopeless costs only itself: the others come whole, and the page can say which one it is.
//
// Break OA-22: services/syncer/workers.go: in ofAccount, return false
func TestRun_OA22_OneAccountSuffersAlone(t *testing.T) {
	whole := newBundle(t)
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		cause  string
	}{
		"the same key for ever": {func(w http.ResponseWriter, _ *http.Request) {
			banktest.Raw(w, `{"transactions":[`+move(1)+`],"page":{"nextPageKey":"k"}}`)
		}, connections.CauseBankData},
		"a key of 5 KB": {func(w http.ResponseWriter, _ *http.Request) {
			banktest.Raw(w, `{"transactions":[`+move(1)+`],"page":{"nextPageKey":"`+strings.Repeat("k", 5000)+`"}}`)
		}, connections.CauseBankData},
		"nonsense": {func(w http.ResponseWriter, _ *http.Request) {
			banktest.Raw(w, `{"transactions":[{"transactionId":"1","postedTimestamp":"2026-11-20","amount":"NaN"}]}`)
		}, connections.CauseBankData},
		"no such account": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, connections.CauseBankData},
		"away":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, connections.CauseBankAway},
	} {
		t.Run(name, func(t *testing.T) {
			b := whole.next(t)
			b.bank.Accounts = append([]string{savings}, b.bank.Accounts...) // the bad one comes first
			b.pages("sav", c.answer)
			for range 20 {
				if b.progress().State == syncer.Done {
					break
				}
				if err := b.service.Work(t.Context(), b.job(), 4); err != nil { // the last try of each step
					t.Fatal(err)
				}
			}
			r := b.progress()
			if r.State != syncer.Done || r.AccountsTotal != 2 || r.AccountsFailed != 1 || r.AccountsDone != 2 || r.Added != 2 {
				t.Errorf("run %+v", r)
			}
			if d := b.get(); d.Status != connections.Healthy {
				t.Errorf("%s, %s", d.Status, d.Cause)
			}
			v := b.view()
			bad, fine := v.Accounts[0], v.Accounts[1]
			if bad.Failure != c.cause || bad.FetchedAt != nil || fine.Failure != "" || fine.FetchedAt == nil {
				t.Errorf("accounts %+v", v.Accounts)
			}
			if n := b.count(`SELECT count(*) FROM transactions t JOIN accounts a ON a.id = t.account_id WHERE a.external_id = 'sav'`); n != 0 {
				t.Errorf("%d of its transactions were kept", n)
			}
			if n := b.count(`SELECT count(*) FROM staged_transactions`); n != 0 {
				t.Errorf("%d are still staged", n)
			}
			b.bank.API = nil
			b.again()
			if v := b.view(); v.Accounts[0].Failure != "" || v.Accounts[0].FetchedAt == nil {
				t.Errorf("once it works again: %+v", v.Accounts[0])
			}
		})
	}
}

// A bank that stays away is not asked account by account: after two the run is over.
func TestRun_TwoAwayAreAllAway(t *testing.T) {
	b := newBundle(t)
	b.bank.Accounts = append(b.bank.Accounts, savings, strings.Replace(savings, "sav", "third", 1))
	asked := 0
	b.bank.API = func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/transactions") {
			asked++
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		b.bank.Read(w, r)
	}
	for range 3 {
		if err := b.service.Work(t.Context(), b.job(), 4); err != nil {
			t.Fatal(err)
		}
	}
	if d, r := b.get(), b.progress(); r.State != syncer.Failed || r.Failure != connections.CauseBankAway || d.Status != connections.Paused || asked != 2 {
		t.Errorf("%s, run %+v after %d requests", d.Status, r, asked)
	}
}

// paged makes the bank answer in pages of one, five in all, and gives the keys it was asked for.
func (b *bundle) paged() *[]string {
	asked := &[]string{}
	b.pages("chk", func(w http.ResponseWriter, r *http.Request) {
		key := r.URL.Query().Get("pageKey")
		b.bank.Do(func(*banktest.Bank) { *asked = append(*asked, key) })
		n := 1
		_, _ = fmt.Sscanf(key, "k%d", &n)
		if n == 5 {
			banktest.Raw(w, `{"transactions":[`+move(n)+`]}`)
			return
		}
		banktest.Raw(w, fmt.Sprintf(`{"transactions":[`+move(n)+`],"page":{"nextPageKey":"k%d"}}`, n+1))
	})
	return asked
}

// A worker that dies between two pages is followed by one that asks for the page after those that came.
//
// Break OA-22: services/syncer/run.go: in keep, do not set the cursor
func TestRun_OA22_GoesOnAtTheCursor(t *testing.T) {
	b := newBundle(t)
	asked := b.paged()
	b.step() // the accounts
	held, release := b.hold(3)
	defer release()
	ended := b.background(b.job())
	<-held
	b.expire()
	b.look()
	b.work()
	release()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if r := b.progress(); r.State != syncer.Done || r.Added != 5 {
		t.Errorf("run %+v", r)
	}
	if want := []string{"", "k2", "k3", "k4", "k5"}; !slices.Equal((*asked)[:5], want) {
		t.Errorf("asked for %q, want %q", *asked, want)
	}
}

// What is staged does not outlive a crash of the database; the window then begins again, and comes whole.
//
// Break OA-22: services/ledger/merge.go: in arrive, do not look at RowsAffected
func TestRun_OA22_ALostStageBeginsAgain(t *testing.T) {
	b := openFor(t, func(p *providers.Profile) { p.HistoryDays = 60 }) // one window
	asked := b.paged()
	answer := b.bank.API
	lost := false
	b.bank.API = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("pageKey") == "k4" && !lost {
			lost = true
			b.exec(`TRUNCATE staged_transactions`, nil)
		}
		answer(w, r)
	}
	b.work()
	if r := b.progress(); r.State != syncer.Done || r.Added != 5 || b.count(`SELECT count(*) FROM transactions`) != 5 {
		t.Errorf("run %+v after %q", r, *asked)
	}
}

// An account that first shows up later gets its whole history; one that is known goes on where its history ended.
func TestRun_EachAccountHasItsOwnHistory(t *testing.T) {
	b := openFor(t, func(p *providers.Profile) { p.WindowDays = 400 })
	b.step()
	b.step() // the newest days, and no history yet
	if err := b.service.Cancel(t.Context(), b.who, b.id); err != nil {
		t.Fatal(err)
	}
	b.bank.Accounts = append(b.bank.Accounts, savings)
	before := len(b.asked())
	b.again()
	want := []string{
		"2026-10-25 2026-11-25", "2026-08-27 2026-11-25", // the newest of both
		"2025-07-23 2026-08-26", "2025-07-23 2026-08-26", "2024-06-18 2025-07-22", "2024-06-18 2025-07-22", "2024-02-28 2024-06-17", "2024-02-28 2024-06-17",
	}
	b.exec(`UPDATE sync_accounts SET fetched_at = '2026-11-24 09:00Z'`, nil)
	if got := b.asked()[before:]; !slices.Equal(got[2:], want[2:]) || got[1] != want[1] {
		t.Errorf("asked for %q, want %q", got, want)
	}
	before = len(b.asked())
	b.again()
	if got := b.asked()[before:]; !slices.Equal(got, []string{want[0], want[0]}) {
		t.Errorf("asked for %q, want only what is new", got)
	}
}

// Break RL-1: services/syncer/service.go: in SyncNow, do not look at wait
func TestSyncNow_RL1_CoolsDown(t *testing.T) {
	b := newBundle(t)
	b.work()
	b.config.CoolDown = 4 * time.Minute
	b.service = syncer.New(b.config)
	b.again()
	err := b.service.SyncNow(t.Context(), b.who, b.id)
	if !errors.Is(err, syncer.ErrTooSoon) || errs.KindOf(err) != errs.RateLimited || !strings.Contains(errs.Message(err), "4 minutes") {
		t.Errorf("%v, want to be told to wait 4 minutes", err)
	}
	if w := b.view().Wait; w < 3*time.Minute || w > 4*time.Minute {
		t.Errorf("the page says %s", w)
	}
	b.exec(`UPDATE sync_runs SET queued_at = queued_at - interval '5 minutes'`, nil)
	if w := b.view().Wait; w != 0 {
		t.Errorf("later the page says %s", w)
	}
	b.again()
}

// Where a bank allows only so many requests a day they are counted, scheduled syncs leave some to the person, and the next
// one that is due waits for the day to end.
//
// Break JB-3: services/syncer/budget.go: in spend, leave the reserve out
func TestBudget_JB3_ScheduleLeavesSomeToThePerson(t *testing.T) {
	b := openFor(t, func(p *providers.Profile) { p.DailyReads = 8 })
	b.work()
	if v := b.view(); v.Budget.Used != 3 || v.Budget.Daily != 8 {
		t.Errorf("budget %+v, want the accounts and two windows", v.Budget)
	}
	due := func() {
		b.exec(`UPDATE connections SET next_sync_at = now() - interval '1 minute'`, nil)
		b.look()
		b.work()
	}
	due() // five used
	due() // the sixth, and the seventh is kept back
	if d := b.get(); d.Status != connections.Paused || d.Cause != connections.CauseBudget || time.Until(*d.NextSyncAt) < 20*time.Hour {
		t.Errorf("%s, %s, next %v", d.Status, d.Cause, d.NextSyncAt)
	}
	if v := b.view(); v.Budget.Used != 6 {
		t.Errorf("budget %+v", v.Budget)
	}
	b.again() // the person may use the rest
	if r := b.progress(); r.State != syncer.Done || b.view().Budget.Used != 8 {
		t.Errorf("run %+v, budget %+v", r, b.view().Budget)
	}
	b.exec(`UPDATE sync_budgets SET began_at = now() - interval '25 hours'`, nil)
	if v := b.view(); v.Budget.Used != 0 {
		t.Errorf("the next day: %+v", v.Budget)
	}
	due()
	if v := b.view(); v.Budget.Used != 2 || b.get().Status != connections.Healthy {
		t.Errorf("the next day: %+v", v.Budget)
	}
}

// What came stays, nothing more comes, and the connection is not broken.
func TestCancel(t *testing.T) {
	b := newBundle(t)
	b.bank.Accounts = append(b.bank.Accounts, savings)
	held, release := b.hold(3) // the accounts, one window, and the window that is cancelled
	defer release()
	b.step()
	b.step()
	ended := b.background(b.job())
	<-held
	if err := b.service.Cancel(t.Context(), b.person(), b.id); !errors.Is(err, connections.ErrNotFound) {
		t.Errorf("somebody else: %v", err)
	}
	if err := b.service.Cancel(t.Context(), b.who, b.id); err != nil {
		t.Fatal(err)
	}
	if err := b.service.Cancel(t.Context(), b.who, b.id); !errors.Is(err, syncer.ErrNotOn) {
		t.Errorf("twice: %v", err)
	}
	release()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	d, r := b.get(), b.progress()
	if r.State != syncer.Cancelled || r.FinishedAt == nil || d.Status != connections.Healthy || d.LastSuccessAt != nil || d.NextSyncAt == nil {
		t.Errorf("%s, run %+v", d.Status, r)
	}
	if n := b.count(`SELECT count(*) FROM transactions`); n != 2 || b.count(`SELECT count(*) FROM staged_transactions`) != 0 {
		t.Errorf("%d transactions", n)
	}
	if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'connection.sync_cancelled'`); n != 1 {
		t.Errorf("%d audit rows", n)
	}
	b.again()
	if r := b.progress(); r.State != syncer.Done {
		t.Errorf("the next: %+v", r)
	}
}

// What a run changed can be read, by its owner, with what was before.
func TestChanges(t *testing.T) {
	b := newBundle(t)
	b.work()
	first := b.progress()
	b.bank.Moves["chk"] = []string{
		strings.Replace(b.bank.Moves["chk"][0], `"amount":12.34`, `"amount":13.34`, 1),
		`{"transactionId":"p1x","referenceTransactionId":"p1","postedTimestamp":"2026-11-24T10:00:00Z","transactionTimestamp":"2026-11-23T18:00:00Z","description":"CAFE","payee":"Cafe","debitCreditMemo":"DEBIT","status":"POSTED","amount":"4.5"}`,
		move("new"),
	}
	b.again()
	r := b.progress()
	if r.Added != 1 || r.Changed != 1 || r.Merged != 1 || r.Removed != 0 {
		t.Errorf("run %+v", r)
	}
	_, list, err := b.service.Changes(t.Context(), b.who, b.id, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range list {
		line := fmt.Sprint(c.What, " ", c.Account, " ", c.Payee, " ", c.Amount, " ", c.Status)
		if c.Was != nil {
			line += fmt.Sprint(", was ", c.Was.Amount, " ", c.Was.Status)
		}
		lines = append(lines, line)
	}
	want := []string{
		"merged Checking Cafe -4.50 posted, was -4.50 pending", "changed Checking Corner Shop -13.34 posted, was -12.34 posted",
		"new Checking Payee new 1.00 posted",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	if _, list, err := b.service.Changes(t.Context(), b.who, b.id, first.ID); err != nil || len(list) != 2 {
		t.Errorf("the first run: %d changes, %v", len(list), err)
	}
	if _, _, err := b.service.Changes(t.Context(), b.person(), b.id, r.ID); !errors.Is(err, syncer.ErrNoSuchRun) {
		t.Errorf("somebody else: %v", err)
	}
	b.exec(`UPDATE sync_runs SET finished_at = now() - interval '31 days'`, nil)
	b.again()
	if n := b.count(`SELECT count(*) FROM sync_changes`); n != 0 {
		t.Errorf("%d changes are kept for more than 30 days", n)
	}
	b.exec(`UPDATE sync_runs SET finished_at = now() - interval '91 days'`, nil)
	b.again()
	if n := b.count(`SELECT count(*) FROM sync_runs`); n != 1 {
		t.Errorf("%d runs are kept for more than 90 days", n)
	}
}
