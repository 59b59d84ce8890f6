package doctor_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/doctor"
	"dashtam/services/email"
	"dashtam/services/encryption"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

const canary = "canary-6e1f0c"

// healthy is an installation in which everything inside works. Whether its address leads here is tested by handlers.
func healthy(t *testing.T) doctor.Config {
	t.Helper()
	dir := t.TempDir()
	key, err := encryption.GenerateKey("k1")
	must(t, err)
	ring, err := encryption.ParseKeyring(key.Line().Reveal())
	must(t, err)
	file := filepath.Join(dir, "keys")
	must(t, os.WriteFile(file, []byte(key.Line().Reveal()), 0o600))
	db := pgtest.New(t)
	vault := tokens.New(tokens.Config{DB: db, Keys: ring})
	must(t, vault.CheckKeys(t.Context()))
	bank := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(bank.Close)
	base, _ := url.Parse("http://127.0.0.1:1")
	return doctor.Config{
		BaseURL: base, Key: ring.Derive("doctor"), Tokens: vault, KeyFile: file, DB: db, DataDir: dir, Embedded: true,
		MailKind: "outbox", Mail: sends(email.NewOutbox(filepath.Join(dir, "outbox"), "Dashtam <dashtam@localhost>"), nil),
		Providers: oneBank(bank.URL), Banks: providers.NewClient(true),
		Free: func(string) (uint64, error) { return 20 << 30, nil },
	}
}

