package handlers_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dashtam/handlers/handlertest"
	"dashtam/services/auth"
	"dashtam/views/pages"
)

// another is a second password.
const another = "four quiet herons wade at dusk"

// act is something somebody does, and the lines it must leave in the audit log, as "act result", in their order.
type act struct {
	name string
	do   func() *handlertest.Page
	want string
}

// stage is one installation on which acts are done, one after the other.
type stage struct {
	*handlertest.App
	t                   *testing.T
	nora, boss, visitor *handlertest.Browser
	connection          string
	guest               auth.User
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{App: handlertest.New(t), t: t}
	s.nora, s.connection = s.Connected("Nora Okafor", "nora")
	s.boss, s.visitor, s.guest = s.SignedInAdmin("Ada Eze"), s.Stranger(), s.Person("Gus Guest")
	return s
}

func (s *stage) id(sql string, args ...any) string {
	s.t.Helper()
	return row(s.t, s.App, sql, args...)
}

// acts are done by people and administrators, in an order in which each is possible.
func (s *stage) acts() []act {
	guest := "/admin/users/" + s.guest.ID.String()
	note := "/transactions/" + s.id(`SELECT id::text FROM transactions WHERE user_id = $1 LIMIT 1`, s.nora.User.ID) + "/note"
	invitation := func() string { return s.id(`SELECT id::text FROM invitations ORDER BY created_at DESC LIMIT 1`) }
	return []act{
		{"a login", func() *handlertest.Page {
			return s.visitor.Post("/login", "email", s.guest.Email, "password", handlertest.Password)
		}, "login done"},
		{"a login that fails", func() *handlertest.Page {
			return s.Stranger().Post("/login", "email", s.guest.Email, "password", "WrongPassword")
		}, "login refused"},
		{"a logout", func() *handlertest.Page { return s.visitor.Post("/logout") }, "logout done"},
		{"a sign-up", func() *handlertest.Page {
			return s.Stranger().Post("/signup", "name", "N", "email", "new@example.com", "password", handlertest.Password)
		}, "signup done"},
		{"a sign-up with a known address", func() *handlertest.Page {
			return s.Stranger().Post("/signup", "name", "N", "email", s.guest.Email, "password", handlertest.Password)
		}, "signup refused"},
		{"another link", func() *handlertest.Page { return s.Stranger().Post("/verify/resend", "email", "nobody@example.com") }, "verify.resend done"},
		{"a forgotten password", func() *handlertest.Page { return s.Stranger().Post("/password/forgot", "email", "nobody@example.com") }, "password.forgot done"},
		{"a verification", func() *handlertest.Page { return s.Stranger().Post(s.Link(s.Mail("new@example.com"))) }, "verify done"},
		{"a proof", func() *handlertest.Page { return s.nora.Post("/reauth", "password", handlertest.Password) }, "reauth done"},
		{"the end of a session", func() *handlertest.Page {
			other := s.Stranger()
			other.Post("/login", "email", s.nora.User.Email, "password", handlertest.Password)
			id := s.id(`SELECT coalesce((SELECT id::text FROM sessions WHERE user_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC LIMIT 1), '')`, s.nora.User.ID)
			return s.nora.Post("/settings/sessions/" + id + "/revoke")
		}, "login done, session.end done"},
		{"the end of the others", func() *handlertest.Page { return s.nora.Post("/settings/sessions/revoke-others") }, "session.end_others done"},
		{"another password", func() *handlertest.Page {
			return s.nora.Post("/settings/security/password", "current_password", handlertest.Password, "password", another)
		}, "password done"},
		{"another address", func() *handlertest.Page {
			return s.nora.Post("/settings/email", "email", "okafor@example.com", "password", another)
		}, "email.asked done"},
		{"its confirmation", func() *handlertest.Page { return s.nora.Post(s.Link(s.Mail("okafor@example.com"))) }, "email.changed done"},
		{"a profile", func() *handlertest.Page {
			return s.nora.Post("/settings/profile", "name", "Nora O.", "timezone", "UTC", "theme", "dark")
		}, "profile done"},
		{"a theme", func() *handlertest.Page { return s.nora.Post("/settings/theme", "theme", "light") }, "profile.theme done"},
		{"a note", func() *handlertest.Page { return s.nora.Post(note, "note", "rent") }, "transaction.noted done"},
		{"an export", func() *handlertest.Page { return s.nora.Get("/transactions.csv") }, "transactions.exported done"},
		{"the way to a bank", func() *handlertest.Page { return s.nora.Post("/connections/sandbox/connect") }, "connection.start done"},
		{"a connection's name", func() *handlertest.Page { return s.nora.Post(s.connection+"/rename", "name", "mine") }, "connection.renamed done"},
		{"a disconnection", func() *handlertest.Page { return s.nora.Post(s.connection+"/disconnect", "data", "keep") }, "connection.disconnected done"},
		{"a role", func() *handlertest.Page { return s.boss.Post(guest+"/role", "role", "admin") }, "role done"},
		{"a role taken away", func() *handlertest.Page { return s.boss.Post(guest+"/role", "role", "user") }, "role done"},
		{"the end of sessions", func() *handlertest.Page { return s.boss.Post(guest + "/sign-out") }, "user.signed_out done"},
		{"a reset", func() *handlertest.Page { return s.boss.Post(guest + "/reset") }, "user.reset done"},
		{"a disabled account", func() *handlertest.Page { return s.boss.Post(guest + "/disable") }, "user.disabled done"},
		{"an enabled account", func() *handlertest.Page { return s.boss.Post(guest + "/enable") }, "user.enabled done"},
		{"an invitation", func() *handlertest.Page { return s.boss.Post("/admin/settings", "email", "inv@example.com") }, "invitation.created done"},
		{"an invitation accepted", func() *handlertest.Page {
			return s.Stranger().Post(s.Link(s.Mail("inv@example.com")), "name", "Inv", "password", handlertest.Password)
		}, "invitation.used done"},
		{"another invitation", func() *handlertest.Page { return s.boss.Post("/admin/settings", "email", "inv2@example.com") }, "invitation.created done"},
		{"an invitation taken back", func() *handlertest.Page { return s.boss.Post("/admin/invitations/" + invitation() + "/revoke") }, "invitation.revoked done"},
		{"an added bank", func() *handlertest.Page { return s.boss.Post("/admin/providers", alder(s.BankURL)...) }, "provider.added done"},
		{"a changed bank", func() *handlertest.Page {
			return s.boss.Post("/admin/providers/alder/change", alder(s.BankURL, "name", "Alder 2")...)
		}, "provider.changed done"},
		{"a tested bank", func() *handlertest.Page { return s.boss.Post("/admin/providers/alder/test") }, "provider.tested done"},
		{"a bank switched off", func() *handlertest.Page { return s.boss.Post("/admin/providers/alder/off") }, "provider.off done"},
		{"a bank switched on", func() *handlertest.Page { return s.boss.Post("/admin/providers/alder/on") }, "provider.on done"},
		{"a removed bank", func() *handlertest.Page { return s.boss.Post("/admin/providers/alder/remove") }, "provider.removed done"},
		{"an export of the log", func() *handlertest.Page { return s.boss.Get("/admin/audit.csv") }, "audit.exported done"},
		{"a deleted account", func() *handlertest.Page { return s.boss.Post(guest+"/delete", "email", s.guest.Email) }, "user.disabled done, user.deleted done"},
	}
}

