package banktest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"dashtam/services/providers"
	"dashtam/services/providers/fdx"
)

// Redirect is where the bank's one client comes back to, unless Back says otherwise.
const Redirect = "http://localhost:8080/connections/testbank/callback"

// Bank is one bank. Set its fields before it is asked, or between requests under Do.
type Bank struct {
	URL string

	Metadata map[string]any             // merged over the metadata
	Broken   bool                       // requests for metadata are cut off
	Back     string                     // where the client comes back to; Redirect at first
	Subject  string                     // who signs in next; "ada" at first, "" where the bank does not tell
	Claims   func(map[string]any)       // changes an identity token before it is signed
	Sign     func(claims []byte) string // signs identity tokens instead of the bank; see Key
	Scope    string                     // what is granted instead of what was asked for
	Life     int                        // expires_in; 0 = left out
	Refuses  int                        // so many requests to the revocation endpoint are answered with 503 first
	Token    http.HandlerFunc
	API      http.HandlerFunc
	Accounts []string            // JSON objects
	Moves    map[string][]string // account id -> transactions, JSON objects

	mu      sync.Mutex
	posts   []url.Values // every request to the token endpoint
	queries []url.Values // every request for transactions
	revoked []string
	codes   map[string]url.Values // code -> authorization request
	refresh map[string]*family
	access  map[string]*family
	count   int
	server  *httptest.Server

	Key *ecdsa.PrivateKey // signs identity tokens with ES256, as key "k"
}

// family is everything one permission led to.
type family struct {
	subject, scope string
	nonce          string // of the authorization request; empty once an identity token was given
	dead           bool
}

// New starts a bank with one checking account and two transactions; it stops when the test ends.
func New(t testing.TB) *Bank {
	b := &Bank{
		Back: Redirect, Subject: "ada", Life: 3600, codes: map[string]url.Values{}, refresh: map[string]*family{}, access: map[string]*family{},
		Accounts: []string{`{"accountCategory":"DEPOSIT_ACCOUNT","accountId":"chk","accountType":"CHECKING","accountNumberDisplay":"****4321",
			"productName":"Checking","currency":{"currencyCode":"USD"},"currentBalance":100.10,"availableBalance":90.10,"balanceAsOf":"2026-11-24T09:00:00Z"}`},
		Moves: map[string][]string{"chk": {
			`{"transactionId":"t1","postedTimestamp":"2026-11-20T10:00:00Z","transactionTimestamp":"2026-11-19T18:00:00Z","description":"CORNER SHOP 12","payee":"Corner Shop","debitCreditMemo":"DEBIT","status":"POSTED","amount":12.34}`,
			`{"transactionId":"p1","transactionTimestamp":"2026-11-23T18:00:00Z","description":"CAFE","payee":"Cafe","debitCreditMemo":"DEBIT","status":"PENDING","amount":"4.5"}`,
		}},
	}
	var err error
	if b.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", b.discovery)
	mux.HandleFunc("POST /token", b.token)
	mux.HandleFunc("POST /revoke", b.revoke)
	mux.HandleFunc("GET /keys", b.keys)
	mux.HandleFunc("GET /fdx/v6/", b.api)
	b.server = httptest.NewServer(mux)
	t.Cleanup(b.server.Close)
	b.URL = b.server.URL
	return b
}

// Provider is the adapter for the bank.
func (b *Bank) Provider() providers.Provider {
	return fdx.New(fdx.Config{
		Profile: providers.Profile{
			Slug: "testbank", Name: "Test Bank", Kind: "fdx", Issuer: b.URL, API: b.URL + "/fdx/v6", ClientID: "dashtam",
			Scopes: []string{"openid", "offline_access", "fdx:transactions:read", "fdx:investments:read"}, HistoryDays: 1000, ConsentDays: 180,
		},
		RedirectURI: Redirect, Client: providers.NewClient(true), Private: true, NumberKey: []byte("a key of tests"),
	})
}

// Down takes the bank off the network for good.
func (b *Bank) Down() { b.server.Close() }

// Do changes the script while requests may be on their way.
func (b *Bank) Do(change func(b *Bank)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// Posts is every request the token endpoint got.
func (b *Bank) Posts() []url.Values {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]url.Values(nil), b.posts...)
}

// Queries is every request for transactions.
func (b *Bank) Queries() []url.Values {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]url.Values(nil), b.queries...)
}

// Revoked is every token somebody gave back.
func (b *Bank) Revoked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.revoked...)
}

// EndEverything makes every token worthless, as when a person withdraws the permission at the bank.
func (b *Bank) EndEverything() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.refresh {
		f.dead = true
	}
}

// ForgetAccess makes the access tokens worthless, and only them.
func (b *Bank) ForgetAccess() { b.Do(func(b *Bank) { b.access = map[string]*family{} }) }

