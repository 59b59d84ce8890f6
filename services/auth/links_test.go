package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/errs"
)

func TestVerify_ALinkWorksOnce(t *testing.T) {
	b := newBench(t)
	u := b.registered()
	link := b.link(u.ID)
	if n := b.count(`SELECT count(*) FROM links l WHERE l::text LIKE '%' || $1 || '%'`, link); n != 0 {
		t.Error("the link itself is stored")
	}
	if err := b.Verify(t.Context(), stranger, link); err != nil {
		t.Fatal(err)
	}
	wantErr(t, b.Verify(t.Context(), stranger, link), auth.ErrLink)
	if b.audited("verify", "done") != 1 {
		t.Error("one verification, one audit row")
	}
	if _, err := b.login(stranger, good.Password, ""); err != nil {
		t.Errorf("signing in afterwards: %v", err)
	}
}

// Break EV-1: links.go: in liveLink, leave out the line AND (l.email_key = u.email_key OR ...)
func TestVerify_EV1_OldReplacedForeignAndMalformedLinks(t *testing.T) {
	b := newBench(t)
	u := b.registered()
	for _, link := range []string{"", "x", strings.Repeat("A", 42), strings.Repeat("A", 43), strings.Repeat("A", 44), "../../etc/passwd"} {
		wantErr(t, b.Verify(t.Context(), stranger, link), auth.ErrLink)
	}
	first := b.link(u.ID)
	second := b.link(u.ID)
	wantErr(t, b.Verify(t.Context(), stranger, first), auth.ErrLink)
	b.exec(`UPDATE links SET expires_at = now()`)
	wantErr(t, b.Verify(t.Context(), stranger, second), auth.ErrLink)

	third := b.link(u.ID)
	b.exec(`UPDATE users SET email_key = 'moved@example.com'`) // EV-1: the link was for the old address
	wantErr(t, b.Verify(t.Context(), stranger, third), auth.ErrLink)

	setup, err := b.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, b.Verify(t.Context(), stranger, setup), auth.ErrLink)
	if n := b.count(`SELECT count(*) FROM users WHERE verified_at IS NOT NULL`); n != 0 {
		t.Error("somebody is verified")
	}
}