// Every act leaves exactly its lines, with the request they came from, and none of them touches the record when it fails.
// Break AU-1: services/auth/people.go: in administer, return nil in place of audit.Record
func TestActs_AU1_EachLeavesItsLine(t *testing.T) {
	s := newStage(t)
	newest := func() string { return s.id(`SELECT coalesce(max(id), 0)::text FROM audit_events`) }
	done := map[string]bool{}
	for _, a := range s.acts() {
		before := newest()
		p := a.do()
		got := s.id(`SELECT coalesce(string_agg(act || ' ' || result, ', ' ORDER BY id), '') FROM audit_events WHERE id > $1::text::bigint AND actor_kind <> 'job'`, before)
		if got != a.want || p.Status >= 500 {
			t.Errorf("%s leaves %q, want %q", a.name, got, a.want)
		}
		if n := s.id(`SELECT count(*)::text FROM audit_events WHERE id > $1::text::bigint AND (request_id = '' OR at IS NULL)`, before); n != "0" {
			t.Errorf("%s: %s lines without a request", a.name, n)
		}
		for line := range strings.SplitSeq(a.want, ", ") {
			code, _, _ := strings.Cut(line, " ")
			done[code] = true
		}
	}
	for _, code := range codes(t) {
		if strings.HasSuffix(code, ".") { // the beginning of one
			continue
		}
		if _, ok := pages.ActWords(code); !ok {
			t.Errorf("%s has no words", code)
		}
		if !done[code] && !slices.Contains(elsewhere, code) {
			t.Errorf("nobody proves that %s leaves one line", code)
		}
	}
}

