package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// newClient asks our own address: the way everybody comes, following no redirect.
func newClient(selfSigned bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives:      true, // each answer shows the way of a new connection
			MaxResponseHeaderBytes: 64 << 10,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: selfSigned}, //nolint:gosec // DASHTAM_TLS=self; the answer proves itself
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// invented is an address no visitor has (RFC 5737). A proxy that hands it on unchanged lets everybody choose an address.
const invented = "203.0.113.77"

// visit is what came of asking for /livez at the address everybody uses.
type visit struct {
	err    error
	status int
	ours   bool
	seen   Seen
}

func (s *Service) visit(ctx context.Context) (v visit) {
	header, nonce := s.ask()
	status, said, err := s.get(ctx, s.self, s.c.BaseURL.JoinPath("livez").String(), http.Header{AskHeader: {header}, "X-Forwarded-For": {invented}})
	if err != nil {
		return visit{err: err}
	}
	v.status = status
	v.seen, v.ours = s.read(said.Get(AnswerHeader), nonce)
	return v
}

// get gives the head of an answer. Its body is nobody's business here.
func (s *Service) get(ctx context.Context, client *http.Client, address string, header http.Header) (status int, said http.Header, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	if header != nil {
		r.Header = header
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	return answer.StatusCode, answer.Header, answer.Body.Close()
}

func (s *Service) base(v visit) Check {
	address := s.c.BaseURL.String()
	switch {
	case v.err != nil:
		return s.unreachable(v.err)
	case v.ours && v.status == http.StatusOK && s.c.SelfSigned && s.c.BaseURL.Scheme == "https":
		return Check{State: OK, Found: address + " leads to this Dashtam. Its certificate is self-signed, so browsers warn."}
	case v.ours && v.status == http.StatusOK:
		return Check{State: OK, Found: address + " leads to this Dashtam."}
	case v.status >= 500:
		return Check{State: Fail, Found: fmt.Sprintf("What stands at %s answers with %d, so it does not get through to Dashtam.", address, v.status),
			Do: "Let the proxy lead to DASHTAM_ADDR, and see that Dashtam is running there."}
	case v.status >= 300 && v.status < 400:
		return Check{State: Fail, Found: address + " leads on to another address.",
			Do: "Set DASHTAM_BASE_URL to the address where browsers end up, in the same spelling, and start Dashtam anew."}
	case len(s.c.Key) == 0:
		return Check{State: Warn, Found: fmt.Sprintf("Something answers at %s. Whether it is this Dashtam cannot be told without the keys.", address), Do: "Repair the keys first."}
	}
	return Check{State: Fail, Found: fmt.Sprintf("Something answers at %s, but not this Dashtam, or one with other keys.", address),
		Do: "Let the address lead to this Dashtam. If it does, give every node the same keys, and let the proxy hand on all headers."}
}

// unreachable says why nobody answers. Only what this program found out itself is told.
func (s *Service) unreachable(err error) Check {
	address := s.c.BaseURL.String()
	c := Check{State: Fail, Found: "Nobody answers at " + address + ", as seen from this machine.",
		Do: "See that Dashtam is running and that the proxy leads to it. Some routers do not lead their own network back in: then ask from another network."}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		c.Found = fmt.Sprintf("The certificate of %s is not good: %v.", address, cert.Err)
		c.Do = "Renew it, name the host in it, or set DASHTAM_TLS=auto."
	} else if name, ok := errors.AsType[*net.DNSError](err); ok && name.IsNotFound {
		c.Found = "The name " + s.c.BaseURL.Hostname() + " leads nowhere."
		c.Do = "Enter it with its address at whoever serves the domain's names, or repair DASHTAM_BASE_URL."
	} else if errors.Is(err, context.DeadlineExceeded) {
		c.Found = "Nobody answers at " + address + " within five seconds, as seen from this machine."
	}
	return c
}

func (s *Service) proxy(v visit) Check {
	seen, base := v.seen, s.c.BaseURL
	direct := seen.For == invented && seen.Proto == "" && (seen.TLS || base.Scheme == "http")
	name := "DASHTAM_TRUSTED_PROXIES"
	switch {
	case !v.ours:
		return Check{State: Warn, Found: "What a proxy adds can only be seen once the base URL leads here.", Do: "Repair the base URL first."}
	case !strings.EqualFold(seen.Host, base.Host):
		return Check{State: Warn, Found: "The proxy does not hand on the host that was asked for.", Do: "Let it: in nginx, proxy_set_header Host $host."}
	case direct:
		return Check{State: OK, Found: "There is no proxy in between."}
	case !seen.Trusted:
		return Check{State: Warn, Found: "Requests come through a proxy at " + seen.Peer.String() + ", which " + name + " does not name. So everybody counts as one visitor: limits and the list of sessions are wrong.",
			Do: "Set " + name + "=" + only(seen.Peer) + " and start Dashtam anew."}
	case seen.For == invented:
		return Check{State: Fail, Found: "The proxy hands on X-Forwarded-For as visitors write it, so everybody can choose an address.",
			Do: "Let it write the header itself: in nginx, proxy_set_header X-Forwarded-For $remote_addr."}
	case seen.For == "":
		return Check{State: Warn, Found: "The proxy does not say whom a request comes from, so everybody counts as one visitor.",
			Do: "Let it: in nginx, proxy_set_header X-Forwarded-For $remote_addr."}
	case seen.Proto != "" && !strings.EqualFold(seen.Proto, base.Scheme):
		return Check{State: Warn, Found: "The proxy says that requests came over another scheme than " + base.Scheme + ".",
			Do: "Let X-Forwarded-Proto be the scheme the visitor used: in nginx, $scheme. If it is, visitors do not come over " + base.Scheme + "."}
	}
	return Check{State: OK, Found: "The proxy at " + seen.Peer.String() + " says whom a request comes from."}
}

// only is the network of a alone.
func only(a netip.Addr) string { return netip.PrefixFrom(a, a.BitLen()).String() }

// callback lists the redirect URIs and sees that they lead to where a bank's answer is taken: without a visit to the bank
// that was started here, it is refused.
func (s *Service) callback(ctx context.Context) Check {
	c := Check{State: OK, Found: "The redirect URIs lead here. Register them at the bank letter by letter."}
	banks := s.c.Providers()
	if len(banks) == 0 {
		c.Found = "There is no bank that could send anybody back."
	}
	for _, p := range banks {
		c.Copy = append(c.Copy, Line{p.Name, s.c.BaseURL.JoinPath("connections", p.Slug, "callback").String()})
	}
	for _, l := range c.Copy {
		status, said, err := s.get(ctx, s.self, l.Value, nil)
		if err == nil && strings.HasPrefix(said.Get("X-Request-Id"), "req_") && (status == http.StatusForbidden || status == http.StatusSeeOther) {
			continue
		}
		c.State, c.Found = Fail, "Who comes back from "+l.Label+" does not get to Dashtam."
		if err == nil {
			c.Found = fmt.Sprintf("Who comes back from %s gets %d instead of Dashtam.", l.Label, status)
		}
		c.Do = "Repair the base URL first. Then let the proxy lead every path to Dashtam, not only some."
		return c
	}
	return c
}
