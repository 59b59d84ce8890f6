package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"dashtam/services/email"
	"dashtam/services/postgres"
	"dashtam/services/tokens"
)

var mailNames = map[string]string{"smtp": "The SMTP server", "ses": "Amazon SES", "outbox": "The outbox"}

// mailFaults are what is wrong with mail, and what to do.
var mailFaults = map[email.Reason]Line{
	email.Busy:        {"asks to come back later.", "Wait. If it stays so, the account there is limited."},
	email.Denied:      {"answers, but does not let Dashtam in.", "See whether user name, password or credentials are still good there."},
	email.TimedOut:    {"does not answer in time.", "See whether its address and port are right, and whether a firewall is in between."},
	email.Unreachable: {"cannot be reached.", "See whether its address and port are right, and whether it is running."},
}

// mail asks the server whether it would take a mail, without giving it one.
func (s *Service) mail(ctx context.Context) Check {
	name := mailNames[s.c.MailKind]
	sender, err := s.c.Mail(ctx)
	if err != nil {
		return Check{State: Fail, Found: name + " is not configured in a way that can be used.", Do: "See what README.md says about DASHTAM_EMAIL."}
	}
	err = email.Reach(ctx, sender)
	failed, isFailed := errors.AsType[*email.SendError](err)
	switch {
	case errors.Is(err, email.ErrOnlyVerified):
		return Check{State: Warn, Found: name + " answers, but this account may only write to verified addresses.", Do: "Ask Amazon for production access."}
	case isFailed && mailFaults[failed.Reason].Label != "":
		return Check{State: Fail, Found: name + " " + mailFaults[failed.Reason].Label, Do: mailFaults[failed.Reason].Value}
	case err != nil:
		return Check{State: Fail, Found: name + " cannot be used.", Do: "See whether the variables that begin with DASHTAM_EMAIL, DASHTAM_SMTP and DASHTAM_SES are right."}
	case s.c.MailKind == "outbox" && s.c.BaseURL.Scheme == "https":
		return Check{State: Warn, Found: "Mails stay on this machine: nobody gets one.", Do: "Set DASHTAM_EMAIL to smtp or ses if others use this Dashtam."}
	case s.c.MailKind == "outbox":
		return Check{State: OK, Found: "Mails stay on this machine, in the data directory."}
	}
	return Check{State: OK, Found: name + " takes mails."}
}

// drift is how far a clock may be from ours. Banks reject sign-ins and codes not much later.
const drift = 30 * time.Second

func (s *Service) clock(ctx context.Context) Check {
	c := Check{State: OK, Found: "The clocks of this machine and of the database agree."}
	asked := s.c.Now()
	var at time.Time
	if err := s.c.DB.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&at); err != nil {
		c = Check{State: Warn, Found: "The database's clock cannot be asked.", Do: "Repair the database first."}
	} else if apart := at.Sub(middle(asked, s.c.Now())).Abs(); apart > drift {
		c = apartFrom("the database", apart)
	}
	for _, b := range s.bankClocks(ctx) {
		if b.known && b.apart > drift && c.State == OK {
			c = apartFrom(b.name, b.apart)
		} else if b.known && c.State == OK {
			c.Found += " So does that of " + b.name + "."
		}
	}
	return c
}

func apartFrom(whose string, apart time.Duration) Check {
	return Check{State: Warn, Found: fmt.Sprintf("The clocks of this machine and of %s are %s apart.", whose, apart.Round(time.Second)),
		Do: "Let both machines set their clocks over the network: timedatectl set-ntp true."}
}

type bankClock struct {
	name  string
	apart time.Duration
	known bool
}

// bankClocks reads the Date of what each bank answers. A bank that does not answer is no fault of the clock.
func (s *Service) bankClocks(ctx context.Context) []bankClock {
	banks := s.c.Providers()
	found := make([]bankClock, len(banks))
	var all sync.WaitGroup
	for i, p := range banks {
		found[i].name = p.Name
		if p.Issuer == "" || p.Off {
			continue
		}
		all.Go(func() {
			asked := s.c.Now()
			_, said, err := s.get(ctx, s.c.Banks, strings.TrimSuffix(p.Issuer, "/")+"/.well-known/openid-configuration", nil)
			if err != nil {
				return
			}
			at, err := http.ParseTime(said.Get("Date"))
			found[i].known, found[i].apart = err == nil, at.Sub(middle(asked, s.c.Now())).Abs()
		})
	}
	all.Wait()
	return found
}

func middle(from, to time.Time) time.Time { return from.Add(to.Sub(from) / 2) }