// Consent is the person saying yes at the bank: what the browser brings back from address.
func (b *Bank) Consent(t testing.TB, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if !strings.HasPrefix(address, b.URL+"/authorize?") || q.Get("redirect_uri") != b.Back || q.Get("client_id") != "dashtam" ||
		q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("state") == "" {
		t.Fatalf("no authorization request that a bank would take: %s", address)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	code := fmt.Sprintf("code-canary-%d", b.count)
	q.Set("subject", b.Subject)
	b.codes[code] = q
	return url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {b.URL}}
}

func (b *Bank) discovery(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Broken {
		panic(http.ErrAbortHandler)
	}
	m := map[string]any{
		"issuer": b.URL, "authorization_endpoint": b.URL + "/authorize", "token_endpoint": b.URL + "/token",
		"revocation_endpoint": b.URL + "/revoke", "jwks_uri": b.URL + "/keys",
		"authorization_response_iss_parameter_supported": true,
	}
	for k, v := range b.Metadata {
		m[k] = v
	}
	JSON(w, http.StatusOK, m)
}

func (b *Bank) token(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	script := b.Token
	_ = r.ParseForm()
	b.posts = append(b.posts, r.PostForm)
	b.mu.Unlock()
	if script != nil {
		script(w, r)
		return
	}
	b.Answer(w, r)
}

// Answer is what the token endpoint does when it is not scripted.
func (b *Bank) Answer(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, code := b.grant(r.PostForm)
	if code != "" {
		JSON(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": "description-canary " + r.PostForm.Get("refresh_token")})
		return
	}
	b.count++
	access, refresh := fmt.Sprintf("access-canary-%d", b.count), fmt.Sprintf("refresh-canary-%d", b.count)
	b.access[access], b.refresh[refresh] = f, f
	answer := map[string]any{"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "scope": f.scope}
	if b.Life != 0 {
		answer["expires_in"] = b.Life
	}
	if f.nonce != "" && f.subject != "" {
		answer["id_token"] = b.identity(f, access)
		f.nonce = ""
	}
	JSON(w, http.StatusOK, answer)
}

// grant finds the family a token request belongs to, or the code of the refusal.
func (b *Bank) grant(form url.Values) (*family, string) {
	switch form.Get("grant_type") {
	case "authorization_code":
		q, ok := b.codes[form.Get("code")]
		delete(b.codes, form.Get("code"))
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		if !ok || form.Get("redirect_uri") != b.Back || base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") {
			return nil, "invalid_grant"
		}
		scope := q.Get("scope")
		if b.Scope != "" {
			scope = b.Scope
		}
		return &family{subject: q.Get("subject"), scope: scope, nonce: q.Get("nonce")}, ""
	case "refresh_token":
		f, ok := b.refresh[form.Get("refresh_token")]
		if !ok || f.dead {
			return nil, "invalid_grant"
		}
		b.refresh[form.Get("refresh_token")] = &family{dead: true}
		return f, ""
	}
	return nil, "unsupported_grant_type"
}

func (b *Bank) revoke(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Refuses > 0 {
		b.Refuses--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_ = r.ParseForm()
	token := r.PostForm.Get("token")
	b.revoked = append(b.revoked, token)
	if f, ok := b.refresh[token]; ok {
		f.dead = true
	}
	w.WriteHeader(http.StatusOK)
}

// identity is the identity token of a permission (OpenID Connect Core 2).
func (b *Bank) identity(f *family, access string) string {
	now := time.Now()
	hash := sha256.Sum256([]byte(access))
	claims := map[string]any{
		"iss": b.URL, "aud": "dashtam", "sub": f.subject, "nonce": f.nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(hash[:len(hash)/2]),
	}
	if b.Claims != nil {
		b.Claims(claims)
	}
	payload, _ := json.Marshal(claims) // strings and numbers
	if b.Sign != nil {
		return b.Sign(payload)
	}
	return Signed(jose.ES256, b.Key, payload)
}

// Signed is claims as a JWT, signed with a key that calls itself "k".
func Signed(alg jose.SignatureAlgorithm, key any, claims []byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k"))
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(claims)
	if err != nil {
		panic(err)
	}
	token, _ := jws.CompactSerialize() // of one signature
	return token
}

func (b *Bank) keys(w http.ResponseWriter, _ *http.Request) {
	JSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: b.Key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
}

func (b *Bank) api(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	script := b.API
	f, ok := b.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	known := ok && !f.dead
	b.mu.Unlock()
	switch {
	case !known:
		JSON(w, http.StatusUnauthorized, map[string]string{"code": "401", "message": "message-canary"})
	case script != nil:
		script(w, r)
	default:
		b.Read(w, r)
	}
}

// Read is what the API does when it is not scripted.
func (b *Bank) Read(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/fdx/v6")
	if path == "/accounts" {
		Raw(w, `{"accounts":[`+strings.Join(b.Accounts, ",")+`]}`)
		return
	}
	id, ok := strings.CutSuffix(strings.TrimPrefix(path, "/accounts/"), "/transactions")
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	b.queries = append(b.queries, r.URL.Query())
	Raw(w, `{"transactions":[`+strings.Join(b.Moves[id], ",")+`]}`)
}

// JSON answers with v.
func JSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// Raw answers 200 with body as JSON, whatever it is.
func Raw(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(body))
}