// elsewhere are acts whose line is proved by the tests of their package: what jobs, programs and the host do.
var elsewhere = []string{
	"setup", "setup.link", "email.undone", "password.reset", "signup.void", "mail.retried", "user.reset_link", "invitation.link", "refresh", "refresh.reused", "connection.answer", "connection.exchange", "connection.revoked", "connection.created", "connection.renewed",
	"account.merged", "account.another", "account.split", "connection.sync", "connection.sync_cancelled", "connection.needs_you", "connection.paused", "tokens.refresh", "tokens.tampered", "tokens.recovered", "provider.paused", "provider.resumed", "keys.added", "keys.rotated",
}

var codeOfAct = regexp.MustCompile(`Act:\s+"([a-z_.]+)"`)

// codes are the acts the services write down.
func codes(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir("../services", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range codeOfAct.FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1])
		}
		return err
	})
	if err != nil || len(all) < 20 {
		t.Fatalf("%d acts, %v", len(all), err)
	}
	return all
}

// settle waits until every mail so far is written.
func (s *stage) settle() {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); s.id(`SELECT count(*)::text FROM river_job WHERE finalized_at IS NULL`) != "0"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatal("mails are not written")
		}
	}
}

// An act that fails at the last moment leaves no line that tells of it.
// Break AU-1: services/auth/people.go: in administer, record with s.DB in place of tx
func TestActs_AU1_NoActNoLine(t *testing.T) {
	s := newStage(t)
	if _, err := s.DB.Exec(t.Context(), `
		CREATE CONSTRAINT TRIGGER broken AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION audit_events_append_only()`); err != nil {
		t.Fatal(err)
	}
	lines := func() string { return s.id(`SELECT count(*)::text FROM audit_events WHERE act = 'user.disabled'`) }
	before := lines()
	s.boss.Post("/admin/users/" + s.guest.ID.String() + "/disable").Want(500)
	if n := lines(); n != before {
		t.Errorf("%s lines in place of %s about what was not done", n, before)
	}
}

// river reports the tables of jobs, which are tried and tried again meanwhile.
func river(table, _ string) bool { return strings.HasPrefix(table, "public.river_") }

// Where the line cannot be written, nothing is done either.
// Break AU-1: services/auth/profile.go: in updateUser, update with s.DB in place of tx
func TestActs_AU1_NoLineNoAct(t *testing.T) {
	s := newStage(t)
	refuse := func(on bool) {
		sql := `DROP TRIGGER broken ON audit_events`
		if on {
			sql = `CREATE TRIGGER broken BEFORE INSERT ON audit_events EXECUTE FUNCTION audit_events_append_only()`
		}
		if _, err := s.DB.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range s.acts() {
		if !strings.HasPrefix(a.name, "the end of a session") { // which begins with a login
			s.settle()
			refuse(true)
			mails := func() string { return s.id(`SELECT count(*)::text FROM river_job WHERE kind = 'mail'`) }
			before, queued := state(t, s.App), mails()
			if p := a.do(); p.Status < 500 {
				t.Errorf("%s: %d without a line", a.name, p.Status)
			}
			after := state(t, s.App)
			if n := mails(); n != queued {
				t.Errorf("%s: %s mails in place of %s without a line", a.name, n, queued)
			}
			maps.DeleteFunc(after, river)
			maps.DeleteFunc(before, river)
			sameState(t, a.name+" without its line", before, after)
			refuse(false)
		}
		a.do()
	}
}
