package syncer_test

import (
	"syscall"
	"testing"

	"dashtam/services/syncer"
)

// A process is stopped, or killed, while it works a run: another takes the run over and ends it. One that wakes up again
// writes nothing.
//
// Break JB-2: services/syncer/run.go: in where, leave the fence out
func TestRun_JB2_StoppedAndKilledProcesses(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"stopped": syscall.SIGSTOP, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			held, release := b.hold(1)
			defer release()
			node, stop := startNode(t, benchNode{b.db.Config().ConnString(), b.key.Reveal(), b.bank.URL})
			<-held
			if err := node.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			b.expire()
			b.look()
			b.work()
			b.exec(`UPDATE accounts SET balance_minor = 7`, nil) // whatever is newer than what the process holds
			if signal == syscall.SIGSTOP {
				if err := node.Process.Signal(syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
			}
			release()
			stop()
			if r := b.progress(); r.State != syncer.Done || r.Added != 2 {
				t.Errorf("run %+v", r)
			}
			if n := b.count(`SELECT takeovers FROM sync_runs`); n != 1 {
				t.Errorf("%d takeovers", n)
			}
			if n := b.count(`SELECT count(*) FROM accounts WHERE balance_minor = 7`); n != 1 {
				t.Error("it wrote an account after somebody else had")
			}
		})
	}
}
