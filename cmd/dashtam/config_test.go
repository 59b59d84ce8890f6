package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// with is an environment that holds only the given variables.
func with(pairs ...string) func(string) string {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

// public is an environment in which a public installation starts; more pairs change it.
func public(pairs ...string) func(string) string {
	return with(append([]string{
		"DASHTAM_BASE_URL", "https://money.example.org", "DASHTAM_EMAIL", "smtp", "DASHTAM_EMAIL_FROM", "dashtam@example.org",
		"DASHTAM_SMTP_URL", "smtps://u:secret@mail.example.org",
	}, pairs...)...)
}

func TestConfig_Defaults(t *testing.T) {
	c, err := readConfig(with())
	if err != nil {
		t.Fatal(err)
	}
	data, _ := filepath.Abs("data")
	got := fmt.Sprint(c.Addr, c.BaseURL, c.AdminAddr, c.SandboxAddr, c.TLS, c.Email, c.DataDir, c.KeyFile, c.PrivateProviders, c.Signup, c.SessionIdle, c.SessionLifetime)
	want := fmt.Sprint("127.0.0.1:8080", "http://localhost:8080", "127.0.0.1:8090", "127.0.0.1:8081", "off", "outbox", data, filepath.Join(data, "keys"), true, "open", 24*time.Hour, 720*time.Hour)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	c, err = readConfig(public())
	if err != nil || c.SandboxAddr != "" || c.PrivateProviders {
		t.Errorf("a public one has the sandbox at %q, private providers %v, %v", c.SandboxAddr, c.PrivateProviders, err)
	}
	if c, _ := readConfig(with("DASHTAM_ADDR", ":9000")); c.BaseURL.String() != "http://localhost:9000" {
		t.Errorf("the default base URL is %s", c.BaseURL)
	}
}

// Break RT-4: cmd/dashtam/config.go: drop the first condition of together.
func TestConfig_RT4_StartMatrix(t *testing.T) {
	for name, c := range map[string]struct {
		getenv func(string) string
		names  string // the variable the refusal begins with; empty = it starts
	}{
		"nothing set":                  {with(), ""},
		"public":                       {public(), ""},
		"http":                         {public("DASHTAM_BASE_URL", "http://money.example.org"), "DASHTAM_BASE_URL"},
		"http by address":              {public("DASHTAM_BASE_URL", "http://192.168.1.5:8080"), "DASHTAM_BASE_URL"},
		"http that only looks local":   {public("DASHTAM_BASE_URL", "http://localhost.example.org"), "DASHTAM_BASE_URL"},
		"http on 127.0.0.2":            {with("DASHTAM_BASE_URL", "http://127.0.0.2:8080"), ""},
		"http on ::1":                  {with("DASHTAM_BASE_URL", "http://[::1]:8080"), ""},
		"base URL with a path":         {with("DASHTAM_BASE_URL", "https://example.org/money"), "DASHTAM_BASE_URL"},
		"base URL of another kind":     {with("DASHTAM_BASE_URL", "ftp://localhost"), "DASHTAM_BASE_URL"},
		"TLS and http":                 {with("DASHTAM_TLS", "self", "DASHTAM_BASE_URL", "http://localhost:8080"), "DASHTAM_BASE_URL"},
		"TLS self":                     {with("DASHTAM_TLS", "self"), ""},
		"TLS files without files":      {with("DASHTAM_TLS", "files"), "DASHTAM_TLS"},
		"TLS auto on localhost":        {with("DASHTAM_TLS", "auto"), "DASHTAM_TLS"},
		"TLS auto on an address":       {public("DASHTAM_TLS", "auto", "DASHTAM_BASE_URL", "https://1.2.3.4"), "DASHTAM_TLS"},
		"TLS auto":                     {public("DASHTAM_TLS", "auto"), ""},
		"TLS unknown":                  {with("DASHTAM_TLS", "yes"), "DASHTAM_TLS"},
		"no mail":                      {public("DASHTAM_EMAIL", ""), "DASHTAM_EMAIL"},
		"mail from nobody":             {public("DASHTAM_EMAIL_FROM", ""), "DASHTAM_EMAIL_FROM"},
		"smtp without a server":        {public("DASHTAM_SMTP_URL", ""), "DASHTAM_SMTP_URL"},
		"ses in the clear":             {public("DASHTAM_EMAIL", "ses", "DASHTAM_SES_ENDPOINT", "http://mail.example.org"), "DASHTAM_SES_ENDPOINT"},
		"keys twice":                   {with("DASHTAM_KEYS", "k:x", "DASHTAM_KEY_FILE", "/f"), "DASHTAM_KEYS"},
		"keys and their file":          {with("DASHTAM_KEYS", "k:x", "DASHTAM_KEYS_FILE", "/f"), "DASHTAM_KEYS"},
		"a secret's file is missing":   {with("DASHTAM_SMTP_URL_FILE", "/nonexistent"), "DASHTAM_SMTP_URL_FILE"},
		"database unverified":          {public("DASHTAM_DATABASE_URL", "postgres://u:secret@db.example.org/d"), "DASHTAM_DATABASE_URL"},
		"database without TLS":         {public("DASHTAM_DATABASE_URL", "postgres://u:secret@db.example.org/d?sslmode=disable"), "DASHTAM_DATABASE_URL"},
		"database only encrypted":      {public("DASHTAM_DATABASE_URL", "postgres://u:secret@db.example.org/d?sslmode=require"), "DASHTAM_DATABASE_URL"},
		"database verified":            {public("DASHTAM_DATABASE_URL", "postgres://u:secret@db.example.org/d?sslmode=verify-full"), ""},
		"database next door":           {public("DASHTAM_DATABASE_URL", "postgres://u:secret@database/d?sslmode=disable"), ""},
		"database behind a socket":     {public("DASHTAM_DATABASE_URL", "postgres:///d?host=/run/postgresql"), ""},
		"database URL nonsense":        {with("DASHTAM_DATABASE_URL", "postgres://u:secret@h:port/d"), "DASHTAM_DATABASE_URL"},
		"redis nonsense":               {with("DASHTAM_REDIS_URL", "http://secret@h"), "DASHTAM_REDIS_URL"},
		"redis in the clear":           {public("DASHTAM_REDIS_URL", "redis://:secret@redis.example.org"), "DASHTAM_REDIS_URL"},
		"redis encrypted":              {public("DASHTAM_REDIS_URL", "rediss://:secret@redis.example.org"), ""},
		"redis next door":              {public("DASHTAM_REDIS_URL", "redis://:secret@redis:6379/1"), ""},
		"address without a port":       {with("DASHTAM_ADDR", "localhost"), "DASHTAM_ADDR"},
		"address beyond ports":         {with("DASHTAM_ADDR", "localhost:70000"), "DASHTAM_ADDR"},
		"proxies that are no networks": {with("DASHTAM_TRUSTED_PROXIES", "127.0.0.1/32, proxy"), "DASHTAM_TRUSTED_PROXIES"},
		"hash workers below none":      {with("DASHTAM_HASH_WORKERS", "-1"), "DASHTAM_HASH_WORKERS"},
		"idle longer than life":        {with("DASHTAM_SESSION_IDLE", "48h", "DASHTAM_SESSION_LIFETIME", "24h"), "DASHTAM_SESSION_IDLE"},
		"idle nonsense":                {with("DASHTAM_SESSION_IDLE", "a day"), "DASHTAM_SESSION_IDLE"},
		"sign-up unknown":              {with("DASHTAM_SIGNUP", "maybe"), "DASHTAM_SIGNUP"},
		"second factor unknown":        {with("DASHTAM_ADMIN_SECOND_FACTOR", "never"), "DASHTAM_ADMIN_SECOND_FACTOR"},
		"private providers unknown":    {with("DASHTAM_ALLOW_PRIVATE_PROVIDERS", "1"), "DASHTAM_ALLOW_PRIVATE_PROVIDERS"},
		"data directory is a file":     {with("DASHTAM_DATA_DIR", "/etc/passwd"), "DASHTAM_DATA_DIR"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readConfig(c.getenv)
			switch {
			case c.names == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.names != "" && (err == nil || !strings.HasPrefix(err.Error(), c.names+" ")):
				t.Errorf("want a refusal of %s, got: %v", c.names, err)
			case err != nil && strings.Contains(err.Error(), "secret@"):
				t.Errorf("it shows a secret: %v", err)
			}
		})
	}
}

func TestConfig_TellsAllErrorsAtOnce(t *testing.T) {
	_, err := readConfig(with("DASHTAM_ADDR", "x", "DASHTAM_TLS", "x", "DASHTAM_SIGNUP", "x", "DASHTAM_SESSION_IDLE", "x"))
	for _, name := range []string{"DASHTAM_ADDR", "DASHTAM_TLS", "DASHTAM_SIGNUP", "DASHTAM_SESSION_IDLE"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is missing: %v", name, err)
		}
	}
}

// Break VT-6: services/encryption/secret.go: let Format print string(s)
func TestConfig_VT6_SecretsComeFromFilesAndAreNotPrinted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "smtp")
	if err := os.WriteFile(file, []byte("smtps://u:hunter2@mail.example.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readConfig(public("DASHTAM_SMTP_URL", "", "DASHTAM_SMTP_URL_FILE", file))
	if err != nil || c.SMTPURL.Reveal() != "smtps://u:hunter2@mail.example.org" {
		t.Errorf("%v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "hunter2") {
		t.Errorf("printed: %s", text)
	}
}
