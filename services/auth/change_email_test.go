package auth_test

import (
	"testing"
	"time"

	"dashtam/services/auth"
	"dashtam/services/email"
	"dashtam/services/errs"
)

// moved takes u to another address, all the way, and gives the link that undoes it.
func (b *bench) moved(u auth.User, address string) (undo string) {
	b.t.Helper()
	if err := b.ChangeEmail(b.t.Context(), in(u), good.Password, address); err != nil {
		b.t.Fatal(err)
	}
	if err := b.ConfirmEmail(b.t.Context(), stranger, b.mailed(email.ConfirmAddress).Token); err != nil {
		b.t.Fatal(err)
	}
	return b.mailed(email.AddressChanged).Token
}

func (b *bench) address(u auth.User) string {
	b.t.Helper()
	u, err := b.GetUser(b.t.Context(), u.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return u.Email
}

// Break EV-2: change_email.go: in ChangeEmail, set users.email before the link is opened
// Break EV-2: change_email.go: in ChangeEmail, a, err := s.GetUser in place of s.prove
func TestChangeEmail_EV2_OnlyTheConfirmedAddressCounts(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	err := b.ChangeEmail(t.Context(), in(u), "not the password", "new@example.com")
	wantErr(t, err, auth.ErrPassword)
	for _, wrong := range []string{"", "no address", good.Email, "TEST@example.com"} {
		wantField(t, b.ChangeEmail(t.Context(), in(u), good.Password, wrong), "email")
	}
	if n := b.count(`SELECT count(*) FROM address_changes`); n != 0 {
		t.Error("a change without proof or address was written down")
	}
	if err := b.ChangeEmail(t.Context(), in(u), good.Password, "New@example.com"); err != nil {
		t.Fatal(err)
	}
	if b.address(u) != good.Email {
		t.Error("the address changed before it was confirmed")
	}
	if p, err := b.PendingEmail(t.Context(), in(u)); err != nil || p == nil || p.Email != "New@example.com" {
		t.Errorf("%+v, %v", p, err)
	}
	facts := b.mailed(email.ConfirmAddress)
	if facts.Email != "New@example.com" || facts.Valid != 24*time.Hour {
		t.Errorf("%+v", facts)
	}
	c := newBrowser(t, b, auth.SessionConfig{})
	c.signIn(u, "t1")
	if err := b.ConfirmEmail(t.Context(), stranger, facts.Token); err != nil {
		t.Fatal(err)
	}
	wantErr(t, b.ConfirmEmail(t.Context(), stranger, facts.Token), auth.ErrLink)
	if b.address(u) != "New@example.com" || b.audited("email.changed", "done") != 1 {
		t.Error("the confirmed address does not count")
	}
	if _, _, found := c.request(); found {
		t.Error("a session outlives the change (SE-6)")
	}
	if p, err := b.PendingEmail(t.Context(), in(u)); p != nil || err != nil {
		t.Errorf("still waits: %+v, %v", p, err)
	}
	_, err = b.login(from(1), good.Password, "")
	wantErr(t, err, auth.ErrCredentials)
	if _, err := b.Login(t.Context(), from(2), auth.Credentials{Email: "new@example.com", Password: good.Password}, noSession); err != nil {
		t.Error(err)
	}
}

// Break EV-2: change_email.go: in ChangeEmail, return ErrEmailTaken when other is verified
func TestChangeEmail_EV2_TakenAndFreeAreAlike(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	owner := b.person("taken@example.com")
	var costs []load
	for i, address := range []string{"free@example.com", "taken@example.com"} {
		costs = append(costs, b.work(func() {
			if err := b.ChangeEmail(t.Context(), in(u), good.Password, address); err != nil {
				t.Error(err)
			}
		}))
		if costs[i] != costs[0] {
			t.Errorf("%s: %+v, want %+v", address, costs[i], costs[0])
		}
		if p, err := b.PendingEmail(t.Context(), in(u)); err != nil || p == nil || p.Email != address {
			t.Errorf("%s waits as %+v, %v", address, p, err)
		}
	}
	if facts := b.mailed(email.AddressTaken); facts.Email != owner.Email || facts.Token != "" {
		t.Errorf("the owner of the address gets %+v", facts)
	}
	if b.address(owner) != owner.Email || b.address(u) != good.Email {
		t.Error("an address moved")
	}
	var err error
	for range 5 {
		err = b.ChangeEmail(t.Context(), in(u), good.Password, "taken@example.com")
	}
	if errs.KindOf(err) != errs.RateLimited || b.mails(email.AddressTaken) > 5 {
		t.Errorf("the seventh within an hour: %v, %d mails to the owner", err, b.mails(email.AddressTaken))
	}
}

// Strangers who sign up with the new address cannot stop the mail that confirms it.
// Break EV-2: services/auth/change_email.go: ask "if !tell" behind the block about other, not in it
func TestChangeEmail_EV2_StrangersDoNotStopTheMail(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	for i := range 6 {
		_, _ = b.Register(t.Context(), from(i), auth.Registration{Name: "Eve", Email: "new@example.com", Password: good.Password})
	}
	if err := b.ChangeEmail(t.Context(), in(u), good.Password, "new@example.com"); err != nil || b.mails(email.ConfirmAddress) != 1 {
		t.Fatalf("%v, %d mails", err, b.mails(email.ConfirmAddress))
	}
	if err := b.ConfirmEmail(t.Context(), stranger, b.mailed(email.ConfirmAddress).Token); err != nil || b.audited("signup.void", "done") != 1 {
		t.Errorf("%v; that a sign-up made way stands in the log %d times", err, b.audited("signup.void", "done"))
	}
}

// Break EV-1: change_email.go: in ConfirmEmail, leave out new_key = @key
func TestChangeEmail_EV1_ALinkIsForItsPersonAndAddress(t *testing.T) {
	b := newBench(t)
	u, eve := b.verified(), b.person("eve@example.com")
	ask := func(u auth.User, address string) string {
		t.Helper()
		if err := b.ChangeEmail(t.Context(), in(u), good.Password, address); err != nil {
			t.Fatal(err)
		}
		return b.mailed(email.ConfirmAddress).Token
	}
	first := ask(u, "first@example.com")
	eves := ask(eve, "second@example.com")
	b.exec(`UPDATE address_changes SET new_email = 'other@example.com', new_key = 'other@example.com' WHERE user_id = $1`, eve.ID)
	wantErr(t, b.ConfirmEmail(t.Context(), stranger, eves), auth.ErrLink) // the address it was mailed to is not the one that waits
	b.exec(`UPDATE address_changes SET new_email = 'first@example.com', new_key = 'first@example.com' WHERE user_id = $1`, eve.ID)
	b.exec(`DELETE FROM address_changes WHERE user_id = $1`, u.ID)
	wantErr(t, b.ConfirmEmail(t.Context(), stranger, first), auth.ErrLink) // Eve waits for that address, but it is not her link
	second := ask(u, "second@example.com")
	third := ask(u, "third@example.com")
	wantErr(t, b.ConfirmEmail(t.Context(), stranger, second), auth.ErrLink) // asked for another since
	wantErr(t, b.Verify(t.Context(), stranger, third), auth.ErrLink)
	wantErr(t, b.ResetPassword(t.Context(), stranger, third, chosen), auth.ErrLink)
	b.exec(`UPDATE users SET password_changed_at = now() WHERE id = $1`, u.ID)
	wantErr(t, b.ConfirmEmail(t.Context(), stranger, third), auth.ErrLink) // asked for under another password
	if b.address(u) != good.Email || b.address(eve) != eve.Email {
		t.Error("an address moved")
	}
}

// Break RS-6: change_email.go: in ConfirmEmail, leave out s.mailAbout
// Break RS-6: change_email.go: in UndoEmail, leave out the UPDATE of password_hash
// Break SE-6: change_email.go: in UndoEmail, leave out s.EndSessions
func TestUndoEmail_RS6_SE6_TheOldAddressTakesItAllBack(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	b.moved(u, "eve@example.com")
	if facts := b.mailed(email.AddressChanged); facts.Email != good.Email || facts.Valid != 72*time.Hour {
		t.Errorf("%+v", facts)
	}
	undo := b.mailed(email.AddressChanged).Token
	hop := b.moved(u, "eve2@example.com") // Eve moves on, and keeps a way back of her own
	c := newBrowser(t, b, auth.SessionConfig{})
	c.signIn(u, "t1")
	squatter, err := b.Register(t.Context(), from(50), good) // and takes the old address, which she cannot verify
	if err != nil {
		t.Fatal(err)
	}
	if err := b.UndoEmail(t.Context(), stranger, undo); err != nil {
		t.Fatal(err)
	}
	if b.address(u) != good.Email {
		t.Error("the address is not back")
	}
	if _, err := b.GetUser(t.Context(), squatter.ID); err == nil {
		t.Error("the address has two accounts")
	}
	if _, _, found := c.request(); found {
		t.Error("Eve is still signed in")
	}
	_, err = b.login(from(1), good.Password, "")
	wantErr(t, err, auth.ErrCredentials)
	wantErr(t, b.UndoEmail(t.Context(), stranger, hop), auth.ErrLink)
	wantErr(t, b.UndoEmail(t.Context(), stranger, undo), auth.ErrLink)
	facts := b.mailed(email.Reset)
	if facts.Email != good.Email {
		t.Errorf("the link to choose a password goes to %q", facts.Email)
	}
	if err := b.ResetPassword(t.Context(), stranger, facts.Token, chosen); err != nil {
		t.Fatal(err)
	}
	if _, err := b.login(from(2), chosen, ""); err != nil {
		t.Error(err)
	}
}

// Break RS-6: links.go: undoLasts = 96 * time.Hour
func TestUndoEmail_RS6_ForThreeDays(t *testing.T) {
	b := newBench(t)
	u := b.verified()
	undo := b.moved(u, "new@example.com")
	if lasts := query[time.Duration](b, `SELECT l.expires_at - c.confirmed_at FROM links l, address_changes c WHERE l.purpose = 'undo'`); lasts != 72*time.Hour {
		t.Errorf("the way back is open for %v", lasts)
	}
	b.exec(`UPDATE links SET expires_at = now() WHERE purpose = 'undo'`)
	wantErr(t, b.UndoEmail(t.Context(), stranger, undo), auth.ErrLink)
	if b.address(u) != "new@example.com" {
		t.Error("the address moved back")
	}
	other := b.person(good.Email) // who has the old address now, and verified it
	undo = b.mailed(email.AddressChanged).Token
	wantErr(t, b.UndoEmail(t.Context(), stranger, undo), auth.ErrEmailTaken)
	if b.address(other) != good.Email {
		t.Error("a verified account lost its address")
	}
}
