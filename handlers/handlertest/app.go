package handlertest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"dashtam/handlers"
	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/doctor"
	"dashtam/services/email"
	"dashtam/services/encryption"
	"dashtam/services/hashpool"
	"dashtam/services/jobs"
	"dashtam/services/jwt"
	"dashtam/services/limits"
	"dashtam/services/password"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/profile"
	"dashtam/services/review"
)

// Password is what everybody's password is: the seed's.
const Password = "SecurePass123!"

// App is the whole stack, serving.
type App struct {
	handlers.Deps
	DB  *postgres.Pool
	URL string // where it serves; also the base URL unless an option changed that

	BankURL  string            // of the Sandbox Bank
	KeyLine  encryption.Secret // the key-encryption key, as another process of this installation is given it
	Examined doctor.Config     // what the doctor looks at

	t       testing.TB
	bank    *postgres.Pool // the Sandbox Bank's
	log     *safeBuffer
	runJobs func()
	clients int
}

// New serves the whole stack until the test ends. Options change what the handlers are given.
func New(t testing.TB, options ...func(*handlers.Deps)) *App {
	t.Helper()
	return on(t, pgtest.New(t), nil, options...)
}

// Over is New over a database of the test's choice. The Sandbox Bank keeps one of its own, as a bank does.
func Over(t testing.TB, db *postgres.Pool, options ...func(*handlers.Deps)) *App {
	t.Helper()
	return on(t, db, pgtest.New(t), options...)
}

// NewBroken serves the stack on a database that is away.
func NewBroken(t testing.TB, options ...func(*handlers.Deps)) *App {
	t.Helper()
	return on(t, pgtest.Broken(t), nil, options...)
}

