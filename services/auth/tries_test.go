package auth_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"dashtam/services/auth"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/password"
)

// siege has strangers guess the passwords of addresses at every quarter of an hour, for days.
func (b *bench) siege(days int, addresses ...string) {
	b.t.Helper()
	for i := range days * 96 {
		b.now = b.now.Add(15 * time.Minute)
		for n := range 2 {
			for _, address := range addresses {
				_, err := b.Login(b.t.Context(), from(i*2+n), auth.Credentials{Email: address, Password: "wrong"}, noSession)
				wantErr(b.t, err, auth.ErrCredentials)
			}
		}
	}
}

// Four days of guessing gets 75 guesses at an address, real or not, and nothing but its owner's coming in gives it others:
// with a known device at once, or by a mailed link.
//
// Break RL-2: services/auth/tries.go: in failed, leave out s.Limits.Extend
// Break RL-2: services/auth/tries.go: in locked, return only a.failures >= limits.LoginFailures.Max
func TestLogin_RL2_AHundredInARowAndNoMore(t *testing.T) {
	const invented = "nobody@example.com"
	for name, c := range map[string]struct {
		comesIn func(b *bench)
		device  bool
	}{
		"with a known device": {device: true, comesIn: func(*bench) {}},
		"by a mailed link": {comesIn: func(b *bench) {
			if err := b.ResetPassword(b.t.Context(), stranger, b.forgot(), good.Password+" again"); err != nil {
				b.t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.verified()
			in, err := b.login(stranger, good.Password, "")
			if err != nil {
				t.Fatal(err)
			}
			before := b.hashes()
			b.siege(4, good.Email, invented)
			if n := b.hashes() - before; n != 2*75 {
				t.Errorf("%d of two times 768 guesses were compared with a password", n)
			}
			b.now = b.now.Add(300 * 24 * time.Hour)
			for _, address := range []string{good.Email, invented} {
				cost := b.work(func() {
					_, err := b.Login(t.Context(), from(1), auth.Credentials{Email: address, Password: good.Password}, noSession)
					wantErr(t, err, auth.ErrCredentials)
				})
				if cost.hashes != 0 {
					t.Errorf("%s: there is one guess more a year later", address)
				}
			}
			secret, device := good.Password+" again", ""
			if c.comesIn(b); c.device {
				secret, device = good.Password, in.Device.Value
			}
			if _, err := b.login(from(2), secret, device); err != nil {
				t.Errorf("the owner: %v", err)
			}
			if _, err := b.login(from(3), secret, ""); err != nil {
				t.Errorf("a new device, after that: %v", err)
			}
		})
	}
}

// Every sign-in makes a known device with ten tries a quarter of an hour of its own. Together they have 25 in a row.
//
// Break RL-2: services/auth/tries.go: in attempt, limits.StrangeFailures for a known device
func TestLogin_RL2_KnownDevicesHaveTheirTriesTogether(t *testing.T) {
	b := newBench(t)
	b.verified()
	var devices []string
	for i := range 5 {
		in, err := b.login(from(i), good.Password, "")
		if err != nil {
			t.Fatal(err)
		}
		devices = append(devices, in.Device.Value)
	}
	before := b.hashes()
	for _, device := range devices {
		for i := range 10 {
			_, err := b.login(from(100+i), "wrong", device)
			wantErr(t, err, auth.ErrCredentials)
		}
	}
	if n := b.hashes() - before; n != 35 { // and ten as strangers
		t.Errorf("%d of 50 guesses were compared with the password", n)
	}
	_, err := b.login(from(200), good.Password, devices[4])
	wantErr(t, err, auth.ErrCredentials)
	b.now = b.now.Add(16 * time.Minute)
	in, err := b.login(from(200), good.Password, devices[4])
	if err != nil || in.Device.Value == devices[4] {
		t.Errorf("as a stranger, later: %v, the device stayed known: %t", err, in.Device.Value == devices[4])
	}
	if again, err := b.login(from(200), good.Password, in.Device.Value); err != nil || again.Device != in.Device {
		t.Errorf("the device that is new since: %v", err)
	}
}

// Who knew the old password may have made a device known. The new password ends that, as it ends sessions.
//
// Break RL-2: services/auth/login.go: in check, leave out a.outdated()
func TestLogin_RL2_ANewPasswordMakesOldDevicesUnknown(t *testing.T) {
	b := newBench(t)
	b.verified()
	in, err := b.login(stranger, good.Password, "")
	if err != nil {
		t.Fatal(err)
	}
	b.exec(`UPDATE users SET password_changed_at = now() + interval '1 minute'`)
	u, err := b.GetUserByEmail(t.Context(), good.Email)
	if err != nil {
		t.Fatal(err)
	}
	fresh := b.NewDevice(u) // of the browser in which it was changed; the database's clock may go before ours
	for i := range 10 {
		_, err := b.login(from(i), "wrong", in.Device.Value)
		wantErr(t, err, auth.ErrCredentials)
	}
	_, err = b.login(from(50), good.Password, "")
	wantErr(t, err, auth.ErrCredentials) // its tries were everybody's
	_, err = b.login(from(51), good.Password, in.Device.Value)
	wantErr(t, err, auth.ErrCredentials)
	if again, err := b.login(from(52), good.Password, fresh.Value); err != nil || again.Device != fresh {
		t.Errorf("the browser in which it was changed: %v", err)
	}
}

// Ten times the machine was busy, and nobody was guessing.
//
// Break RL-1: services/auth/prove.go: in prove, count with s.failed before s.Hashes.Verify
func TestReauthenticate_ABusyMachineIsNoWrongPassword(t *testing.T) {
	b := newBench(t)
	o := open(t, b, b.verified())
	c := b.config
	c.Hashes = hashpool.New(password.New(14), 1) // a hash takes about a second
	busy := auth.New(c)
	go func() { _, _ = c.Hashes.Hash(context.Background(), hashpool.Known, "SecurePass123!") }()
	for c.Hashes.Stats().Busy == 0 {
		runtime.Gosched()
	}
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // less than the wait would be
		if err := busy.Reauthenticate(ctx, o.who, good.Password, noSession); err == nil || errs.KindOf(err) == errs.RateLimited {
			t.Errorf("on a busy machine: %v", err)
		}
		cancel()
	}
	if err := b.Reauthenticate(t.Context(), o.who, good.Password, noSession); err != nil {
		t.Errorf("when it is not: %v", err)
	}
}

// A stolen session has as many guesses in a row as known devices have, however long it lasts.
//
// Break RL-2: services/auth/prove.go: in mayProve, return nil in place of the last lines
func TestReauthenticate_RL2_NoEndlessGuessing(t *testing.T) {
	b := newBench(t)
	o := open(t, b, b.verified())
	before := b.hashes()
	var last error
	for range 6 {
		for range 10 {
			last = b.Reauthenticate(t.Context(), o.who, "wrong", noSession)
		}
		b.now = b.now.Add(16 * time.Minute)
	}
	if n := b.hashes() - before; n != 25 || errs.KindOf(last) != errs.RateLimited {
		t.Errorf("%d of 60 guesses were compared, the last answer: %v", n, last)
	}
	if _, err := b.login(from(1), good.Password, ""); err != nil {
		t.Errorf("signing in anew: %v", err)
	}
	if err := b.Reauthenticate(t.Context(), o.who, good.Password, noSession); err != nil {
		t.Errorf("after that: %v", err)
	}
}
