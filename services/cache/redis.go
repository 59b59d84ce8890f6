package cache

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/redis"
)

// Redis is a Store that all nodes share. Each value is sealed together with its end and bound to its key: whoever can
// write to Redis can make it lose a value, but not make it lie, and whoever can read it reads nothing.
type Redis struct {
	client *redis.Client
	key    encryption.Key
	now    func() time.Time
}

// NewRedis makes a Redis. Nodes that share it have the same key.
func NewRedis(client *redis.Client, key encryption.Key, now func() time.Time) *Redis {
	return &Redis{client, key, now}
}

// Get reads a value.
func (r *Redis) Get(ctx context.Context, key string) ([]byte, bool, error) {
	envelope, found, err := r.client.Get(ctx, "cache:"+key)
	if err != nil || !found {
		return nil, false, err
	}
	plain, err := encryption.Open(r.key, envelope, place(key))
	if err != nil {
		return nil, false, fmt.Errorf("cache: what Redis holds is not ours: %w", err)
	}
	if len(plain) < 8 || r.now().UnixMilli() >= int64(binary.BigEndian.Uint64(plain)) {
		return nil, false, nil
	}
	return plain[8:], true, nil
}

// Set keeps value for ttl.
func (r *Redis) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	plain := binary.BigEndian.AppendUint64(nil, uint64(r.now().Add(ttl).UnixMilli()))
	envelope, err := encryption.Seal(r.key, append(plain, value...), place(key))
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return r.client.Set(ctx, "cache:"+key, envelope, ttl)
}

// Delete drops a value.
func (r *Redis) Delete(ctx context.Context, key string) error {
	return r.client.Delete(ctx, "cache:"+key)
}

func place(key string) encryption.AAD { return encryption.AAD{Purpose: "cache", Row: key} }
