package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"dashtam/services/actor"
	"dashtam/services/doctor"
	"dashtam/services/encryption"
	"dashtam/services/postgres"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

type doctorCommand struct{}

// Run prints a line a check. Unlike other commands it neither migrates nor makes keys: what keeps those from working is
// what it has to find.
func (doctorCommand) Run(ctx context.Context, a *app) (err error) {
	if a.config, err = readConfig(a.getenv); err != nil {
		return err
	}
	db, err := a.join(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	pool, err := postgres.Open(ctx, db.url)
	if err != nil {
		return err
	}
	defer pool.Close()
	ring, keep, fault := openKeys(a.config)
	if keep != nil {
		fault = errors.New("the key file " + a.config.KeyFile + " is not there")
	}
	vault := tokens.New(tokens.Config{DB: pool, Keys: ring})
	banks := providers.NewRegistry()
	_ = providers.New(providers.ServiceConfig{
		DB: pool, Registry: banks, BuiltIn: a.profiles(), Kinds: a.kinds(nil, nil), Client: func(string) *http.Client { return a.bankClient() },
	}).Load(ctx) // where that fails, it is the database's check that has something to say
	checks, err := a.doctor(pool, vault, ring, fault, banks.Profiles).Run(ctx, actor.ForSystem("doctor"))
	if err != nil {
		return err
	}
	return a.printChecks(checks)
}

// printChecks prints checks; its error says how many failed.
func (a *app) printChecks(checks []doctor.Check) error {
	failed := 0
	for _, c := range checks {
		fmt.Fprintf(a.stdout, "%-4s  %s: %s\n", c.State, c.Name, c.Found)
		if c.Do != "" {
			fmt.Fprintf(a.stdout, "      %s\n", c.Do)
		}
		for _, l := range c.Copy {
			fmt.Fprintf(a.stdout, "      %s: %s\n", l.Label, l.Value)
		}
		if c.State == doctor.Fail {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(checks))
	}
	return nil
}

// doctor looks after this configuration. fault says why there are no keys; otherwise it is nil.
func (a *app) doctor(pool *postgres.Pool, vault *tokens.Service, ring *encryption.Keyring, fault error, banks func() []providers.Profile) *doctor.Service {
	c := doctor.Config{
		BaseURL: a.config.BaseURL, SelfSigned: a.config.TLS == "self", Proxies: a.config.Proxies,
		Tokens: vault, KeysFault: fault, DB: pool, Embedded: a.config.DatabaseURL == "", DataDir: a.config.DataDir,
		Mail: a.sender, MailKind: a.config.Email, Providers: banks, Banks: a.bankClient(),
	}
	if fault == nil {
		c.Key = ring.Derive("doctor")
	}
	if a.config.Keys == "" {
		c.KeyFile = a.config.KeyFile
	}
	return doctor.New(c)
}