// on serves the stack over db, and the Sandbox Bank over bank; nil = db, too.
func on(t testing.TB, db, bank *postgres.Pool, options ...func(*handlers.Deps)) *App {
	t.Helper()
	if bank == nil {
		bank = db
	}
	server := httptest.NewUnstartedServer(nil)
	app := &App{DB: db, URL: "http://" + server.Listener.Addr().String(), t: t, log: &safeBuffer{}, bank: bank}
	app.wire()
	for _, option := range options {
		option(&app.Deps)
	}
	server.Config.Handler = handlers.New(app.Deps)
	server.Config.ErrorLog = slog.NewLogLogger(app.Log.Handler(), slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	return app
}

// Served serves the same services under another base URL, as behind a proxy. Browsers still reach it at its own port.
func (app *App) Served(base string) *App {
	app.t.Helper()
	other := *app
	var err error
	other.BaseURL, err = url.Parse(base)
	app.must(err)
	other.Sessions = web.NewSessions(auth.NewSessions(app.DB, auth.SessionConfig{}), other.BaseURL)
	server := httptest.NewServer(handlers.New(other.Deps))
	other.URL = server.URL
	app.t.Cleanup(server.Close)
	return &other
}

// Node serves everything once more, with services of its own, on the same database: another node.
func (app *App) Node() *App {
	app.t.Helper()
	return on(app.t, app.DB, app.bank)
}

// wire makes every service there is, on app's database.
func (app *App) wire() {
	base, err := url.Parse(app.URL)
	app.must(err)
	log := slog.New(slog.NewTextHandler(app.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	queue, err := jobs.NewQueue(app.DB.Pool, log)
	app.must(err)
	passwords := password.New(4) // bcrypt's least: what is hashed, and how often, does not depend on it
	outbox := email.NewOutbox(app.t.TempDir(), "Dashtam <dashtam@localhost>")
	counters := limits.New(app.DB, time.Now)
	times, hashes := profile.New(time.Now, nil), hashpool.New(passwords, 0)
	people := auth.New(auth.Config{
		DB: app.DB, Passwords: passwords, Hashes: hashes, Profile: times, Limits: counters, Jobs: queue,
		Tokens: jwt.New(bytes.Repeat([]byte{1}, 32), app.URL, time.Now), DeviceKey: bytes.Repeat([]byte{2}, 32), Log: log, Now: time.Now,
	})
	app.Deps = handlers.Deps{
		Profile: times, Review: review.New(review.Config{
			DB: app.DB, Profile: times, Hashes: hashes, Limits: counters, Log: log, Now: time.Now, Cores: 2,
		}),
		BaseURL: base, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Log: log, Outbox: outbox,
		Ready: func(ctx context.Context) handlers.Condition {
			if _, err := app.DB.Exec(ctx, "SELECT 1"); err != nil {
				return handlers.Condition{Down: []string{"database"}}
			}
			return handlers.Condition{Degraded: []string{"redis"}}
		},
		Auth: people, Limits: counters, Passwords: passwords, Sessions: web.NewSessions(auth.NewSessions(app.DB, auth.SessionConfig{}), base),
	}
	app.wireBanks(queue, counters)
	letters := email.New(email.Config{Sender: outbox, Linker: people, BaseURL: app.URL, Render: plainLetter})
	app.runJobs = sync.OnceFunc(func() {
		workers := river.NewWorkers()
		river.AddWorker(workers, &email.Worker{Email: letters})
		app.Syncer.AddWorkers(workers)
		app.Connections.AddWorkers(workers)
		runner, err := jobs.NewRunner(app.DB.Pool, jobs.RunnerConfig{Workers: workers, Log: slog.New(slog.DiscardHandler)})
		app.must(err)
		app.must(runner.Start(context.Background()))
		app.t.Cleanup(func() { app.must(runner.Stop(context.Background())) })
	})
}

// plainLetter stands in for views/emails, whose words have tests of their own.
func plainLetter(purpose string, l email.Letter) (subject, text, html string, err error) {
	return purpose, "Here:\n\n" + l.Link + "\n", "<p>Here</p>", nil
}

// Logged is everything written to the log so far.
func (app *App) Logged() string { return app.log.String() }

// Mail waits for the newest mail to address that came after the ones already seen, and gives it.
func (app *App) Mail(address string) email.Stored {
	app.t.Helper()
	return app.MailAbout(address, "")
}

// MailAbout waits for a mail to address of a purpose (empty = any), and gives the newest.
func (app *App) MailAbout(address, purpose string) email.Stored {
	app.t.Helper()
	app.runJobs()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		mails, err := app.Outbox.Newest(app.t.Context(), 100)
		app.must(err)
		for _, m := range mails {
			if m.To == address && (purpose == "" || m.Subject == purpose) {
				return m
			}
		}
	}
	app.t.Fatalf("no mail %s to %s", purpose, address)
	panic("unreachable")
}

// Link is the path of the first link in a mail.
func (app *App) Link(m email.Stored) string {
	app.t.Helper()
	for line := range strings.Lines(m.Text) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), app.URL); ok {
			return path
		}
	}
	app.t.Fatalf("no link in %q", m.Text)
	panic("unreachable")
}

// Person makes a verified person named name; the address follows from it: "Nora Okafor" is nora.okafor@example.com.
func (app *App) Person(name string) auth.User {
	app.t.Helper()
	hash, err := app.Passwords.HashPassword(Password)
	app.must(err)
	address := Address(name)
	_, err = app.DB.Exec(app.t.Context(), `
		INSERT INTO users (id, email, email_key, name, password_hash, verified_at) VALUES ($1, $2, $3, $4, $5, now())`,
		uuid.Must(uuid.NewV7()), address, auth.EmailKey(address), name, hash)
	app.must(err)
	u, err := app.Auth.GetUserByEmail(app.t.Context(), address)
	app.must(err)
	return u
}

// Admin makes u an administrator. The role is read with every request, so browsers signed in already have it at once.
func (app *App) Admin(u auth.User) {
	app.t.Helper()
	_, err := app.DB.Exec(app.t.Context(), "UPDATE users SET role = 'admin' WHERE id = $1", u.ID)
	app.must(err)
}

// Address is the e-mail address of a person of that name.
func Address(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.com"
}

func (app *App) must(err error) {
	app.t.Helper()
	if err != nil {
		app.t.Fatal(err)
	}
}

// safeBuffer is a log that a test may read while the server writes.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
