package web

import (
	"context"
	"log/slog"
	"net/netip"

	"dashtam/services/profile"
)

// Info is what the outer stack knows about a request. The first middleware makes it; the access log reads it at the end,
// so what is learned on the way (Route) is written into the same value.
type Info struct {
	RequestID string           // ties answer, log lines and audit rows together
	IP        netip.Addr       // the client by the trusted-proxy rule (RL-3); invalid when there is none
	Nonce     string           // of this answer's Content-Security-Policy (HD-1)
	Route     string           // the pattern that matched; the access log shows it instead of the path, which may hold a token (SE-9)
	Log       *slog.Logger     // carries the request id
	Profile   *profile.Profile // times rendering; nil = not timed
}

type infoKey struct{}

// WithInfo returns ctx with i in it.
func WithInfo(ctx context.Context, i *Info) context.Context {
	return context.WithValue(ctx, infoKey{}, i)
}

// InfoFrom is the Info in ctx, never nil.
func InfoFrom(ctx context.Context) *Info {
	if i, ok := ctx.Value(infoKey{}).(*Info); ok {
		return i
	}
	return &Info{Log: slog.New(slog.DiscardHandler)}
}
