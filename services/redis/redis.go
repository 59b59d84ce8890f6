package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"dashtam/services/encryption"
)

const (
	// Patience bounds one command: waiting for a connection, making it, asking, and being answered.
	Patience = 200 * time.Millisecond
	// Pause is how long nobody but one caller asks after a command failed.
	Pause = time.Second
	// connections bounds how many there are at once.
	connections = 10
)

// ErrAway is why Redis was not even asked: it failed a moment ago.
var ErrAway = errors.New("redis: it is away")

// Config is what a Client needs.
type Config struct {
	URL       encryption.Secret                                     // redis:// or rediss://, which checks the server's certificate
	Namespace string                                                // what every key begins with
	Observe   func(command string, failed bool, took time.Duration) // told about every command; may be nil
}

// Client speaks with one Redis.
type Client struct {
	server    *goredis.Client
	namespace string
	observe   func(command string, failed bool, took time.Duration)
	closedTil atomic.Int64 // when somebody may look again, in Unix nanoseconds; 0 = Redis answers
}

// silence keeps go-redis from writing to the standard error itself; what it has to say comes back as errors, too.
type silence struct{}

// Printf drops the line.
func (silence) Printf(context.Context, string, ...any) {}

var silenced sync.Once // go-redis has one logger for the whole process

// New makes a Client. It connects when it is first used, so an error means a bad URL; it does not repeat it.
func New(c Config) (*Client, error) {
	options, err := goredis.ParseURL(c.URL.Reveal())
	if err != nil {
		return nil, errors.New("redis: the URL cannot be read as redis://user:password@host:port/number")
	}
	if options.TLSConfig != nil && options.TLSConfig.InsecureSkipVerify {
		return nil, errors.New("redis: the URL must not say skip_verify")
	}
	silenced.Do(func() { goredis.SetLogger(silence{}) })
	options.MaxRetries, options.DialerRetries = -1, 1 // nothing is tried twice: a command that counts would count twice
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = Patience, Patience, Patience, Patience
	options.ContextTimeoutEnabled = true
	options.PoolSize, options.MaxActiveConns, options.ConnMaxIdleTime = connections, connections, 5*time.Minute
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &Client{server: goredis.NewClient(options), namespace: c.Namespace + ":", observe: c.Observe}, nil
}

// Close ends every connection.
func (c *Client) Close() {
	_ = c.server.Close() // nothing is pending
}

// Ping asks whether Redis answers.
func (c *Client) Ping(ctx context.Context) error {
	return c.do(ctx, "ping", func(ctx context.Context) error { return c.server.Ping(ctx).Err() })
}

// Get reads a value; found is false when there is none.
func (c *Client) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	err = c.do(ctx, "get", func(ctx context.Context) error {
		value, err = c.server.Get(ctx, c.namespace+key).Bytes()
		found = err == nil
		return err
	})
	return value, found, err
}

// Set keeps a value for ttl.
func (c *Client) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return c.do(ctx, "set", func(ctx context.Context) error { return c.server.Set(ctx, c.namespace+key, value, ttl).Err() })
}

// Delete drops a value.
func (c *Client) Delete(ctx context.Context, key string) error {
	return c.do(ctx, "delete", func(ctx context.Context) error { return c.server.Del(ctx, c.namespace+key).Err() })
}

// Script is a program in Lua that Redis carries out at once and undivided: KEYS[1] is its key, and it answers with numbers.
type Script struct {
	name string // for the figures
	lua  *goredis.Script
}

// NewScript makes a Script.
func NewScript(name, lua string) *Script { return &Script{name, goredis.NewScript(lua)} }

// Run carries s out.
func (c *Client) Run(ctx context.Context, s *Script, key string, args ...any) (answer []int64, err error) {
	err = c.do(ctx, s.name, func(ctx context.Context) error {
		answer, err = s.lua.Run(ctx, c.server, []string{c.namespace + key}, args...).Int64Slice()
		return err
	})
	return answer, err
}

// do asks Redis once, if it is worth asking. A caller who went away is no sign that Redis did.
func (c *Client) do(ctx context.Context, command string, ask func(ctx context.Context) error) error {
	if !c.worthAsking() {
		return ErrAway
	}
	bounded, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	begin := time.Now()
	err := ask(bounded)
	if errors.Is(err, goredis.Nil) {
		err = nil
	}
	switch {
	case err == nil:
		c.closedTil.Store(0)
	case ctx.Err() == nil:
		c.closedTil.Store(time.Now().Add(Pause).UnixNano())
	}
	if c.observe != nil {
		c.observe(command, err != nil, time.Since(begin))
	}
	if err != nil {
		return fmt.Errorf("redis: %s: %w", command, err)
	}
	return nil
}

// worthAsking lets everybody ask while Redis answers, and after a failure one caller a Pause.
func (c *Client) worthAsking() bool {
	til := c.closedTil.Load()
	if til == 0 {
		return true
	}
	now := time.Now()
	return now.UnixNano() >= til && c.closedTil.CompareAndSwap(til, now.Add(Pause).UnixNano())
}