// Break RL-2: verify.go: in unlock, "other:"+key
func TestVerify_RL2_TheMailedLinkOpensALockedAccount(t *testing.T) {
	b := newBench(t)
	u := b.registered()
	for i := range 11 {
		_, err := b.login(from(i), "wrong", "")
		wantErr(t, err, auth.ErrCredentials)
	}
	if err := b.Verify(t.Context(), stranger, b.link(u.ID)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.login(from(99), good.Password, ""); err != nil {
		t.Errorf("the owner came by the link and is locked out: %v", err)
	}
}

// Break LG-1: links.go: in ResendVerification, return early when a is nil
func TestResend_LG1_SameWorkForEveryAddressAndOneMailAMinute(t *testing.T) {
	b := newBench(t)
	b.registered()
	verified := auth.Registration{Name: "v", Email: "verified@example.com", Password: good.Password}
	u, err := b.Register(t.Context(), stranger, verified)
	if err != nil {
		t.Fatal(err)
	}
	b.exec(`UPDATE users SET verified_at = now() WHERE id = $1`, u.ID)
	before := b.mails(email.Verify)
	var costs []load
	for i, address := range []string{good.Email, good.Email, verified.Email, "nobody@example.com"} {
		costs = append(costs, b.work(func() {
			if err := b.ResendVerification(t.Context(), from(i), address); err != nil {
				t.Error(err)
			}
		}))
		if costs[i] != costs[0] {
			t.Errorf("%s: %+v, want %+v", address, costs[i], costs[0])
		}
	}
	sent := b.count(`SELECT count(*) FROM river_job j JOIN users u ON u.id = (j.args->>'user_id')::uuid WHERE u.verified_at IS NULL`)
	if sent != 2 || b.mails(email.Verify) != before+1 {
		t.Errorf("%d mails to the unverified person, want the sign-up's and one; %d in all", sent, b.mails(email.Verify))
	}
	for i := range 9 {
		b.now = b.now.Add(time.Minute)
		_ = b.ResendVerification(t.Context(), from(9+i), good.Email)
		if n := b.mails(email.Verify); n != before+min(2+i, 5) { // the last link stays good, whoever goes on asking
			t.Errorf("%d mails after %d minutes", n, i+1)
		}
	}
	for _, wrong := range []string{"", "nora"} {
		wantField(t, b.ResendVerification(t.Context(), stranger, wrong), "email")
	}
	for range 11 {
		err = b.ResendVerification(t.Context(), from(20), good.Email)
	}
	if errs.KindOf(err) != errs.RateLimited {
		t.Errorf("the eleventh within an hour: %v", err)
	}
}

func TestMailFacts_NothingToSendAnyMore(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	_, err := b.MailFacts(t.Context(), actor.ForJob(u.ID, "req_test"), email.Verify, uuid.Nil, time.Now())
	wantErr(t, err, email.ErrNoMail)
	_, err = b.MailFacts(t.Context(), actor.ForJob(uuid.New(), "req_test"), email.Verify, uuid.Nil, time.Now())
	wantErr(t, err, email.ErrNoMail)
	facts, err := b.MailFacts(t.Context(), actor.ForJob(u.ID, "req_test"), email.Exists, uuid.Nil, time.Now())
	if err != nil || facts.Email != good.Email || facts.Token != "" {
		t.Errorf("%+v, %v", facts, err)
	}
	b.exec(`UPDATE users SET disabled_at = now()`)
	_, err = b.MailFacts(t.Context(), actor.ForJob(u.ID, "req_test"), email.Exists, uuid.Nil, time.Now())
	wantErr(t, err, email.ErrNoMail)
}

// A new password that was asked for is not mailed when it comes so late that its link would be over, or after something
// that ends such links.
// Break RS-2: services/auth/mail.go: in MailFacts, leave out inTime
func TestMailFacts_RS2_F19_AskedForTooLongAgo(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	for name, happens := range map[string]func(){
		"an hour later":    func() { b.exec(`UPDATE river_job SET created_at = created_at - interval '46 minutes'`) },
		"another password": func() { b.exec(`UPDATE users SET password_changed_at = now()`) },
		"signed out everywhere": func() {
			if err := b.EndOtherSessions(t.Context(), in(u)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		b.forgot()
		happens()
		if _, err := b.tried(email.Reset); !errors.Is(err, email.ErrNoMail) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.forgot()
}

// A mail about a connection names the bank, and is not written when it is not true any more.
// Break OA-19: services/auth/mail.go: in bankDetails, leave out "reminded IS NOT NULL AND"
func TestMailFacts_OA19_NewsOfAConnection(t *testing.T) {
	b := newBench(t)
	u, id := b.verified(), uuid.New()
	b.exec(`INSERT INTO connections (user_id, id, provider, name, status) VALUES ($1, $2, 'sandbox', 'My Bank', 'healthy')`, u.ID, id)
	who := actor.ForJob(u.ID, "req_test")
	for _, c := range []struct{ purpose, state, shows string }{
		{email.NeedsYou, `status = 'needs_you', needed_since = now()`, ""},
		{email.NeedsYou, `status = 'syncing'`, "nothing"},
		{email.WorksAgain, `status = 'healthy', needed_since = NULL`, ""},
		{email.WorksAgain, `status = 'needs_you', needed_since = now()`, "nothing"},
		{email.ConsentEnds, `status = 'renew', needed_since = NULL, reminded = '7 days', consent_expires_at = '2126-12-03 14:05Z'`, "3 December 2126, 14:05 UTC"},
		{email.ConsentEnds, `reminded = NULL`, "nothing"}, // as after a renewal
		{email.ConsentEnds, `reminded = '7 days', status = 'needs_you'`, "nothing"},
		{email.ConsentEnds, `status = 'renew', consent_expires_at = now()`, "nothing"},
		{email.WorksAgain, `status = 'disconnected', disconnected_at = now()`, "nothing"},
	} {
		b.exec(`UPDATE connections SET ` + c.state)
		facts, err := b.MailFacts(t.Context(), who, c.purpose, id, time.Now())
		if c.shows == "nothing" {
			wantErr(t, err, email.ErrNoMail)
			continue
		}
		if err != nil || facts.Email != good.Email || facts.Token != id.String() || facts.Details[0].Value != "My Bank" {
			t.Errorf("%s: %+v, %v", c.purpose, facts, err)
		}
		if last := facts.Details[len(facts.Details)-1].Value; c.shows != "" && last != c.shows {
			t.Errorf("%s: %q, want %q", c.purpose, last, c.shows)
		}
	}
	_, err := b.MailFacts(t.Context(), who, email.NeedsYou, uuid.New(), time.Now())
	wantErr(t, err, email.ErrNoMail)
}

func TestMintLink_WhatIsLongOverGoes(t *testing.T) {
	b := newBench(t)
	u := b.registered()
	b.exec(`INSERT INTO links (token_hash, purpose, expires_at, used_at) VALUES ('long ago', 'setup', now() - interval '25 hours', now()), ('today', 'setup', now() - interval '23 hours', NULL)`)
	b.link(u.ID)
	if n := b.count(`SELECT count(*) FROM links WHERE token_hash = 'long ago'`); n != 0 {
		t.Error("a link that was over for a day is kept")
	}
	if n := b.count(`SELECT count(*) FROM links WHERE token_hash = 'today'`); n != 1 {
		t.Error("a link that is just over is gone")
	}
}

// mailedLinks are a link of each kind with what it opens.
func mailedLinks(b *bench) map[string]func() (u auth.User, open func() error) {
	return map[string]func() (auth.User, func() error){
		"verify": func() (auth.User, func() error) {
			u := b.registered()
			link := b.link(u.ID)
			return u, func() error { return b.Verify(b.t.Context(), stranger, link) }
		},
		"reset": func() (auth.User, func() error) {
			u := b.verified()
			link := b.forgot()
			return u, func() error { return b.ResetPassword(b.t.Context(), stranger, link, chosen) }
		},
		"confirm": func() (auth.User, func() error) {
			u := b.verified()
			if err := b.ChangeEmail(b.t.Context(), in(u), good.Password, "new@example.com"); err != nil {
				b.t.Fatal(err)
			}
			link := b.mailed(email.ConfirmAddress).Token
			return u, func() error { return b.ConfirmEmail(b.t.Context(), stranger, link) }
		},
		"undo": func() (auth.User, func() error) {
			u := b.verified()
			link := b.moved(u, "new@example.com")
			return u, func() error { return b.UndoEmail(b.t.Context(), stranger, link) }
		},
	}
}

// While a link is opened, another act holds its person and then takes the links away, as the worker of a mail does, or
// changes what the link depends on. They do not wait for each other, and the link is judged by what is true once the person
// is held: only the way back to an old address outlives a new password.
// Break RS-2: services/auth/links.go: in spend, leave out FOR UPDATE
// Break SE-6: services/auth/links.go: in spend, leave out FOR UPDATE
func TestSpend_RS2_SE6_ThePersonComesFirst(t *testing.T) {
	const hold = `UPDATE users SET name = name WHERE id = $1`
	for name, other := range map[string][]string{
		"replaced":         {`DELETE FROM links WHERE user_id = $1`, `DELETE FROM address_changes WHERE user_id = $1`},
		"another password": {`UPDATE users SET password_changed_at = now() WHERE id = $1`},
		"disabled":         {`UPDATE users SET disabled_at = now() WHERE id = $1`},
		"deleted":          {`DELETE FROM users WHERE id = $1`},
	} {
		for kind := range mailedLinks(nil) {
			t.Run(kind+"/"+name, func(t *testing.T) {
				b := newBench(t)
				u, open := mailedLinks(b)[kind]()
				want := auth.ErrLink
				if kind == "undo" && name == "another password" {
					want = nil
				}
				if err := b.meanwhile(u.ID, hold, other, open)[0]; want == nil && err != nil || want != nil && !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			})
		}
	}
}
