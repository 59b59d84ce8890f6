package handlers_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/encryption"
	"dashtam/services/postgres"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// Steps of a refresh at which a process can die.
const (
	leased   = "leased"   // the lease is committed, the bank is not asked
	rotated  = "rotated"  // the bank has answered, its answer is not read
	answered = "answered" // the answer is read, not committed
	stored   = "stored"   // it is committed, not used
	anywhere = "anywhere" // wherever it happens to be
	many     = "many"     // not at all: a hundred refreshes at once
)

// refresher is what a process of its own is told: refresh one connection's access, and stop at a step.
type refresher struct {
	Database, Key, Bank string
	User, Connection    uuid.UUID
	Generation          int64
	Step                string
}

const refresherEnv = "DASHTAM_TEST_REFRESHER"

// TestMain runs the tests, or one refresh where this is the process of a refresher.
func TestMain(m *testing.M) {
	if told := os.Getenv(refresherEnv); told != "" {
		if err := refresh(told); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// refresh is one refresh in a process of its own. It says "here" at its step and goes on when its input ends.
func refresh(told string) error {
	var r refresher
	if err := json.Unmarshal([]byte(told), &r); err != nil {
		return err
	}
	ctx := context.Background()
	pool, err := postgres.Open(ctx, r.Database)
	if err != nil {
		return err
	}
	keys, err := encryption.ParseKeyring(r.Key)
	if err != nil {
		return err
	}
	here := func(step string) {
		if step == r.Step {
			fmt.Println("here")
			_, _ = io.Copy(io.Discard, os.Stdin)
		}
	}
	client := providers.NewClient(true)
	client.Transport = stopped{client.Transport, func(path string) {
		if path == "/oauth/token" {
			here(rotated)
		}
	}}
	bank, vault := adapter(r.Bank, client), tokens.New(tokens.Config{DB: pool, Keys: keys})
	one := func() error {
		_, err := vault.RefreshToken(ctx, actor.ForJob(r.User, "refresher"), r.Connection, r.Generation,
			func(ctx context.Context, refresh encryption.Secret) (tokens.Tokens, error) {
				here(leased)
				answer, err := bank.Access.Refresh(ctx, refresh)
				here(answered)
				return answer, err
			})
		return err
	}
	if r.Step == many {
		here(many)
		var all sync.WaitGroup
		failed := make(chan error, 100)
		for range cap(failed) {
			all.Go(func() { failed <- one() })
		}
		all.Wait()
		for range cap(failed) {
			if err := <-failed; err != nil {
				return err
			}
		}
		return nil
	}
	here(anywhere)
	err = one()
	here(stored)
	return err
}

// stopped tells when an answer has begun, before any of its body is read.
type stopped struct {
	http.RoundTripper
	at func(path string)
}

func (s stopped) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.RoundTripper.RoundTrip(r)
	if err == nil {
		s.at(r.URL.Path)
	}
	return answer, err
}

// process is a refresher on its way.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start starts a process that refreshes s's connection, and waits until it is at its step.
func (s *sweep) start(step string) *process {
	s.t.Helper()
	told, err := json.Marshal(refresher{
		s.app.DB.Config().ConnString(), s.app.KeyLine.Reveal(), s.app.BankURL, s.who.UserID, s.id, s.generation(), step,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self)}
	p.Env = append(os.Environ(), refresherEnv+"="+string(told))
	p.Stderr = os.Stderr
	if p.in, err = p.StdinPipe(); err != nil {
		s.t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = p.Process.Kill() })
	if line, err := p.out.ReadString('\n'); line != "here\n" {
		s.t.Fatalf("at %s: %q, %v", step, line, err)
	}
	return p
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.Process.Kill()
	_ = p.Wait()
}

