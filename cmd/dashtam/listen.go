package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"dashtam/handlers"
	"dashtam/handlers/sandbox"
	"dashtam/services/jobs"
	bank "dashtam/services/sandbox"
)

// The bounds of every listener (RL-5). Handlers lift the write timeout where an answer may take longer.
const (
	maxConnections = 4096
	headerTimeout  = 5 * time.Second
	readTimeout    = 30 * time.Second
	writeTimeout   = 75 * time.Second // more than the longest any route may take
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 28 << 10 // net/http adds 4 KiB of its own

	// inFlight is how long requests and jobs that have begun may go on after the signal (RT-1).
	inFlight = 25 * time.Second
)

// site is the addresses of one program and what is served there.
type site struct {
	app                    *app
	public, operator, bank net.Listener // the last two are nil when they are off
	servers                []*http.Server
	failed                 chan error
	stopping               atomic.Bool
}

// listenAll binds every address.
func (a *app) listenAll(ctx context.Context) (*site, error) {
	c := &a.config
	s := &site{app: a, failed: make(chan error, 3)}
	for _, l := range []struct {
		address string
		to      *net.Listener
	}{{c.Addr, &s.public}, {c.AdminAddr, &s.operator}, {c.SandboxAddr, &s.bank}} {
		if l.address == "" {
			continue
		}
		bound, err := new(net.ListenConfig).Listen(ctx, "tcp", l.address)
		if err != nil {
			s.close()
			return nil, fmt.Errorf("cannot listen: %w", err)
		}
		*l.to = netutil.LimitListener(bound, maxConnections)
	}
	if c.BaseURL.Port() == "0" { // any free port was asked for
		_, port, _ := net.SplitHostPort(s.public.Addr().String())
		c.BaseURL.Host = net.JoinHostPort(c.BaseURL.Hostname(), port)
	}
	if s.bank != nil {
		c.SandboxAddr = s.bank.Addr().String()
	}
	return s, nil
}

func (s *site) close() {
	for _, l := range []net.Listener{s.public, s.operator, s.bank} {
		if l != nil {
			_ = l.Close() // it may be closed already
		}
	}
}

// sandboxIssuer is the sandbox bank's address for browsers: another site than localhost, on purpose.
func (a *app) sandboxIssuer() string {
	_, port, _ := net.SplitHostPort(a.config.SandboxAddr) // checked by readConfig
	return "http://127.0.0.1:" + port
}

// begin serves every address.
func (s *site) begin(n *node) error {
	config, err := s.app.tlsConfig()
	if err != nil {
		return err
	}
	s.serve(s.public, n.pages(s.readiness(n)), config)
	if s.operator != nil {
		s.serve(s.operator, n.operatorPages(), nil)
	}
	if s.bank == nil {
		return nil
	}
	log := s.app.log.With("house", "sandbox bank")
	pages, err := sandbox.New(sandbox.Deps{Bank: bank.New(n.pool), Issuer: s.app.sandboxIssuer(), Now: time.Now, Log: log})
	if err != nil {
		return err
	}
	s.serve(s.bank, pages, nil)
	return nil
}

func (s *site) serve(l net.Listener, h http.Handler, config *tls.Config) {
	server := newServer(h, s.app.log)
	server.TLSConfig = config
	s.servers = append(s.servers, server)
	go func() {
		var err error
		if config == nil {
			err = server.Serve(l)
		} else {
			err = server.ServeTLS(l, "", "")
		}
		if !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving %s: %w", l.Addr(), err)
		}
	}()
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // handshakes and clients that went away
	}
}

// readiness says whether this node takes requests: not while it stops, and not without its database.
func (s *site) readiness(n *node) func(context.Context) handlers.Condition {
	return func(ctx context.Context) (is handlers.Condition) {
		if s.stopping.Load() {
			is.Down = append(is.Down, "node") // it is about to end
		}
		if err := n.pool.Ping(ctx); err != nil {
			is.Down = append(is.Down, "database")
		}
		if n.redis != nil && n.redis.Ping(ctx) != nil {
			is.Degraded = append(is.Degraded, "redis")
		}
		return is
	}
}

// stop takes nothing new, and waits for what has begun, requests and jobs alike.
func (s *site) stop(ctx context.Context, runner *jobs.Runner) error {
	s.stopping.Store(true)
	ctx, cancel := context.WithTimeout(ctx, inFlight)
	defer cancel()
	results := make([]error, len(s.servers)+1)
	var all sync.WaitGroup
	for i, server := range s.servers {
		all.Go(func() {
			if err := server.Shutdown(ctx); err != nil {
				results[i] = errors.Join(fmt.Errorf("requests were cut off: %w", err), server.Close())
			}
		})
	}
	all.Go(func() { results[len(s.servers)] = runner.Stop(ctx) })
	all.Wait()
	return errors.Join(results...)
}

// operatorPages is what stands on the operator's own listener, never on the public one (AZ-7).
func (n *node) operatorPages() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", n.metrics.Handler())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return mux
}