func sends(s email.Sender, err error) func(context.Context) (email.Sender, error) {
	return func(context.Context) (email.Sender, error) { return s, err }
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// find is one check of c. Whatever it finds, it repeats no secret and gives advice unless all is well.
func find(t *testing.T, c doctor.Config, name string) doctor.Check {
	t.Helper()
	checks, err := doctor.New(c).Run(t.Context(), actor.ForSystem("doctor"))
	must(t, err)
	var found doctor.Check
	for _, check := range checks {
		if check.Name == name {
			found = check
		}
		if all := fmt.Sprint(check); strings.Contains(all, canary) {
			t.Errorf("a secret in %q", all)
		}
		if check.Found == "" || check.State != doctor.OK && check.Do == "" {
			t.Errorf("no word to the operator: %+v", check)
		}
	}
	return found
}

func want(t *testing.T, c doctor.Check, state doctor.State, says string) {
	t.Helper()
	if c.State != state || !strings.Contains(c.Found+" "+c.Do, says) {
		t.Errorf("%s: %s %q, do %q; want %s with %q", c.Name, c.State, c.Found, c.Do, state, says)
	}
}

func TestRun_OnlyForAdministrators(t *testing.T) {
	for _, who := range []actor.Actor{{}, {Kind: actor.User, UserID: uuid.New()}} {
		if checks, err := doctor.New(doctor.Config{}).Run(t.Context(), who); !errors.Is(err, doctor.ErrNotAdmin) || checks != nil {
			t.Errorf("%v: %v, %v", who, checks, err)
		}
	}
}

func TestKeys(t *testing.T) {
	c := healthy(t)
	want(t, find(t, c, "Keys"), doctor.OK, "the ones this database was written with")
	must(t, os.Chmod(c.KeyFile, 0o640))
	want(t, find(t, c, "Keys"), doctor.Fail, "can be read by others")
	must(t, os.Remove(c.KeyFile))
	want(t, find(t, c, "Keys"), doctor.Fail, "is not there any more")
	c.KeyFile = ""
	want(t, find(t, c, "Keys"), doctor.OK, "")

	other, err := encryption.GenerateKey("k1")
	must(t, err)
	ring, err := encryption.ParseKeyring(other.Line().Reveal())
	must(t, err)
	wrong := c
	wrong.Tokens = tokens.New(tokens.Config{DB: c.DB, Keys: ring})
	want(t, find(t, wrong, "Keys"), doctor.Fail, "not the keys this database was written with")
	wrong.KeysFault = errors.New("the key file has no key in it")
	want(t, find(t, wrong, "Keys"), doctor.Fail, "the key file has no key in it.")

	_, err = c.DB.Exec(t.Context(), `
		WITH u AS (INSERT INTO users (id, email, email_key, name, password_hash) VALUES (gen_random_uuid(), 'a@example.org', 'a@example.org', 'A', 'x') RETURNING id),
		c AS (INSERT INTO connections (user_id, id, provider, name, status) SELECT id, gen_random_uuid(), 'bank', 'Bank', 'healthy' FROM u RETURNING user_id, id)
		INSERT INTO data_keys (user_id, connection_id, wrapped, key_id) SELECT user_id, id, '\x00', 'k1' FROM c`)
	must(t, err)
	_, err = c.DB.Exec(t.Context(), `UPDATE key_checks SET retired_at = now()`)
	must(t, err)
	want(t, find(t, c, "Keys"), doctor.Warn, "The key k1 is retired and still opens the tokens of 1 connections.")
}

// Break VT-5: services/tokens/keys.go: let TryKeys call CheckKeys
func TestKeys_VT5_LookingNotesNothing(t *testing.T) {
	c := healthy(t)
	_, err := c.DB.Exec(t.Context(), `DELETE FROM key_checks`)
	must(t, err)
	want(t, find(t, c, "Keys"), doctor.OK, "")
	var n int
	must(t, c.DB.QueryRow(t.Context(), `SELECT count(*) FROM key_checks`).Scan(&n))
	if n != 0 {
		t.Errorf("%d keys were noted", n)
	}
}

func TestDatabase(t *testing.T) {
	c := healthy(t)
	want(t, find(t, c, "Database"), doctor.OK, ", migrated.")
	for sql, says := range map[string]string{
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`: "by a newer Dashtam",
		`DELETE FROM goose_db_version WHERE version_id IN (3, 4)`:                   "lacks 2 of this version's migrations",
		`DROP TABLE goose_db_version`:                                               "dashtam migrate",
	} {
		c.DB = pgtest.New(t)
		_, err := c.DB.Exec(t.Context(), sql)
		must(t, err)
		state := doctor.Fail
		if strings.HasPrefix(sql, "INSERT") {
			state = doctor.Warn
		}
		want(t, find(t, c, "Database"), state, says)
	}
	direct := pgtest.URL(t)
	pooled, err := postgres.Open(t.Context(), pgtest.Behind(t, direct, "pool_mode = transaction"))
	must(t, err)
	t.Cleanup(pooled.Close)
	c.DB = pooled
	want(t, find(t, c, "Database"), doctor.OK, ", migrated, behind a pooler in transaction mode.")
	_, err = pooled.Exec(t.Context(), `DELETE FROM goose_db_version WHERE version_id = 3`)
	must(t, err)
	want(t, find(t, c, "Database"), doctor.Fail, "that leads around the pooler")
	c.DB = pgtest.Broken(t)
	c.Tokens = tokens.New(tokens.Config{DB: c.DB, Keys: new(encryption.Keyring)})
	want(t, find(t, c, "Database"), doctor.Fail, "The database does not answer.")
	want(t, find(t, c, "Clock"), doctor.Warn, "Repair the database first.")
	want(t, find(t, c, "Keys"), doctor.Warn, "Repair the database first.")
}

func TestClock(t *testing.T) {
	c := healthy(t)
	want(t, find(t, c, "Clock"), doctor.OK, "So does that of Bank.")
	for _, off := range []time.Duration{-time.Minute, time.Minute} {
		c.Now = func() time.Time { return time.Now().Add(off) }
		want(t, find(t, c, "Clock"), doctor.Warn, "of the database are 1m0s apart")
	}
	c.Now = nil
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-2*time.Minute).UTC().Format(http.TimeFormat))
	}))
	t.Cleanup(late.Close)
	c.Providers = oneBank(late.URL)
	want(t, find(t, c, "Clock"), doctor.Warn, "of Bank are 2m")
	c.Providers = oneBank("http://127.0.0.1:1")
	want(t, find(t, c, "Clock"), doctor.OK, "of the database agree.")
}

func TestDisk(t *testing.T) {
	c := healthy(t)
	want(t, find(t, c, "Disk"), doctor.OK, "There is 20 GB for the data directory, 20 GB for the database.")
	for left, state := range map[uint64]doctor.State{1 << 30: doctor.OK, 1<<30 - 1: doctor.Warn, 100 << 20: doctor.Warn, 100<<20 - 1: doctor.Fail} {
		c.Free = func(dir string) (uint64, error) {
			if strings.HasSuffix(dir, "postgres") {
				return left, nil
			}
			return 50 << 30, nil
		}
		must(t, os.MkdirAll(filepath.Join(c.DataDir, "postgres"), 0o700))
		want(t, find(t, c, "Disk"), state, "for the database")
	}
	c.Free = func(string) (uint64, error) { return 0, os.ErrPermission }
	want(t, find(t, c, "Disk"), doctor.Warn, "cannot be told")
	c.Free = nil
	if check := find(t, c, "Disk"); !strings.HasPrefix(check.Found, "There is ") {
		t.Errorf("%+v", check)
	}
}

func TestMail(t *testing.T) {
	c := healthy(t)
	want(t, find(t, c, "Mail"), doctor.OK, "stay on this machine")
	c.BaseURL, _ = url.Parse("https://127.0.0.1:1")
	want(t, find(t, c, "Mail"), doctor.Warn, "nobody gets one")
	file := filepath.Join(c.DataDir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	c.Mail = sends(email.NewOutbox(file, "dashtam@localhost"), nil)
	want(t, find(t, c, "Mail"), doctor.Fail, "The outbox cannot be used.")
	c.MailKind, c.Mail = "smtp", sends(nil, errors.New(canary))
	want(t, find(t, c, "Mail"), doctor.Fail, "not configured")
	for greeting, says := range map[string]string{
		"220 ready": "The SMTP server takes mails.", "421 later " + canary: "asks to come back later", "554 no " + canary: "does not let Dashtam in", "": "cannot be reached",
	} {
		sender, err := email.NewSMTP("smtp://dashtam:"+canary+"@"+smtpServer(t, greeting), "dashtam@example.org")
		must(t, err)
		c.Mail = sends(sender, nil)
		check := find(t, c, "Mail")
		want(t, check, check.State, says)
		if (check.State == doctor.OK) != (greeting == "220 ready") {
			t.Errorf("%q: %+v", greeting, check)
		}
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	must(t, err)
	t.Cleanup(func() { silent.Close() })
	sender, err := email.NewSMTP("smtp://"+silent.Addr().String(), "dashtam@example.org")
	must(t, err)
	c.Mail = sends(sender, nil)
	want(t, find(t, c, "Mail"), doctor.Fail, "does not answer in time")
}

// smtpServer greets, answers EHLO and AUTH, and fails the test when a mail begins. Without a greeting it hangs up.
func smtpServer(t *testing.T, greeting string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if greeting != "" {
				fmt.Fprintf(conn, "%s\r\n", greeting)
			}
			for lines := bufio.NewScanner(conn); strings.HasPrefix(greeting, "220") && lines.Scan(); {
				switch verb, _, _ := strings.Cut(lines.Text(), " "); strings.ToUpper(verb) {
				case "EHLO":
					fmt.Fprint(conn, "250-double\r\n250 AUTH PLAIN\r\n")
				case "AUTH":
					fmt.Fprint(conn, "235 ok\r\n")
				case "MAIL", "RCPT", "DATA":
					t.Errorf("a mail begins: %s", lines.Text())
					fallthrough
				default:
					fmt.Fprint(conn, "250 ok\r\n")
				}
			}
			conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestMail_SES(t *testing.T) {
	c := healthy(t)
	c.MailKind = "ses"
	for answer, says := range map[string]string{
		`200 {"SendingEnabled":true,"ProductionAccessEnabled":true}`:  "ok Amazon SES takes mails.",
		`200 {"SendingEnabled":true,"ProductionAccessEnabled":false}`: "warn Amazon SES answers, but this account may only write",
		`200 {"SendingEnabled":false}`:                                "fail Amazon SES answers, but does not let Dashtam in.",
		`403 {"message":"` + canary + `"}`:                            "fail Amazon SES answers, but does not let Dashtam in.",
		`503 {}`:                                                      "fail Amazon SES asks to come back later.",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.Path != "/v2/email/account" {
				t.Errorf("%s %s", r.Method, r.URL.Path)
			}
			var status int
			_, _ = fmt.Sscan(answer, &status)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(answer[4:]))
		}))
		t.Cleanup(server.Close)
		c.Mail = sends(email.NewSES(aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("id", canary, "")}, server.URL, "dashtam@example.org"), nil)
		state, words, _ := strings.Cut(says, " ")
		want(t, find(t, c, "Mail"), doctor.State(state), words)
	}
}

func oneBank(issuer string) func() []providers.Profile {
	return func() []providers.Profile { return []providers.Profile{{Slug: "bank", Name: "Bank", Issuer: issuer}} }
}
