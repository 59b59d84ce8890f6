package main

import (
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dashtam/services/auth"
	"dashtam/services/encryption"
	"dashtam/services/hashpool"
)

// config is everything the environment says. README.md has the table.
type config struct {
	Addr, AdminAddr, SandboxAddr string // "" = off, for the last two
	BaseURL                      *url.URL
	TLS                          string // off, files, auto, self
	TLSCert, TLSKey              string
	DatabaseURL                  encryption.Secret // empty = embedded
	RedisURL                     encryption.Secret // empty = none
	DataDir                      string            // absolute
	Email, EmailFrom             string
	SESRegion, SESEndpoint       string
	SMTPURL                      encryption.Secret
	Keys                         encryption.Secret // the keys themselves; else they stand in KeyFile
	KeyFile                      string
	Signup                       auth.Signup
	PrivateProviders             bool
	Proxies                      []netip.Prefix
	HashWorkers                  int
	SessionIdle, SessionLifetime time.Duration
}

// readConfig reads the environment. Every wrong value is in the one error it gives.
func readConfig(getenv func(string) string) (config, error) {
	e := &environment{get: getenv}
	c := config{
		Addr:        e.address("DASHTAM_ADDR", "127.0.0.1:8080"),
		AdminAddr:   e.addressOrOff("DASHTAM_ADMIN_ADDR", "127.0.0.1:8090"),
		TLS:         e.oneOf("DASHTAM_TLS", "off", "off", "files", "auto", "self"),
		TLSCert:     e.get("DASHTAM_TLS_CERT"),
		TLSKey:      e.get("DASHTAM_TLS_KEY"),
		DatabaseURL: e.secret("DASHTAM_DATABASE_URL"),
		RedisURL:    e.secret("DASHTAM_REDIS_URL"),
		SESRegion:   e.get("DASHTAM_SES_REGION"),
		SESEndpoint: e.get("DASHTAM_SES_ENDPOINT"),
		SMTPURL:     e.secret("DASHTAM_SMTP_URL"),
		Keys:        e.secret("DASHTAM_KEYS"),
		KeyFile:     e.get("DASHTAM_KEY_FILE"),
		Proxies:     e.networks("DASHTAM_TRUSTED_PROXIES"),
		HashWorkers: e.number("DASHTAM_HASH_WORKERS", hashpool.Workers()),

		SessionIdle:     e.duration("DASHTAM_SESSION_IDLE", 24*time.Hour),
		SessionLifetime: e.duration("DASHTAM_SESSION_LIFETIME", 720*time.Hour),
		Signup:          auth.Signup(e.oneOf("DASHTAM_SIGNUP", "open", "open", "invite", "closed")),
	}
	c.DataDir = e.directory("DASHTAM_DATA_DIR", "data")
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.DataDir, "keys")
	}
	c.BaseURL = e.baseURL(c)
	local := isLocal(c.BaseURL)
	c.SandboxAddr = e.addressOrOff("DASHTAM_SANDBOX_ADDR", pick(local, "127.0.0.1:8081", "off"))
	c.PrivateProviders = e.oneOf("DASHTAM_ALLOW_PRIVATE_PROVIDERS", pick(local, "true", "false"), "true", "false") == "true"
	c.Email = e.oneOf("DASHTAM_EMAIL", pick(local, "outbox", ""), "outbox", "smtp", "ses")
	c.EmailFrom = e.sender("DASHTAM_EMAIL_FROM", pick(c.Email == "outbox", "Dashtam <dashtam@localhost>", ""))
	e.oneOf("DASHTAM_ADMIN_SECOND_FACTOR", pick(local, "optional", "required"), "optional", "required")
	e.together(c, local)
	return c, e.err()
}

// together refuses values that do not go with each other (RT-4).
func (e *environment) together(c config, local bool) {
	if c.BaseURL.Scheme == "http" && !local {
		e.wrong("DASHTAM_BASE_URL", "must be https, unless its host is localhost: over http everybody on the way reads along")
	}
	if c.TLS != "off" && c.BaseURL.Scheme == "http" {
		e.wrong("DASHTAM_BASE_URL", "must be https, because DASHTAM_TLS is on")
	}
	if c.TLS == "files" && (c.TLSCert == "" || c.TLSKey == "") {
		e.wrong("DASHTAM_TLS", "files needs DASHTAM_TLS_CERT and DASHTAM_TLS_KEY")
	}
	if _, ip := netip.ParseAddr(c.BaseURL.Hostname()); c.TLS == "auto" && (local || ip == nil) {
		e.wrong("DASHTAM_TLS", "auto needs a DASHTAM_BASE_URL with a public host name")
	}
	if c.Keys != "" && e.get("DASHTAM_KEY_FILE") != "" {
		e.wrong("DASHTAM_KEYS", "and DASHTAM_KEY_FILE are both set; choose one")
	}
	if c.Email == "smtp" && c.SMTPURL == "" {
		e.wrong("DASHTAM_SMTP_URL", "is needed when DASHTAM_EMAIL is smtp")
	}
	if c.Email == "ses" && c.SESEndpoint != "" && !local && !strings.HasPrefix(c.SESEndpoint, "https://") {
		e.wrong("DASHTAM_SES_ENDPOINT", "must be https")
	}
	if c.SessionIdle > c.SessionLifetime {
		e.wrong("DASHTAM_SESSION_IDLE", "must not be longer than DASHTAM_SESSION_LIFETIME")
	}
	if c.RedisURL != "" {
		e.redis(c.RedisURL.Reveal(), local)
	}
	if c.DatabaseURL != "" {
		e.database(c.DatabaseURL.Reveal(), local)
	}
}

// baseURL is the public URL, by default localhost at the port we listen on.
func (e *environment) baseURL(c config) *url.URL {
	_, port, _ := net.SplitHostPort(c.Addr) // a wrong address is reported already
	fallback := &url.URL{Scheme: pick(c.TLS == "off", "http", "https"), Host: "localhost:" + port}
	text := e.get("DASHTAM_BASE_URL")
	if text == "" {
		return fallback
	}
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		e.wrong("DASHTAM_BASE_URL", "must be a URL like https://money.example.org, without a path")
		return fallback
	}
	return u
}

// isLocal reports a localhost URL: its host is localhost, in 127.0.0.0/8, or ::1.
func isLocal(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

func (e *environment) directory(name, fallback string) string {
	dir := pick(e.get(name) != "", e.get(name), fallback)
	abs, err := filepath.Abs(dir)
	if err != nil {
		e.wrong(name, err.Error())
	}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() {
		e.wrong(name, "is not a directory")
	}
	return abs
}

func (e *environment) sender(name, fallback string) string {
	from := pick(e.get(name) != "", e.get(name), fallback)
	if _, err := mail.ParseAddress(from); err != nil {
		e.wrong(name, pick(from == "", "is needed:", "must be")+" an address such as Dashtam <dashtam@example.org>")
	}
	return from
}

func pick[T any](condition bool, yes, no T) T {
	if condition {
		return yes
	}
	return no
}
