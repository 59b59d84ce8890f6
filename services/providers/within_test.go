package providers

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

// An address of this machine is ours, though it be a public one: what listens there is us, or our neighbour.
// Break OA-20: services/providers/client.go: in ours, return err != nil alone
func TestOurs_OA20(t *testing.T) {
	addresses := func() ([]net.Addr, error) {
		return []net.Addr{&net.IPNet{IP: net.ParseIP("203.0.113.7"), Mask: net.CIDRMask(24, 32)}, &net.IPNet{IP: net.ParseIP("2600::7"), Mask: net.CIDRMask(64, 128)}}, nil
	}
	for at, want := range map[string]bool{"203.0.113.7": true, "203.0.113.8": false, "2600::7": true, "2600::8": false} {
		if got := ours(netip.MustParseAddr(at), addresses); got != want {
			t.Errorf("%s: %v", at, got)
		}
	}
	if !ours(netip.MustParseAddr("203.0.113.8"), func() ([]net.Addr, error) { return nil, errors.New("unknown") }) {
		t.Error("in doubt it is not ours")
	}
}

// What is neither private nor local by name, and still nobody's outside.
// Break OA-20: services/providers/client.go: leave special empty
func TestPublic_OA20(t *testing.T) {
	for _, inside := range []string{
		"0.1.2.3", "10.0.0.1", "100.127.255.255", "127.0.0.1", "169.254.0.1", "172.31.0.1", "192.0.0.8", "192.168.0.1", "198.19.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::127.0.0.1", "fc00::1", "fdff::1", "fe80::1", "fec0::1", "ff02::1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::", "2001:0:1::1",
	} {
		if public(netip.MustParseAddr(inside).Unmap()) {
			t.Errorf("%s counts as public", inside)
		}
	}
	for _, outside := range []string{"1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"} {
		if !public(netip.MustParseAddr(outside)) {
			t.Errorf("%s does not count as public", outside)
		}
	}
}
