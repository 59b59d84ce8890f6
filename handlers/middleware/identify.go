package middleware

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"dashtam/handlers/web"
)

// Identify gives every request its number, its nonce and the address it came from. Numbers sent by the client are
// ignored: they end up in logs and on error pages.
func Identify(log *slog.Logger, trusted []netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id := "req_" + base32.StdEncoding.EncodeToString(random(10))
			info := &web.Info{
				RequestID: id,
				IP:        ClientIP(r.RemoteAddr, r.Header.Values("X-Forwarded-For"), trusted),
				Nonce:     base64.RawURLEncoding.EncodeToString(random(16)),
				Log:       log.With("request_id", id),
			}
			w.Header().Set("X-Request-Id", id)
			next.ServeHTTP(w, r.WithContext(web.WithInfo(r.Context(), info)))
		})
	}
}

// ClientIP is the right-most address that is not a proxy of ours (RL-3): remote is the peer of the connection, forwarded
// the X-Forwarded-For headers as they came. What stands further left was written by whoever it likes. An entry that is
// no address ends the walk at the hop that reported it. The result is invalid when remote is.
func ClientIP(remote string, forwarded []string, trusted []netip.Prefix) netip.Addr {
	client := address(remote)
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(client, trusted); i-- {
		hop := address(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		client = hop
	}
	return client
}

// address reads an address with or without a port.
func address(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone("")
	}
	return netip.Addr{}
}

func isTrusted(a netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if a.IsValid() && p.Contains(a) {
			return true
		}
	}
	return false
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: the program ends instead
	return b
}
