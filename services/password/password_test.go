package password_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"dashtam/services/errs"
	"dashtam/services/password"
)

// cheap is a service at bcrypt's lowest cost: what is tested here does not depend on it.
var cheap = password.New(bcrypt.MinCost)

func hash(t testing.TB, s *password.Service, plain string) string {
	t.Helper()
	h, err := s.HashPassword(plain)
	if err != nil {
		t.Fatalf("hashing %q: %v", plain, err)
	}
	return h
}

func TestSeed_Password_HashAndVerify(t *testing.T) {
	s := password.New(0)
	h := hash(t, s, "MyPassword123!")
	if !s.VerifyPassword("MyPassword123!", h) {
		t.Error("the right password does not verify")
	}
	if s.VerifyPassword("WrongPassword", h) {
		t.Error("a wrong password verifies")
	}
	if cost, err := bcrypt.Cost([]byte(h)); err != nil || cost != 12 {
		t.Errorf("cost %d (%v), want the document's 12", cost, err)
	}
}

func TestSeed_Password_Concurrent(t *testing.T) {
	h := hash(t, cheap, "MyPassword123!")
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			own, err := cheap.HashPassword("MyPassword123!")
			if err != nil || !cheap.VerifyPassword("MyPassword123!", own) || !cheap.VerifyPassword("MyPassword123!", h) || cheap.VerifyPassword("WrongPassword", h) {
				t.Error("a hash made beside others is wrong")
			}
			if ok, _ := cheap.ValidatePasswordStrength("SecurePass123!"); !ok {
				t.Error("SecurePass123! is refused beside others")
			}
		})
	}
	wg.Wait()
}

// Break PW-4: password.go: mac.Write(norm.NFKC.Bytes([]byte(password[:min(72, len(password))]))).
func TestHash_PW4_EveryByteCounts(t *testing.T) {
	for _, base := range []string{strings.Repeat("a", 72), strings.Repeat("🐚", 64), strings.Repeat("x", password.MaxBytes-1)} {
		h := hash(t, cheap, base)
		if !cheap.VerifyPassword(base, h) {
			t.Errorf("%d bytes do not verify", len(base))
		}
		if cheap.VerifyPassword(base+"b", h) || cheap.VerifyPassword(base[:len(base)-1], h) {
			t.Errorf("of %d bytes the end does not count", len(base))
		}
	}
	if _, err := cheap.HashPassword(strings.Repeat("x", password.MaxBytes+1)); errs.FieldsOf(err)["password"] == "" {
		t.Errorf("1,025 bytes: %v", err)
	}
}

// Break PW-5: password.go: mac.Write(append(norm.NFKC.Bytes(nil), password...)).
func TestHash_PW5_NormalisedAlike(t *testing.T) {
	composed, decomposed := "caf\u00e9 au lait", "cafe\u0301 au lait"
	if !cheap.VerifyPassword(decomposed, hash(t, cheap, composed)) {
		t.Error("the same text typed on another keyboard does not verify")
	}
}

// Break PW-6: password.go: case strings.ContainsRune(password, 0) && false.
func TestHash_PW6_NoNULAndOnlyUTF8(t *testing.T) {
	for _, bad := range []string{"abcdefgh\x00x", "abcdefgh\xff", "\xc3\x28abcdefgh"} {
		if _, err := cheap.HashPassword(bad); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
		if ok, reason := cheap.ValidatePasswordStrength(bad); ok || reason == "" {
			t.Errorf("%q is said to be usable", bad)
		}
		if cheap.VerifyPassword(bad, hash(t, cheap, "abcdefgh")) {
			t.Errorf("%q verifies as abcdefgh", bad)
		}
	}
}

// Break PW-7: password.go: cost < 10 in NeedsRehash.
func TestRehash_PW7_OlderCostsAndDummy(t *testing.T) {
	stronger := password.New(bcrypt.MinCost + 1)
	h := hash(t, cheap, "MyPassword123!")
	if !stronger.NeedsRehash(h) || cheap.NeedsRehash(h) || cheap.NeedsRehash(hash(t, stronger, "MyPassword123!")) || !cheap.NeedsRehash("junk") {
		t.Error("a hash is renewed if and only if it is weaker than today's cost")
	}
	dummy := stronger.DummyHash()
	if cost, err := bcrypt.Cost([]byte(dummy)); err != nil || cost != bcrypt.MinCost+1 {
		t.Errorf("dummy %q has cost %d (%v)", dummy, cost, err)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(dummy), []byte("x")); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Errorf("the dummy does no real comparison: %v", err)
	}
}

// Break PW-7: password.go: in RestOfWork, cost+1 in place of cost in dummy(cost).
func TestRestOfWork_PW7_AddsUpToTodaysCost(t *testing.T) {
	s := password.New(12)
	for cost := 4; cost <= 12; cost++ {
		stored := strings.Replace(s.DummyHash(), "$12$", fmt.Sprintf("$%02d$", cost), 1)
		rounds := 1 << cost
		for _, rest := range s.RestOfWork(stored) {
			c, err := bcrypt.Cost([]byte(rest))
			if err != nil {
				t.Fatal(err)
			}
			rounds += 1 << c
		}
		if rounds != 1<<12 {
			t.Errorf("a hash of cost %d is made up to %d rounds", cost, rounds)
		}
	}
	if rest := s.RestOfWork("junk"); len(rest) != 1 || rest[0] != s.DummyHash() {
		t.Errorf("junk is made up by %q", rest)
	}
}

func BenchmarkHash(b *testing.B) {
	s := password.New(0)
	for b.Loop() {
		hash(b, s, "MyPassword123!")
	}
}

func BenchmarkVerify(b *testing.B) {
	s := password.New(0)
	h := hash(b, s, "MyPassword123!")
	for b.Loop() {
		if !s.VerifyPassword("MyPassword123!", h) {
			b.Fatal("wrong")
		}
	}
}
