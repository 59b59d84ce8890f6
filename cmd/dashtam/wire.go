package main

import (
	"context"
	"encoding/hex"
	"net/http"
	"path/filepath"
	"runtime"
	"time"

	"github.com/riverqueue/river"

	"dashtam/handlers"
	"dashtam/handlers/api"
	"dashtam/handlers/web"
	"dashtam/services/admin"
	"dashtam/services/audit"
	"dashtam/services/auth"
	"dashtam/services/cache"
	"dashtam/services/connections"
	"dashtam/services/email"
	"dashtam/services/encryption"
	"dashtam/services/hashpool"
	"dashtam/services/jobs"
	"dashtam/services/jwt"
	"dashtam/services/ledger"
	"dashtam/services/limits"
	"dashtam/services/metrics"
	"dashtam/services/password"
	"dashtam/services/postgres"
	"dashtam/services/profile"
	"dashtam/services/providers"
	"dashtam/services/providers/fdx"
	"dashtam/services/redis"
	"dashtam/services/review"
	"dashtam/services/syncer"
	"dashtam/services/tokens"
	"dashtam/views/emails"
)

// node is the services of one running program over one database.
type node struct {
	app         *app
	pool        *postgres.Pool
	clock       *postgres.Clock
	keys        *encryption.Keyring
	queue       *jobs.Queue
	passwords   *password.Service
	hashes      *hashpool.Pool
	redis       *redis.Client // nil = there is none
	limits      *limits.Service
	cache       *cache.Cache
	metrics     *metrics.Metrics
	profile     *profile.Profile
	review      *review.Service
	tokens      *tokens.Service
	auth        *auth.Service
	ledger      *ledger.Service
	connections *connections.Service
	syncer      *syncer.Service
	banks       *providers.Service
}