// goOn lets the process go on to its end.
func (p *process) goOn() error {
	_ = p.in.Close()
	said, _ := io.ReadAll(p.out)
	if err := p.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// later is when the lease of a process that died has run out.
func (s *sweep) later() {
	s.t.Helper()
	if _, err := s.app.DB.Exec(s.t.Context(), `UPDATE connection_tokens SET lease_until = now() - interval '1 second' WHERE connection_id = $1 AND lease_until IS NOT NULL`, s.id); err != nil {
		s.t.Fatal(err)
	}
}

// sealed is what the vault holds, as it is stored.
func (s *sweep) sealed() (text string) {
	s.t.Helper()
	err := s.app.DB.QueryRow(s.t.Context(), `SELECT generation || ' ' || encode(access_token, 'hex') FROM connection_tokens WHERE connection_id = $1`, s.id).Scan(&text)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// rounds is n, or many more with DASHTAM_FAULTS=all.
func rounds(n, all int) int {
	if os.Getenv("DASHTAM_FAULTS") == "all" {
		return all
	}
	return n
}

// A process is killed at each named step of a refresh, with a bank that lets the old token be tried again and with one
// that does not; the next node asks at most once more, and what it finds is the truth.
//
// Break OA-13: services/tokens/refresh.go: in acquire, case r.Lost >= 1 in place of inDoubt
// Break OA-14: services/tokens/refresh.go: in keep, return the answer before it is stored
func TestRefresh_OA13_OA14_F01_F02_F03_F04_Killed(t *testing.T) {
	s := newSweep(t)
	for _, mode := range []string{"grace", "strict"} {
		s.fault("rotation", mode, 0)
		for step, most := range map[string]int64{leased: 1, rotated: 2, answered: 2, stored: 1} {
			for range rounds(2, 25) {
				what, before, generation := mode+", killed when "+step, s.stats().TokenPosts, s.generation()
				s.start(step).kill()
				s.later()
				var err error
				if s.generation() == generation { // what was stored is simply used
					err = s.refresh()
				}
				if posts := s.stats().TokenPosts - before; posts > most {
					t.Errorf("%s: %d token requests", what, posts)
				}
				s.judge(what, mode, err, mode == "strict" && most == 2)
			}
		}
	}
	s.report()
}

// A process is killed wherever it happens to be. Which step that is depends on the seed, so no break belongs to it.
func TestRefresh_F01_F02_F03_F04_KilledAnywhere(t *testing.T) {
	s := newSweep(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	for _, mode := range []string{"grace", "strict"} {
		s.fault("rotation", mode, 0)
		for range rounds(8, 100) {
			what, before, generation := mode+", killed anywhere", s.stats().TokenPosts, s.generation()
			p := s.start(anywhere)
			_ = p.in.Close()
			time.Sleep(time.Duration(dice.IntN(40)) * time.Millisecond)
			p.kill()
			s.later()
			var err error
			if s.generation() == generation {
				err = s.refresh()
			}
			if posts := s.stats().TokenPosts - before; posts > 2 {
				t.Errorf("%s: %d token requests", what, posts)
			}
			s.judge(what, mode, err, mode == "strict")
		}
	}
	s.report()
}

// A process sleeps through its lease with the answer in its hands (SIGSTOP), another node refreshes meanwhile, and then it
// wakes up.
//
// Break OA-12: services/tokens/refresh.go: in store, drop the case r.Generation != l.generation
func TestRefresh_OA12_F07_SleptThroughTheLease(t *testing.T) {
	s := newSweep(t)
	for _, mode := range []string{"grace", "strict"} {
		s.fault("rotation", mode, 0)
		for range rounds(2, 20) {
			what := mode + ", asleep with the answer"
			sleeper := s.start(answered)
			if err := sleeper.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			s.later()
			err := s.refresh()
			kept := s.sealed()
			if err := sleeper.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			if woke := sleeper.goOn(); woke != nil {
				t.Errorf("%s: %v", what, woke)
			}
			if err == nil && s.sealed() != kept {
				t.Errorf("%s: the sleeper overwrote what was stored meanwhile", what)
			}
			s.judge(what, mode, err, mode == "strict")
		}
	}
	s.report()
}

// Two processes with a hundred refreshes each at the same moment: one token request, one rotation, no family revoked.
//
// Break OA-12: services/tokens/refresh.go: in acquire, drop the comparison of fence and generation
func TestRefresh_OA12_F07_TwoNodesAtOnce(t *testing.T) {
	s := newSweep(t)
	s.fault("rotation", "strict", 0)
	for range rounds(3, 30) {
		before := s.stats().TokenPosts
		nodes := []*process{s.start(many), s.start(many)}
		var all sync.WaitGroup
		for _, n := range nodes {
			all.Go(func() {
				if err := n.goOn(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if posts := s.stats().TokenPosts - before; posts != 1 {
			t.Errorf("%d token requests, want 1", posts)
		}
		s.judge("two nodes at once", "strict", nil, false)
	}
	s.report()
}
