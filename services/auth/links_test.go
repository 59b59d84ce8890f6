package auth_test

import (
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
	for i, address := range []string{good.Email, good.Email, verified.Email, "nobody@example.com", "no address"} {
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
	b.now = b.now.Add(time.Minute)
	_ = b.ResendVerification(t.Context(), from(9), good.Email)
	if n := b.mails(email.Verify); n != before+2 {
		t.Errorf("%d mails a minute later", n)
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
	_, err := b.MailFacts(t.Context(), actor.ForJob(u.ID, "req_test"), email.Verify, uuid.Nil)
	wantErr(t, err, email.ErrNoMail)
	_, err = b.MailFacts(t.Context(), actor.ForJob(uuid.New(), "req_test"), email.Verify, uuid.Nil)
	wantErr(t, err, email.ErrNoMail)
	facts, err := b.MailFacts(t.Context(), actor.ForJob(u.ID, "req_test"), email.Exists, uuid.Nil)
	if err != nil || facts.Email != good.Email || facts.Token != "" {
		t.Errorf("%+v, %v", facts, err)
	}
	b.exec(`UPDATE users SET disabled_at = now()`)
	_, err = b.MailFacts(t.Context(), actor.ForJob(u.ID, "req_test"), email.Exists, uuid.Nil)
	wantErr(t, err, email.ErrNoMail)
}
