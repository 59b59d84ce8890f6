package fdx

import (
	"net/http"
	"net/url"
	"sync"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/providers"
)

// Config is what one bank's adapter needs.
type Config struct {
	Profile      providers.Profile
	ClientSecret encryption.Secret // empty: a public client, proven by PKCE alone
	RedirectURI  string            // the same bytes in every request (OA-5)
	Client       *http.Client      // from providers.NewClient
	Private      bool              // plain http and private addresses may be in metadata
	Now          func() time.Time  // nil = time.Now
}

// Adapter is one bank that speaks FDX.
type Adapter struct {
	c       Config
	mu      sync.Mutex // guards the two below, never held while the bank is asked
	meta    *metadata
	fetched time.Time
}

// New makes a Provider of c. It does no I/O; the bank is asked when it is first needed.
func New(c Config) providers.Provider {
	if c.Now == nil {
		c.Now = time.Now
	}
	a := &Adapter{c: c}
	return providers.Provider{Profile: c.Profile, Access: a, Data: a}
}

// sameOrigin reports whether two URLs have scheme, host and port in common.
func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }
