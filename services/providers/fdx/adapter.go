package fdx

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"dashtam/services/cache"
	"dashtam/services/providers"
)

// Config is what one bank's adapter needs.
type Config struct {
	Profile     providers.Profile
	Secret      providers.Secret // nil: a public client, proven by PKCE alone
	RedirectURI string           // the same bytes in every request (OA-5)
	Client      *http.Client     // from providers.NewClient
	Private     bool             // plain http and private addresses may be in metadata
	Now         func() time.Time // nil = time.Now
	Cache       *cache.Cache     // holds metadata; nil = one of its own, in memory
	NumberKey   []byte           // of the hashes of whole account numbers; nil = none are kept
}

// Adapter is one bank that speaks FDX.
type Adapter struct {
	c    Config
	last atomic.Pointer[metadata] // for when the bank's cannot be had
}

// New makes a Provider of c. It does no I/O; the bank is asked when it is first needed.
func New(c Config) providers.Provider {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Cache == nil {
		c.Cache = cache.New(cache.NewMemory(1, c.Now), nil)
	}
	a := &Adapter{c: c}
	return providers.Provider{Profile: c.Profile, Access: a, Data: a, Probe: a.Probe}
}

// sameOrigin reports whether two URLs have scheme, host and port in common.
func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }
