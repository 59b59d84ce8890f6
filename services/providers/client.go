package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// The bounds of one request.
const (
	connectTimeout = 10 * time.Second
	totalTimeout   = 20 * time.Second
	headerBytes    = 64 << 10
	// TokenBytes and DataBytes bound what is read of an answer.
	TokenBytes = 1 << 20
	DataBytes  = 16 << 20
	// longestWait bounds what a Retry-After may ask for.
	longestWait = 24 * time.Hour
)

// ErrRefusedAddress is why a URL of a provider was not asked.
var ErrRefusedAddress = errors.New("providers: not an address a bank may have")

// NewClient makes the HTTP client for banks. It follows no redirect, uses no proxy, and unless private is set refuses
// plain http, the hosts in own, which are this installation's, and, when it dials, every address that is not public, this
// machine's own and all ports but those of https: so a name that resolves inwards is refused too.
func NewClient(private bool, own ...string) *http.Client {
	dialer := &net.Dialer{Timeout: connectTimeout}
	if !private {
		dialer.ControlContext = refusePrivate
	}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		MaxResponseHeaderBytes: headerBytes,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        time.Minute,
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{
		Timeout:       totalTimeout,
		Transport:     &guarded{transport, private, own},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Gated is a client like c that asks nothing of a bank while it is switched off in r, except Regardless.
func Gated(c *http.Client, r *Registry, slug string) *http.Client {
	client := *c
	client.Transport = &gated{c.Transport, r, slug}
	return &client
}

type gated struct {
	http.RoundTripper
	registry *Registry
	slug     string
}

// RoundTrip sends r unless the bank is switched off.
func (g *gated) RoundTrip(r *http.Request) (*http.Response, error) {
	if p, err := g.registry.Get(g.slug); err == nil && p.Profile.Off && r.Context().Value(regardless{}) == nil {
		return nil, &Failure{Class: Config, Code: SwitchedOff}
	}
	return g.RoundTripper.RoundTrip(r)
}

type regardless struct{}

// Regardless lets what is asked under ctx through to a bank that is switched off: giving its tokens back, and the
// administrator's own test.
func Regardless(ctx context.Context) context.Context {
	return context.WithValue(ctx, regardless{}, true)
}

// Observed is a client like c that tells observe how each request went: "ok" (2xx), "refused" (another answer below 500),
// "failed" (500 and above) or "unreachable"; and how long it took to the answer's first bytes.
func Observed(c *http.Client, observe func(result string, took time.Duration)) *http.Client {
	client := *c
	client.Transport = &observed{c.Transport, observe}
	return &client
}

type observed struct {
	http.RoundTripper
	observe func(result string, took time.Duration)
}

// RoundTrip sends r and tells how it went.
func (o *observed) RoundTrip(r *http.Request) (*http.Response, error) {
	begin := time.Now()
	answer, err := o.RoundTripper.RoundTrip(r)
	result := "ok"
	switch {
	case err != nil:
		result = "unreachable"
	case answer.StatusCode >= 500:
		result = "failed"
	case answer.StatusCode >= 300:
		result = "refused"
	}
	o.observe(result, time.Since(begin))
	return answer, err
}

// Counted is a context under which a client's answers are counted: bytes grows with what is read of their bodies.
func Counted(ctx context.Context) (_ context.Context, bytes *atomic.Int64) {
	bytes = new(atomic.Int64)
	return context.WithValue(ctx, countKey{}, bytes), bytes
}

type countKey struct{}

type countedBody struct {
	io.ReadCloser
	bytes *atomic.Int64
}

// Read reads on, and counts.
func (c countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// guarded refuses plain http, and ourselves, before anything is sent.
type guarded struct {
	http.RoundTripper
	private bool
	own     []string
}

// RoundTrip sends r if its URL may be a bank's.
func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	err := CheckURL(r.URL, g.private)
	if !g.private && slices.ContainsFunc(g.own, func(host string) bool { return strings.EqualFold(host, r.URL.Hostname()) }) {
		err = fmt.Errorf("%w: it is our own", ErrRefusedAddress)
	}
	if err != nil {
		return nil, err
	}
	if spend, ok := r.Context().Value(spendKey{}).(func(context.Context) error); ok {
		if err := spend(r.Context()); err != nil {
			return nil, err
		}
	}
	answer, err := g.RoundTripper.RoundTrip(r)
	if bytes, ok := r.Context().Value(countKey{}).(*atomic.Int64); ok && err == nil {
		answer.Body = countedBody{answer.Body, bytes}
	}
	return answer, err
}

type spendKey struct{}

// Rationed makes every request to a bank under ctx call spend first, whose error keeps it from being sent.
func Rationed(ctx context.Context, spend func(context.Context) error) context.Context {
	return context.WithValue(ctx, spendKey{}, spend)
}

// CheckURL says whether u may be a bank's: https (http too, when private addresses are allowed), a host, no user; where
// the host is written as an address, a public one.
func CheckURL(u *url.URL, private bool) error {
	at, err := netip.ParseAddr(u.Hostname())
	inward := err == nil && !private && !public(at.Unmap())
	if inward || u.Hostname() == "" || u.User != nil || (u.Scheme != "https" && (u.Scheme != "http" || !private)) {
		return fmt.Errorf("%w: %s://%s", ErrRefusedAddress, u.Scheme, u.Host)
	}
	return nil
}

// refusePrivate looks at the address that is about to be dialled, after all names are resolved.
func refusePrivate(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !slices.Contains(ports, at.Port()) || !public(at.Addr().Unmap()) || ours(at.Addr().Unmap(), net.InterfaceAddrs) {
		return fmt.Errorf("%w: %s", ErrRefusedAddress, address)
	}
	return nil
}

// ports are where https is served.
var ports = []uint16{443, 8443}

// ours reports whether a is an address of this machine: what listens there is ours or our neighbour. In doubt it is.
func ours(a netip.Addr, addresses func() ([]net.Addr, error)) bool {
	all, err := addresses()
	return err != nil || slices.ContainsFunc(all, func(own net.Addr) bool {
		p, err := netip.ParsePrefix(own.String())
		return err == nil && p.Addr().Unmap() == a.WithZone("")
	})
}

// special lists what is neither private nor local by netip's words, and still no bank's.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("fec0::/10"),
}

func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// ReadAll reads an answer's body up to limit. A longer one, or one that breaks off, is an error that says nothing of it.
func ReadAll(r *http.Response, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("providers: the answer broke off: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, errors.New("providers: the answer is too long")
	}
	return body, nil
}

// RetryAfter reads a Retry-After header, seconds or a date (RFC 9110 10.2.3): 0 for none or nonsense, at most a day.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n < 0 {
			return 0
		}
		return time.Duration(min(n, int64(longestWait/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), longestWait)
	}
	return 0
}
