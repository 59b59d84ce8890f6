package auth_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
)

func TestLogin_FindsVerifiesStartsWrites(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	var during, startedFor string
	got, err := b.Login(t.Context(), stranger, auth.Credentials{Email: "TEST@example.com", Password: good.Password}, func(_ context.Context, u auth.User) error {
		startedFor = u.Email
		during = query[string](b, `SELECT coalesce(last_login_at::text, 'never') FROM users`)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.User.ID != u.ID || startedFor != "test@example.com" || during != "never" {
		t.Errorf("user %v, session for %q, last login while it was made: %s", got.User.ID, startedFor, during)
	}
	if s := got.Spans; s.Find < 0 || s.Verify < 0 || s.Start < 0 || s.Write < 0 {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(b.log.String(), "outcome=ok") || !strings.Contains(b.log.String(), "verify=") {
		t.Errorf("the log has no spans: %s", b.log)
	}
	if b.audited("login", "done") != 1 || b.count(`SELECT count(*) FROM users WHERE last_login_at IS NOT NULL`) != 1 {
		t.Error("the login was not written")
	}
}

// moments puts the five classes of LG-1 onto one address each; all but unknown exist.
func (b *bench) moments() map[string]auth.Credentials {
	classes := map[string]auth.Credentials{"unknown": {Email: "unknown@example.com", Password: good.Password}}
	for i, class := range []string{"password", "disabled", "unverified", "locked"} {
		r := auth.Registration{Name: class, Email: class + "@example.com", Password: good.Password}
		u, err := b.Register(b.t.Context(), from(1000+i), r)
		if err != nil {
			b.t.Fatal(err)
		}
		classes[class] = auth.Credentials{Email: r.Email, Password: r.Password}
		if class != "unverified" {
			b.exec(`UPDATE users SET verified_at = now() WHERE id = $1`, u.ID)
		}
	}
	wrong := classes["password"]
	wrong.Password = "not the password"
	classes["password"] = wrong
	b.exec(`UPDATE users SET disabled_at = now() WHERE name = 'disabled'`)
	for i := range 10 {
		_, err := b.Login(b.t.Context(), from(i), auth.Credentials{Email: "locked@example.com", Password: "wrong"}, noSession)
		wantErr(b.t, err, auth.ErrCredentials)
	}
	return classes
}

// Break LG-1: login.go: in refuse, return errs.New(errs.Unauthenticated, reason)
func TestLogin_LG1_OneAnswerForEveryReason(t *testing.T) {
	b := newBench(t)
	for class, c := range b.moments() {
		_, err := b.Login(t.Context(), from(50), c, func(context.Context, auth.User) error {
			t.Errorf("%s: a session was started", class)
			return nil
		})
		if err == nil || err.Error() != auth.ErrCredentials.Error() || errs.KindOf(err) != errs.Unauthenticated {
			t.Errorf("%s: %v", class, err)
		}
		if n := b.count(`SELECT count(*) FROM audit_events WHERE act = 'login' AND result = 'refused' AND detail->>'reason' = $1`, class); n == 0 {
			t.Errorf("%s: not in the audit log", class)
		}
	}
}

// Break LG-2: login.go: in check, return "unknown", nil when a.account is nil, before the hash
func TestLogin_LG2_EveryReasonCostsTheSame(t *testing.T) {
	b := newBench(t)
	classes := b.moments()
	costs := map[string]load{}
	for round := range 2 { // the second finds the minute's mail already sent
		for class, c := range classes {
			costs[class] = b.work(func() { _, _ = b.Login(t.Context(), from(60+round), c, noSession) })
		}
		if round == 0 && b.mails(email.Verify) != 5 { // a sign-up each, and one for the unverified
			t.Errorf("%d mails", b.mails(email.Verify))
		}
	}
	want := costs["password"]
	if want.hashes != 1 {
		t.Errorf("a wrong password costs %d hashes", want.hashes)
	}
	for class, got := range costs {
		if class != "locked" && got != want {
			t.Errorf("%s costs %+v, a wrong password %+v", class, got, want)
		}
	}
}

// Break LG-3: login.go: in check, ask s.locked only after the hash
func TestLogin_LG3_LimitedTriesHashNothing(t *testing.T) {
	b := newBench(t)
	b.verified()
	for _, address := range []string{good.Email, "nobody@example.com"} {
		for i := range 10 {
			_, err := b.Login(t.Context(), from(i), auth.Credentials{Email: address, Password: "wrong"}, noSession)
			wantErr(t, err, auth.ErrCredentials)
		}
		cost := b.work(func() {
			_, err := b.Login(t.Context(), from(90), auth.Credentials{Email: address, Password: good.Password}, noSession)
			wantErr(t, err, auth.ErrCredentials)
		})
		if cost.hashes != 0 {
			t.Errorf("%s: a locked try costs %+v", address, cost)
		}
	}
	var limited error
	cost := b.work(func() {
		for range 21 {
			_, limited = b.Login(t.Context(), from(91), auth.Credentials{Email: "x@example.com", Password: "wrong"}, noSession)
		}
	})
	if errs.KindOf(limited) != errs.RateLimited || errs.RetryAfter(limited) <= 0 || cost.hashes != 10 {
		t.Errorf("the 21st try in a minute: %v; %d hashes for ten tries until the lock", limited, cost.hashes)
	}
}

// Break RL-2: login.go: in check, leave out the second s.locked
func TestLogin_RL2_WhoGuessesInParallelGetsNoMoreTries(t *testing.T) {
	b := newBench(t)
	b.verified()
	b.inFind = func() { // the right guess is past the first check when ten wrong ones fail
		for i := range 10 {
			_, err := b.login(from(i), "wrong", "")
			wantErr(t, err, auth.ErrCredentials)
		}
	}
	_, err := b.login(from(50), good.Password, "")
	wantErr(t, err, auth.ErrCredentials)
}

// Break RL-2: tries.go: in attempt, leave a.subject alone for a known device
func TestLogin_RL2_AKnownDeviceIsNotLockedOutByStrangers(t *testing.T) {
	b := newBench(t)
	b.verified()
	in, err := b.login(stranger, good.Password, "")
	if err != nil || in.Device.Value == "" {
		t.Fatal(err)
	}
	for i := range 12 {
		_, err := b.login(from(i), "wrong", "")
		wantErr(t, err, auth.ErrCredentials)
	}
	_, err = b.login(from(99), good.Password, "")
	wantErr(t, err, auth.ErrCredentials)
	_, err = b.login(from(99), good.Password, strings.ToUpper(in.Device.Value))
	wantErr(t, err, auth.ErrCredentials)
	again, err := b.login(from(99), good.Password, in.Device.Value)
	if err != nil || again.Device != in.Device {
		t.Errorf("the owner's own browser: %v, device kept: %t", err, again.Device == in.Device)
	}
	for range 10 { // but whoever has the cookie has no more tries than others
		_, err = b.login(from(98), "wrong", in.Device.Value)
		wantErr(t, err, auth.ErrCredentials)
	}
	_, err = b.login(from(98), good.Password, in.Device.Value)
	wantErr(t, err, auth.ErrCredentials)

	b.now = b.now.Add(16 * time.Minute)
	if _, err = b.login(from(97), good.Password, ""); err != nil {
		t.Errorf("a quarter of an hour later: %v", err)
	}
}

func TestLogin_DeviceOfAnotherAccountOrTooOldIsNone(t *testing.T) {
	b := newBench(t)
	b.verified()
	in, err := b.login(stranger, good.Password, "")
	if err != nil {
		t.Fatal(err)
	}
	other := auth.Registration{Name: "o", Email: "other@example.com", Password: good.Password}
	if _, err := b.Register(t.Context(), stranger, other); err != nil {
		t.Fatal(err)
	}
	b.exec(`UPDATE users SET verified_at = now()`)
	got, err := b.Login(t.Context(), stranger, auth.Credentials{Email: other.Email, Password: other.Password, Device: in.Device.Value}, noSession)
	if err != nil || got.Device == in.Device {
		t.Errorf("another account's device was kept (%v)", err)
	}
	b.now = b.now.Add(366 * 24 * time.Hour)
	if got, err = b.login(stranger, good.Password, in.Device.Value); err != nil || got.Device == in.Device {
		t.Errorf("a year-old device was kept (%v)", err)
	}
}

func TestLogin_UnverifiedIsMailedALinkOnceAMinute(t *testing.T) {
	b := newBench(t)
	b.registered()
	for range 3 {
		_, err := b.login(stranger, good.Password, "")
		wantErr(t, err, auth.ErrCredentials)
	}
	_, err := b.login(stranger, "wrong", "")
	wantErr(t, err, auth.ErrCredentials)
	if n := b.mails(email.Verify); n != 2 {
		t.Errorf("%d mails, want the sign-up's and one more", n)
	}
	b.now = b.now.Add(61 * time.Second)
	_, err = b.login(stranger, good.Password, "")
	wantErr(t, err, auth.ErrCredentials)
	if n := b.mails(email.Verify); n != 3 {
		t.Errorf("%d mails a minute later, want 3", n)
	}
}

// Break PW-7: login.go: in write, password_hash = password_hash
func TestLogin_PW7_AnOldCostIsRaised(t *testing.T) {
	b := newBench(t)
	b.verified()
	old := query[string](b, `SELECT password_hash FROM users`)
	newer := b.withCost(5)
	if _, err := newer.Login(t.Context(), stranger, auth.Credentials{Email: good.Email, Password: "wrong"}, noSession); !errors.Is(err, auth.ErrCredentials) {
		t.Error(err)
	}
	if now := query[string](b, `SELECT password_hash FROM users`); now != old {
		t.Error("a wrong password changed the hash")
	}
	epoch := query[time.Time](b, `SELECT password_changed_at FROM users`)
	for range 2 {
		if _, err := newer.Login(t.Context(), stranger, auth.Credentials{Email: good.Email, Password: good.Password}, noSession); err != nil {
			t.Fatal(err)
		}
	}
	if now := query[string](b, `SELECT password_hash FROM users`); !strings.HasPrefix(now, "$2a$05$") {
		t.Errorf("stored %q", now)
	}
	if !query[time.Time](b, `SELECT password_changed_at FROM users`).Equal(epoch) {
		t.Error("the password did not change, but its epoch did")
	}
}

// What an old hash spares is made up in the same turn: whoever has had an account for long would wait in the queue more
// often than an unknown address, and be sent away more often.
//
// Break PW-7: services/password/password.go: in VerifyPassword, leave out the loop over RestOfWork
// Break LG-2: services/password/password.go: in VerifyPassword, leave out the loop over RestOfWork
func TestLogin_PW7_LG2_AnOldCostIsNoCheaperToRefuse(t *testing.T) {
	b := newBench(t)
	b.verified()
	newer := b.withCost(11)
	turns, took := map[string]uint64{}, map[string]time.Duration{}
	for _, address := range []string{good.Email, "nobody@example.com"} {
		before := newer.Hashes.Stats()
		_, err := newer.Login(t.Context(), stranger, auth.Credentials{Email: address, Password: "wrong"}, noSession)
		wantErr(t, err, auth.ErrCredentials)
		after := newer.Hashes.Stats()
		turns[address], took[address] = after.Done-before.Done, after.Hashing-before.Hashing
	}
	if turns[good.Email] != 1 || turns["nobody@example.com"] != 1 {
		t.Errorf("turns in the queue: %v", turns)
	}
	before := b.pool.Stats().Hashing
	if _, err := b.login(from(1), "wrong", ""); err == nil {
		t.Error("a wrong password opens")
	}
	if cheap := b.pool.Stats().Hashing - before; took[good.Email] < 16*cheap { // 2^11 rounds, and 2^4
		t.Errorf("against a hash of cost 4 a service of cost 11 took %v, one of cost 4 %v", took[good.Email], cheap)
	}
}

// Break PW-7: login.go: in rehash, a.priority, whose queue may be full, and return the error
func TestLogin_PW7_WithoutRaisingTheCostOneStillGetsIn(t *testing.T) {
	b := newBench(t)
	b.verified()
	newer := b.withCost(13)
	crowd, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	pool := hashpool.New(newer.Passwords, 1)
	pool.Observe = func(op string, _, _ time.Duration) {
		if op != "verify" {
			return
		}
		for range 200 { // so many come meanwhile that some are sent away
			all.Go(func() { _, _ = pool.Hash(crowd, hashpool.Known, good.Password) })
		}
		for pool.Stats().Shed == 0 {
			runtime.Gosched()
		}
	}
	newer.Hashes = pool
	if _, err := newer.Login(t.Context(), stranger, auth.Credentials{Email: good.Email, Password: good.Password}, noSession); err != nil {
		t.Error(err)
	}
	leave()
	all.Wait()
	if !strings.Contains(b.log.String(), "an old hash was not renewed") {
		t.Error("it was renewed")
	}
}

// Five thousand wrong passwords from fifty addresses lock out nobody who can show a device (RL-2), and whoever cannot is
// in within a quarter of an hour after the last window began.
//
// Break RL-2: tries.go: in attempt, leave a.subject alone for a known device
func TestLogin_RL2_FiveThousandWrongOnes(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	in, err := b.login(stranger, good.Password, "")
	if err != nil {
		t.Fatal(err)
	}
	guesses := b.hashes()
	for i := range 5000 {
		if i%1000 == 0 {
			b.now = b.now.Add(time.Minute) // an address has twenty tries a minute
		}
		_, err := b.login(from(i%50), "wrong", "")
		wantErr(t, err, auth.ErrCredentials)
	}
	if n := b.hashes() - guesses; n != 10 {
		t.Errorf("%d of 5,000 guesses were compared with the password", n)
	}
	if _, err := b.login(from(90), good.Password, in.Device.Value); err != nil {
		t.Errorf("a known device: %v", err)
	}
	if _, err := b.login(from(91), good.Password, b.NewDevice(u).Value); err != nil {
		t.Errorf("a browser that opened the mailed link: %v", err)
	}
	_, err = b.login(from(92), good.Password, "")
	wantErr(t, err, auth.ErrCredentials)
	b.now = b.now.Add(15 * time.Minute)
	if _, err := b.login(from(92), good.Password, ""); err != nil {
		t.Errorf("a new device, a quarter of an hour later: %v", err)
	}
}

// Break AU-1: login.go: in write, record through s.DB
func TestLogin_AU1_NoSessionWithoutItsRecord(t *testing.T) {
	b := newBench(t)
	b.verified()
	b.exec(`ALTER TABLE audit_events ADD CONSTRAINT away CHECK (act <> 'login') NOT VALID`)
	sessions := auth.NewSessions(b.db, auth.SessionConfig{})
	v := &auth.Visitor{}
	_, err := b.Login(auth.WithVisitor(t.Context(), v), stranger, auth.Credentials{Email: good.Email, Password: good.Password}, func(ctx context.Context, u auth.User) error {
		sessions.SignIn(v, u)
		return sessions.CommitCtx(ctx, "token", []byte("data"), time.Time{})
	})
	if err == nil || errors.Is(err, auth.ErrCredentials) {
		t.Errorf("got %v", err)
	}
	if n := b.count(`SELECT count(*) FROM sessions`); n != 0 || v.User != nil {
		t.Errorf("%d sessions, visitor %v", n, v.User)
	}
	wantErr(t, sessions.CommitCtx(auth.WithVisitor(t.Context(), v), "token", []byte("data"), time.Time{}), auth.ErrSessionGone)
}

func TestLogin_DatabaseAwayIsUnavailable(t *testing.T) {
	b := newBench(t)
	b.verified()
	b.db.Close()
	_, err := b.login(stranger, good.Password, "")
	if errors.Is(err, auth.ErrCredentials) || err == nil {
		t.Errorf("got %v", err)
	}
}