func (s *Service) keys(ctx context.Context) Check {
	if s.c.KeysFault != nil {
		return Check{State: Fail, Found: "The keys cannot be used: " + s.c.KeysFault.Error() + ".",
			Do: "Bring back the copy of the keys you keep apart. A Dashtam that never ran makes a key file at its first start."}
	}
	if info, err := os.Stat(s.c.KeyFile); s.c.KeyFile != "" && err != nil {
		return Check{State: Fail, Found: "The key file " + s.c.KeyFile + " is not there any more.", Do: "Bring back its copy before Dashtam ends: the next start needs it."}
	} else if err == nil && info.Mode().Perm()&0o077 != 0 {
		return Check{State: Fail, Found: "The key file " + s.c.KeyFile + " can be read by others.", Do: "chmod 600 it: the next start refuses it."}
	}
	err := s.c.Tokens.TryKeys(ctx)
	switch {
	case errors.Is(err, tokens.ErrWrongKey), errors.Is(err, tokens.ErrMissingKey):
		return Check{State: Fail, Found: "These are not the keys this database was written with.", Do: "Bring back the keys of its time. Without them every bank has to be connected again."}
	case err != nil:
		return Check{State: Warn, Found: "The keys cannot be compared with the database.", Do: "Repair the database first."}
	}
	uses, err := s.c.Tokens.KeyUses(ctx)
	if err != nil {
		return Check{State: Warn, Found: "The keys cannot be compared with the database.", Do: "Repair the database first."}
	}
	for _, u := range uses {
		if u.Retired && u.Needed() {
			return Check{State: Warn, Found: "The key " + u.ID + " is retired and still opens " + u.Opens() + ".", Do: "Run dashtam keys rotate: it goes on where it was stopped."}
		}
	}
	return Check{State: OK, Found: "The keys are the ones this database was written with."}
}

func (s *Service) database(ctx context.Context) Check {
	is, err := postgres.Look(ctx, s.c.DB)
	switch {
	case err != nil:
		return Check{State: Fail, Found: "The database does not answer.", Do: "See whether it is running and whether DASHTAM_DATABASE_URL leads to it; the log of Dashtam says more."}
	case is.Version < postgres.Oldest:
		return Check{State: Fail, Found: fmt.Sprintf("The database is PostgreSQL %d.", is.Version), Do: fmt.Sprintf("Dashtam needs PostgreSQL %d or newer.", postgres.Oldest)}
	case is.Missing > 0 && is.Pooled:
		return Check{State: Fail, Found: fmt.Sprintf("The database lacks %d of this version's migrations, and a pooler in transaction mode stands before it.", is.Missing),
			Do: "Run dashtam migrate with a DASHTAM_DATABASE_URL that leads around the pooler."}
	case is.Missing > 0:
		return Check{State: Fail, Found: fmt.Sprintf("The database lacks %d of this version's migrations.", is.Missing), Do: "Run dashtam migrate."}
	case is.Unknown > 0:
		return Check{State: Warn, Found: "The database was migrated by a newer Dashtam.", Do: "Run that version on every node."}
	case is.Pooled:
		return Check{State: OK, Found: fmt.Sprintf("PostgreSQL %d, migrated, behind a pooler in transaction mode. Dashtam looks for jobs five times a second there; dashtam migrate needs a DASHTAM_DATABASE_URL that leads around it.", is.Version)}
	}
	return Check{State: OK, Found: fmt.Sprintf("PostgreSQL %d, migrated.", is.Version)}
}

const (
	spaceWarn = 1 << 30
	spaceFail = 100 << 20
)

// disk looks at the disks of ours: the embedded database may lie on another than the data directory around it.
func (s *Service) disk() Check {
	where := []Line{{"the data directory", s.c.DataDir}}
	if s.c.Embedded {
		where = append(where, Line{"the database", filepath.Join(s.c.DataDir, "postgres")})
	}
	c := Check{State: OK}
	var said []string
	least := uint64(1) << 63
	for _, w := range where {
		bytes, err := s.c.Free(existing(w.Value))
		if err != nil {
			return Check{State: Warn, Found: "How much space there is for " + w.Label + " cannot be told.", Do: "See whether " + w.Value + " can be read."}
		}
		least = min(least, bytes)
		said = append(said, fmt.Sprintf("%s for %s", size(bytes), w.Label))
	}
	c.Found = "There is " + strings.Join(said, ", ") + "."
	if least < spaceWarn {
		c.State, c.Do = Warn, "Make room: a database without any stops."
	}
	if least < spaceFail {
		c.State = Fail
	}
	return c
}

// existing is dir, or what is there of the way to it.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

func size(bytes uint64) string {
	if bytes < spaceWarn {
		return fmt.Sprintf("%d MB", bytes>>20)
	}
	return fmt.Sprintf("%.0f GB", float64(bytes)/(1<<30))
}
