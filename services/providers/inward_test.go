package providers_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dashtam/services/providers"
)

// resolve makes every name lead where answer says, the n-th time it is asked for an IPv4 address, until the test ends:
// names are asked of a server of the test's own. No test of this package runs beside another.
func resolve(t *testing.T, answer func(n int32) netip.Addr) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			q := m.Questions[0]
			if q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: answer(asked.Add(1)).As4()},
				}}
			}
			packed, err := m.Pack()
			if err == nil {
				_, err = server.WriteTo(packed, from)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = server.Close()
	})
}

func ask(ctx context.Context, client *http.Client, place string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err == nil {
		err = answer.Body.Close()
	}
	return err
}

// A name that leads inwards is refused when it is dialled, however the address is written, and also where it led outwards
// when it was looked at first.
// Break OA-20: services/providers/client.go: in refusePrivate, look at nothing but the port
func TestClient_OA20_NamesThatLeadInwards(t *testing.T) {
	var inside atomic.Pointer[netip.Addr]
	resolve(t, func(int32) netip.Addr { return *inside.Load() })
	for _, at := range []string{"127.0.0.1", "10.0.0.1", "100.64.0.1", "169.254.169.254", "0.0.0.0", "192.168.0.1", "224.0.0.1"} {
		address := netip.MustParseAddr(at)
		inside.Store(&address)
		for host, name := range map[string]bool{
			"inward.example": true, "0x7f000001": true, "0x7f.1": true, "127.0.0.1.nip.example": true, "2130706433": false, "0177.0.0.1": false, "127.1": false,
		} {
			err := ask(t.Context(), providers.NewClient(false), "https://"+host)
			if err == nil || name != errors.Is(err, providers.ErrRefusedAddress) { // Go takes what is all digits for no name at all
				t.Errorf("%s at %s: %v", host, at, err)
			}
		}
	}
}

// Break OA-20: services/providers/client.go: leave ControlContext out
func TestClient_OA20_Rebinding(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	defer server.Close()
	resolve(t, func(n int32) netip.Addr {
		if n == 1 {
			return netip.MustParseAddr("203.0.113.7")
		}
		return netip.MustParseAddr("127.0.0.1")
	})
	client := providers.NewClient(false)
	first, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // nobody is there
	defer cancel()
	if err := ask(first, client, "https://rebinds.example"); err == nil || errors.Is(err, providers.ErrRefusedAddress) {
		t.Errorf("outwards: %v", err)
	}
	if err := ask(t.Context(), client, "https://rebinds.example"); !errors.Is(err, providers.ErrRefusedAddress) {
		t.Errorf("inwards: %v", err)
	}
}

// Ports where no bank is, our own host, and a way inwards by a redirect.
// Break OA-20: services/providers/client.go: in refusePrivate, leave out ports
// Break OA-20: services/providers/client.go: in RoundTrip of guarded, leave out g.own
func TestClient_OA20_PortsOurselvesRedirects(t *testing.T) {
	resolve(t, func(int32) netip.Addr { return netip.MustParseAddr("203.0.113.7") })
	for _, place := range []string{"https://bank.example:22", "https://bank.example:6379", "https://bank.example:8080", "https://money.example.org/x", "https://MONEY.example.org:8443"} {
		if err := ask(t.Context(), providers.NewClient(false, "money.example.org"), place); !errors.Is(err, providers.ErrRefusedAddress) {
			t.Errorf("%s: %v", place, err)
		}
	}
	var asked atomic.Int32
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inner.Close()
	for _, to := range []string{inner.URL, "http://169.254.169.254/latest/meta-data/"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			bank := httptest.NewServer(http.RedirectHandler(to, status))
			if err := ask(t.Context(), providers.NewClient(true), bank.URL); err != nil {
				t.Errorf("%d to %s: %v", status, to, err)
			}
			bank.Close()
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}