// open prepares the database at url and makes the services over it.
func (a *app) open(ctx context.Context, url string) (*node, error) {
	if err := a.prepare(ctx, url); err != nil {
		return nil, err
	}
	n := &node{app: a, keys: a.keys, clock: postgres.NewClock(time.Now)}
	if a.now != nil {
		n.clock = postgres.NewClock(a.now)
	}
	n.profile = profile.New(time.Now, n.operation)
	pool, err := postgres.Open(ctx, url, postgres.Timed(n.observe(profile.Query)))
	if err != nil {
		return nil, err
	}
	n.pool = pool
	if n.queue, err = jobs.NewQueue(pool.Pool, a.log); err != nil {
		pool.Close()
		return nil, err
	}
	n.passwords = password.New(0)
	n.hashes = hashpool.New(n.passwords, a.config.HashWorkers)
	n.hashes.Observe = n.hashed
	n.metrics = metrics.New(metrics.Config{Pool: pool, Hashes: n.hashes})
	if err := n.compareClocks(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	now := n.clock.Now
	n.limits, n.cache = limits.New(pool, now), cache.New(cache.NewMemory(cachedMost, now), n.metrics.Cache)
	if a.config.RedisURL != "" {
		if err := n.useRedis(); err != nil {
			pool.Close()
			return nil, err
		}
	}
	n.review = review.New(review.Config{
		DB: pool, Profile: n.profile, Hashes: n.hashes, Limits: n.limits, Log: a.log, Now: time.Now, Cores: runtime.GOMAXPROCS(0),
	})
	n.tokens = tokens.New(tokens.Config{
		DB: pool, Keys: n.keys, Reload: a.reloadKeys(n.keys), Profile: n.profile, Spool: filepath.Join(a.config.DataDir, "spool"),
	})
	n.ledger = ledger.New(pool)
	n.auth = auth.New(auth.Config{
		DB: pool, Passwords: n.passwords, Hashes: n.hashes, Limits: n.limits, Jobs: n.queue, Log: a.log, Now: now,
		Tokens:    jwt.New(n.keys.Derive("jwt"), a.config.BaseURL.String(), now),
		DeviceKey: n.keys.Derive("device"),
		Signup:    a.config.Signup,
		Observe:   n.observeLogin,
		Profile:   n.profile,
	})
	banks := n.openBanks()
	if err := n.banks.Load(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	n.connections = connections.New(connections.Config{
		DB: pool, Tokens: n.tokens, Providers: banks, Limits: n.limits, Jobs: n.queue, Key: n.keys.Derive("connect"), Enqueue: syncer.Enqueue(n.queue),
	})
	n.syncer = syncer.New(syncer.Config{
		DB: pool, Connections: n.connections, Tokens: n.tokens, Providers: banks, Queue: n.queue, Limits: n.limits, Now: now,
	})
	return n, nil
}

// compareClocks finds out how far this machine's clock is from the database's. The doctor tells people of it.
func (n *node) compareClocks(ctx context.Context) error {
	apart, err := n.clock.Compare(ctx, n.pool)
	if err == nil && apart.Abs() > clocksApart {
		n.app.log.WarnContext(ctx, "the clocks of this machine and of the database are apart", "apart", apart.Round(time.Second))
	}
	return err
}

// clocksApart is how far they may be before it is worth a line in the log.
const clocksApart = 30 * time.Second

func (n *node) close() {
	if n.redis != nil {
		n.redis.Close()
	}
	n.pool.Close()
}

// cachedMost bounds the values that are cached in memory, of at most 64 KiB each: 16 MiB.
const cachedMost = 256

// useRedis puts a Redis beside the database. Installations that share one differ in their keys.
func (n *node) useRedis() (err error) {
	n.redis, err = redis.New(redis.Config{
		URL: n.app.config.RedisURL, Namespace: hex.EncodeToString(n.keys.Derive("redis")[:8]), Observe: n.commanded,
	})
	if err != nil {
		return err
	}
	key, err := encryption.NewKey("cache", n.keys.Derive("cache"))
	n.limits = limits.NewWithRedis(n.pool, n.clock.Now, n.redis, n.metrics.LimitFallback)
	n.cache = cache.New(cache.NewRedis(n.redis, key, n.clock.Now), n.metrics.Cache)
	return err
}

// profiles are the banks of this installation: the sandbox bank, where it is on.
func (a *app) profiles() []providers.Profile {
	if a.config.SandboxAddr == "" {
		return nil
	}
	return []providers.Profile{providers.Sandbox(a.sandboxIssuer())}
}

// openBanks makes the providers that are spoken to, those built in for now, and the list everybody finds them in.
func (n *node) openBanks() *providers.Registry {
	a, registry := n.app, providers.NewRegistry()
	n.banks = providers.New(providers.ServiceConfig{
		DB: n.pool, Tokens: n.tokens, Registry: registry, BuiltIn: a.profiles(), Private: a.config.PrivateProviders, Switched: connections.Switched, Changed: connections.Changed,
		Kinds: a.kinds(n.cache, n.keys.Derive("account-numbers")),
		Client: func(slug string) *http.Client {
			return providers.Observed(a.bankClient(), func(result string, took time.Duration) {
				n.metrics.Provider(slug, result, took)
				n.profile.Observe(profile.Provider, took)
			})
		},
	})
	return registry
}

// kinds are the adapters there are. c holds banks' metadata; nil = each adapter remembers its own. numbers is the key of
// the hashes of account numbers.
func (a *app) kinds(c *cache.Cache, numbers []byte) providers.Kinds {
	return providers.Kinds{"fdx": func(p providers.Profile, secret providers.Secret, client *http.Client) providers.Provider {
		return fdx.New(fdx.Config{
			Profile: p, Secret: secret, Client: client, Private: a.config.PrivateProviders, Cache: c, NumberKey: numbers,
			RedirectURI: a.config.BaseURL.JoinPath("connections", p.Slug, "callback").String(),
		})
	}}
}

// bankClient is the way to banks. What is ours is none of them.
func (a *app) bankClient() *http.Client {
	return providers.NewClient(a.config.PrivateProviders, a.config.BaseURL.Hostname())
}

// runner works the jobs of this node.
func (n *node) runner(ctx context.Context) (*jobs.Runner, error) {
	sender, err := n.app.sender(ctx)
	if err != nil {
		return nil, err
	}
	pooled, err := postgres.Pooled(ctx, n.pool)
	if err != nil {
		return nil, err
	}
	mails := email.New(email.Config{Sender: sender, Linker: n.auth, Render: emails.Render, BaseURL: n.app.config.BaseURL.String(), Observe: n.mailed})
	workers := river.NewWorkers()
	river.AddWorker(workers, &email.Worker{Email: mails})
	river.AddWorker(workers, &audit.Worker{Sealer: n.sealer()})
	n.syncer.AddWorkers(workers)
	n.connections.AddWorkers(workers)
	return jobs.NewRunner(n.pool.Pool, jobs.RunnerConfig{
		Workers: workers, Log: n.app.log, Observe: n.metrics.Job, Poll: pooled,
		Periodic: []jobs.Periodic{{Every: time.Minute, Args: jobs.SyncDue{}}, {Every: time.Minute, Args: jobs.AuditSeal{}}},
	})
}

func (a *app) sender(ctx context.Context) (email.Sender, error) {
	c := a.config
	switch c.Email {
	case "ses":
		return email.OpenSES(ctx, c.SESRegion, c.SESEndpoint, c.EmailFrom)
	case "smtp":
		return email.NewSMTP(c.SMTPURL.Reveal(), c.EmailFrom)
	default:
		return email.NewOutbox(filepath.Join(c.DataDir, "outbox"), c.EmailFrom), nil
	}
}

// pages is the public surface. ready says whether this node takes requests.
func (n *node) pages(ready func(context.Context) handlers.Condition) http.Handler {
	c := n.app.config
	store := auth.NewSessions(n.pool, auth.SessionConfig{Idle: c.SessionIdle, Lifetime: c.SessionLifetime})
	deps := handlers.Deps{
		BaseURL: c.BaseURL, Proxies: c.Proxies, Log: n.app.log, Ready: ready, Observe: n.answered,
		API:      api.New(api.Deps{Auth: n.auth, Ledger: n.ledger, Connections: n.connections, Syncer: n.syncer, Limits: n.limits}),
		Sessions: web.NewSessions(store, c.BaseURL), Auth: n.auth, Limits: n.limits, Passwords: n.passwords,
		Ledger: n.ledger, Connections: n.connections, Syncer: n.syncer, Tokens: n.tokens, Admin: admin.New(n.pool, store), Mailroom: admin.NewMailroom(n.pool, n.queue),
		Backlog: admin.NewBacklog(n.pool, n.queue),
		Profile: n.profile, Review: n.review, Configured: c.configured(n.keys),
		Doctor: n.app.doctor(n.pool, n.tokens, n.keys, nil, n.connections.Providers), Banks: n.banks,
	}
	if c.Email == "outbox" && isLocal(c.BaseURL) {
		deps.Outbox = email.NewOutbox(filepath.Join(c.DataDir, "outbox"), c.EmailFrom)
	}
	return handlers.New(deps)
}
