package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/auth"
	"dashtam/services/encryption"
	"dashtam/services/jwt"
	"dashtam/services/postgres/pgtest"
)

// clocks is two nodes of one Dashtam, of which one may have a wrong clock.
type clocks struct {
	*testing.T
	db            *pgx.Conn
	good, skewed  string // URLs
	issuer, email string
	person        uuid.UUID
	key           []byte // of access tokens
}

// A node whose clock is wrong, by minutes, an hour or ten years, goes by the database's: it takes and gives the same
// sessions, mailed links and access tokens as its neighbour, for as long, and what is over is over there, too. There are no
// second factors yet whose codes could come back. What the nodes are given is put into the database, so that no password has
// to be hashed.
func TestServe_F21_ANodeWithAWrongClock(t *testing.T) {
	database, line, base := pgtest.URL(t), freshKey(t, "k1"), "http://localhost:8080"
	keys, err := encryption.ParseKeyring(line)
	if err != nil {
		t.Fatal(err)
	}
	node := func(t *testing.T, now func() time.Time) string {
		t.Helper()
		at := freeAddress(t)
		startBy(t, now, with("DASHTAM_ADDR", at, "DASHTAM_BASE_URL", base, "DASHTAM_SANDBOX_ADDR", "off", "DASHTAM_ADMIN_ADDR", "off", "DASHTAM_HASH_WORKERS", "0",
			"DASHTAM_DATABASE_URL", database, "DASHTAM_DATA_DIR", t.TempDir(), "DASHTAM_KEYS", line, "DASHTAM_TRUSTED_PROXIES", "127.0.0.0/8"), "serve")
		return "http://localhost:" + port(at)
	}
	c := &clocks{good: node(t, nil), issuer: base, email: "nora@example.com", person: uuid.New(), key: keys.Derive("jwt")}
	c.db = (&nodes{database: database}).connect(t)
	c.T = t
	c.user(c.person, c.email, "now()")
	for name, by := range map[string]time.Duration{"10 minutes behind": -10 * time.Minute, "an hour behind": -time.Hour, "an hour ahead": time.Hour, "ten years ahead": 10 * 366 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			c := *c
			c.T, c.skewed = t, node(t, func() time.Time { return time.Now().Add(by) })
			c.sessions()
			c.links()
			c.accessTokens(by)
		})
	}
}

func (c *clocks) exec(sql string, args ...any) {
	c.Helper()
	if _, err := c.db.Exec(c.Context(), sql, args...); err != nil {
		c.Fatal(err)
	}
}

// user makes somebody, verified or not.
func (c *clocks) user(id uuid.UUID, email, verified string) {
	c.Helper()
	c.exec(`INSERT INTO users (id, email, email_key, name, password_hash, verified_at) VALUES ($1, $2, $3, 'Nora', 'none', `+verified+`)`, id, email, auth.EmailKey(email))
}

// token is a secret as it travels, and its hash.
func (c *clocks) token() (secret string, sum [32]byte) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	secret = base64.RawURLEncoding.EncodeToString(raw)
	return secret, sha256.Sum256([]byte(secret))
}

// sessions are those that live, and one that was not used for 24 hours.
func (c *clocks) sessions() {
	c.Helper()
	home, _ := url.Parse(c.good)
	for _, s := range []struct {
		seen   string
		status int
		leads  string
	}{{"now()", 200, ""}, {"now() - interval '24 hours 1 minute'", 303, "/login?next=%2Foverview"}} {
		secret, sum := c.token()
		data, err := scs.GobCodec{}.Encode(time.Now().Add(time.Hour), nil)
		if err != nil {
			c.Fatal(err)
		}
		c.exec(`INSERT INTO sessions (token_hash, id, user_id, data, expires_at, last_seen_at) VALUES ($1, $2, $3, $4, now() + interval '1 hour', `+s.seen+`)`,
			base64.RawURLEncoding.EncodeToString(sum[:]), uuid.New(), c.person, data)
		b := visitor(c.T)
		b.Jar.SetCookies(home, []*http.Cookie{{Name: "session", Value: secret, Path: "/"}})
		for _, node := range []string{c.skewed, c.good, c.skewed} { // the browser keeps its cookie
			wantAnswer(c.T, b, node+"/overview", nil, s.status, s.leads)
		}
	}
	var longest float64
	if err := c.db.QueryRow(c.Context(), `SELECT max(extract(epoch FROM expires_at - now()))::float8 FROM sessions WHERE user_id IS NOT NULL`).Scan(&longest); err != nil || longest > time.Hour.Seconds() {
		c.Errorf("a session lasts %v s, %v", longest, err)
	}
}

// links are one that works for a minute more, and one that was good until a minute ago.
func (c *clocks) links() {
	c.Helper()
	for _, l := range []struct {
		ends   string
		status int
		leads  string
	}{{"-1 minute", 404, ""}, {"1 minute", 303, "/login"}} {
		id, email := uuid.New(), uuid.NewString()+"@example.com"
		c.user(id, email, "NULL")
		secret, sum := c.token()
		c.exec(`INSERT INTO links (token_hash, user_id, purpose, email_key, expires_at) VALUES ($1, $2, 'verify', $3, now() + $4::interval)`,
			sum[:], id, auth.EmailKey(email), l.ends)
		wantAnswer(c.T, visitor(c.T), c.skewed+"/verify/"+secret, url.Values{}, l.status, l.leads)
	}
}

func (c *clocks) accessTokens(by time.Duration) {
	c.Helper()
	me := func(node, token string) int {
		r, err := http.NewRequestWithContext(c.Context(), http.MethodGet, node+"/api/v1/me", nil)
		if err != nil {
			c.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			c.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	secret, sum := c.token()
	c.exec(`INSERT INTO refresh_tokens (token_hash, user_id, family_id, expires_at) VALUES ($1, $2, $3, now() + interval '1 hour')`, sum[:], c.person, uuid.New())
	var token string
	for _, from := range []string{c.good, c.skewed, c.good} {
		form, _ := json.Marshal(map[string]string{"refresh_token": secret})
		res, err := http.Post(from+"/api/v1/auth/refresh", "application/json", bytes.NewReader(form))
		if err != nil {
			c.Fatal(err)
		}
		var answer struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		err = json.NewDecoder(res.Body).Decode(&answer)
		_ = res.Body.Close()
		if token, secret = answer.Access, answer.Refresh; err != nil || token == "" {
			c.Fatalf("no access token: %d, %v", res.StatusCode, err)
		}
		if good, skewed := me(c.good, token), me(c.skewed, token); good != 200 || skewed != 200 {
			c.Errorf("a token of %s: %d at the good node, %d at the skewed one", from, good, skewed)
		}
	}
	var said struct {
		Subject uuid.UUID `json:"sub"`
		Epoch   int64     `json:"pwd"`
		Family  uuid.UUID `json:"sid"`
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(body, &said)
	}
	if err != nil {
		c.Fatal(err)
	}
	for _, ago := range []time.Duration{jwt.Lifetime + time.Minute, jwt.Lifetime/2 + by.Abs()} { // over, and by the skewed clock in the middle of its life
		made := func() time.Time { return time.Now().Add(-ago) }
		over, ends, err := jwt.New(c.key, c.issuer, made).CreateAccessToken(jwt.Subject{UserID: said.Subject, Email: c.email, Epoch: said.Epoch, SessionFamily: said.Family})
		if err != nil {
			c.Fatal(err)
		}
		if status := me(c.skewed, over); time.Now().After(ends) && status != 401 {
			c.Errorf("a token that ended %s ago: %d", time.Since(ends).Round(time.Second), status)
		}
	}
}
