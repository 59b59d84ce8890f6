package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"dashtam/services/encryption"
	"dashtam/services/postgres"
	"dashtam/services/tokens"
)

// openKeys gives the key-encryption keys. Where there are none yet it makes some, and keep, otherwise nil, writes them to
// the key file; that is done only once the database turns out to know no others.
func openKeys(c config) (ring *encryption.Keyring, keep func() error, err error) {
	if c.Keys != "" {
		ring, err = encryption.ParseKeyring(c.Keys.Reveal())
		if err != nil {
			return nil, nil, fmt.Errorf("DASHTAM_KEYS: %w", err)
		}
		return ring, nil, nil
	}
	text, err := os.ReadFile(c.KeyFile)
	if errors.Is(err, os.ErrNotExist) && c.KeyFile == filepath.Join(c.DataDir, "keys") {
		return newKeys(c.KeyFile)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the key file: %w", err)
	}
	if info, err := os.Stat(c.KeyFile); err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, nil, fmt.Errorf("the key file %s can be read by others; chmod 600 it", c.KeyFile)
	}
	ring, err = encryption.ParseKeyring(string(text))
	if err != nil {
		return nil, nil, fmt.Errorf("the key file %s: %w", c.KeyFile, err)
	}
	return ring, nil, nil
}

func newKeys(path string) (*encryption.Keyring, func() error, error) {
	key, err := encryption.GenerateKey("k1")
	if err != nil {
		return nil, nil, err
	}
	text := keyFileHead + key.Line().Reveal() + "\n"
	ring, err := encryption.ParseKeyring(text)
	if err != nil {
		return nil, nil, err
	}
	return ring, func() error { return createKeyFile(path, text) }, nil
}

// reloadKeys gives a function that reads the key file again into ring: a node that runs while keys are rotated meets the
// new one. Keys in the environment stay what they are until a restart.
func (a *app) reloadKeys(ring *encryption.Keyring) func() error {
	if a.config.Keys != "" {
		return nil
	}
	return func() error {
		now, _, err := openKeys(a.config)
		if err == nil {
			ring.Replace(now)
		}
		return err
	}
}

// newCurrentKey puts a new key before the others of the key file and the ring; not where a rotation waits to be finished,
// nor where the keys stand in the environment, whose first is then the one to rotate to.
func (a *app) newCurrentKey(ctx context.Context, n *node) error {
	uses, err := n.tokens.KeyUses(ctx)
	if err != nil {
		return err
	}
	unfinished := false
	for _, u := range uses {
		unfinished = unfinished || u.Retired && u.Needed()
	}
	if a.config.Keys != "" || unfinished {
		return nil
	}
	used := map[string]bool{}
	for _, u := range uses {
		used[u.ID] = true
	}
	next := 1
	for used[fmt.Sprint("k", next)] {
		next++
	}
	fresh, err := encryption.GenerateKey(fmt.Sprint("k", next))
	if err != nil {
		return err
	}
	all := []encryption.Key{fresh}
	for _, id := range n.keys.IDs() {
		k, _ := n.keys.Key(id)
		all = append(all, k)
	}
	if err := a.writeKeys(all...); err != nil {
		return err
	}
	return a.reloadKeys(n.keys)()
}

const keyFileHead = "# Opens the stored bank tokens. Keep a copy apart from the database's backups.\n"

// writeKeys puts keys, the current one first, in place of the key file, whole or not at all.
func (a *app) writeKeys(keys ...encryption.Key) error {
	text := keyFileHead
	for _, k := range keys {
		text += k.Line().Reveal() + "\n"
	}
	beside := a.config.KeyFile + ".new"
	if err := os.Remove(beside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the key file: %w", err)
	}
	if err := createKeyFile(beside, text); err != nil {
		return err
	}
	if err := os.Rename(beside, a.config.KeyFile); err != nil {
		return fmt.Errorf("the key file: %w", err)
	}
	return nil
}

func createKeyFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("the key file: %w", err)
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// prepare brings the database to this binary's schema, unless it was written with other keys: then nothing is touched,
// neither it nor the key file (VT-5).
func (a *app) prepare(ctx context.Context, url string) error {
	ring, keep, err := openKeys(a.config)
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	vault := tokens.New(tokens.Config{DB: pool, Keys: ring})
	var old bool
	if err := pool.QueryRow(ctx, "SELECT to_regclass('data_keys') IS NOT NULL").Scan(&old); err != nil {
		return fmt.Errorf("the database cannot be reached: %w", err)
	}
	if old {
		err := vault.CheckKeys(ctx)
		if err != nil && keep != nil {
			return fmt.Errorf("the key file %s is not there: %w", a.config.KeyFile, err)
		}
		if err != nil {
			return err
		}
	}
	if keep != nil {
		if err := keep(); err != nil {
			return err
		}
	}
	if err := postgres.Migrate(ctx, url, a.log); err != nil {
		return err
	}
	a.keys = ring
	return vault.CheckKeys(ctx)
}
