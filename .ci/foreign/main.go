// Command foreign is a bank that is not ours: an authorization server of ory/fosite's, and an FDX v5 API over it. A test of
// handlers starts it.
package main

import (
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
	"golang.org/x/crypto/bcrypt"
)

const cost = 4 // nobody's secret

// bank is both servers, and what they saw.
type bank struct {
	issuer string
	oauth  fosite.OAuth2Provider
	mu     sync.Mutex
	seen   map[string]int // "POST /token 200" -> how often
	last   string         // the access token that the API saw last
}

func main() {
	redirect := flag.String("redirect", "", "the client's redirect URI")
	client := flag.String("client", "", "the client's id")
	secret := flag.String("secret", "", "the client's secret")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	b, err := open("http://"+listener.Addr().String(), *client, *secret, *redirect)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(b.issuer)
	server := &http.Server{Handler: b.handler(), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.Serve(listener))
}

// open makes a bank with one client, whose refresh tokens work once.
func open(issuer, id, secret, redirect string) (*bank, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), cost)
	if err != nil {
		return nil, err
	}
	store := storage.NewMemoryStore()
	store.Clients[id] = &fosite.DefaultClient{
		ID: id, Secret: hash, RedirectURIs: []string{redirect}, ResponseTypes: []string{"code"}, GrantTypes: []string{"authorization_code", "refresh_token"},
		Scopes: []string{"offline_access", "accounts", "transactions"},
	}
	key := make([]byte, 32)
	rand.Read(key)
	config := &fosite.Config{
		AccessTokenLifespan: time.Hour, GlobalSecret: key, EnforcePKCE: true, RefreshTokenScopes: []string{"offline_access"}, ScopeStrategy: fosite.ExactScopeStrategy,
		RefreshTokenLifespan: 24 * time.Hour, SendDebugMessagesToClients: true,
	}
	oauth := compose.Compose(config, store, compose.NewOAuth2HMACStrategy(config),
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2RefreshTokenGrantFactory, compose.OAuth2PKCEFactory,
		compose.OAuth2TokenRevocationFactory, compose.OAuth2TokenIntrospectionFactory)
	return &bank{issuer: issuer, oauth: oauth, seen: map[string]int{}}, nil
}

func (b *bank) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", b.metadata)
	mux.HandleFunc("/authorize", b.authorize)
	mux.HandleFunc("POST /token", b.token)
	mux.HandleFunc("POST /revoke", b.revoke)
	mux.Handle("/fdx/v5/", api(b.known))
	mux.HandleFunc("GET /seen", b.tell)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noted := &status{ResponseWriter: w, code: http.StatusOK}
		mux.ServeHTTP(noted, r)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.seen[fmt.Sprint(r.Method, " ", r.URL.Path, " ", noted.code)]++
	})
}

type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader notes the status.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// metadata is RFC 8414's: there is no OpenID here, and the secret goes into the form.
func (b *bank) metadata(w http.ResponseWriter, _ *http.Request) {
	say(w, http.StatusOK, object{
		"issuer": b.issuer, "authorization_endpoint": b.issuer + "/authorize", "token_endpoint": b.issuer + "/token", "revocation_endpoint": b.issuer + "/revoke",
		"response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code", "refresh_token"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post"}, "code_challenge_methods_supported": []string{"S256"},
		"scopes_supported": []string{"offline_access", "accounts", "transactions"},
	})
}

// authorize asks for a name, and lets everybody in.
func (b *bank) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	asked, err := b.oauth.NewAuthorizeRequest(ctx, r)
	if err != nil {
		b.oauth.WriteAuthorizeError(ctx, w, asked, err)
		return
	}
	name := r.PostFormValue("name")
	if name == "" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><title>Northern Bank</title><form method="post"><label>Name <input name="name"></label><button>Allow</button></form>`)
		return
	}
	for _, scope := range asked.GetRequestedScopes() {
		asked.GrantScope(scope)
	}
	answer, err := b.oauth.NewAuthorizeResponse(ctx, asked, &fosite.DefaultSession{Subject: name})
	if err != nil {
		b.oauth.WriteAuthorizeError(ctx, w, asked, err)
		return
	}
	b.oauth.WriteAuthorizeResponse(ctx, w, asked, answer)
}

func (b *bank) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	asked, err := b.oauth.NewAccessRequest(ctx, r, new(fosite.DefaultSession))
	if err != nil {
		b.oauth.WriteAccessError(ctx, w, asked, err)
		return
	}
	answer, err := b.oauth.NewAccessResponse(ctx, asked)
	if err != nil {
		b.oauth.WriteAccessError(ctx, w, asked, err)
		return
	}
	b.oauth.WriteAccessResponse(ctx, w, asked, answer)
}

func (b *bank) revoke(w http.ResponseWriter, r *http.Request) {
	b.oauth.WriteRevocationResponse(r.Context(), w, b.oauth.NewRevocationRequest(r.Context(), r))
}

// known reports whether an access token lives.
func (b *bank) known(r *http.Request, token string) bool {
	b.mu.Lock()
	b.last = token
	b.mu.Unlock()
	_, _, err := b.oauth.IntrospectToken(r.Context(), token, fosite.AccessToken, new(fosite.DefaultSession), "accounts")
	return err == nil
}

// tell says what was asked, and whether the access token that came last still works.
func (b *bank) tell(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	last, seen := b.last, map[string]int{}
	for what, n := range b.seen {
		seen[what] = n
	}
	b.mu.Unlock()
	_, _, err := b.oauth.IntrospectToken(r.Context(), strings.TrimSpace(last), fosite.AccessToken, new(fosite.DefaultSession))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object{"seen": seen, "lives": err == nil}) // whoever asked is gone
}
