package providers

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/encryption"
	"dashtam/services/errs"
	"dashtam/services/postgres"
	"dashtam/services/tokens"
)

// What administrators are told.
var (
	ErrNotAdmin = errs.New(errs.Forbidden, "This page is for administrators.")
	ErrBuiltIn  = errs.New(errs.Conflict, "This bank is built in. It can be switched off, and not be changed.")
	ErrInUse    = errs.New(errs.Conflict, "People are connected to this bank, or it still has to be told that they are not any more. Switch it off for now.")
)

// Secret opens a client secret for one request. nil: a public client, proven by PKCE alone.
type Secret func(ctx context.Context) (encryption.Secret, error)

// Kinds are the adapters by their kind: "fdx". What one asks goes through client.
type Kinds map[string]func(p Profile, secret Secret, client *http.Client) Provider

// ServiceConfig is what a Service needs.
type ServiceConfig struct {
	DB       postgres.DB // a pool
	Tokens   *tokens.Service
	Registry *Registry // is filled
	BuiltIn  []Profile
	Kinds    Kinds
	// Client makes the client for the bank of a slug.
	Client  func(slug string) *http.Client
	Private bool // plain http and private addresses may be a bank's
	// Switched tells connections in the caller's transaction that their bank was switched off or on; may be nil.
	Switched func(ctx context.Context, tx pgx.Tx, slug string, off bool) error
	// Changed tells them that it is spoken to in another way from now on; may be nil.
	Changed func(ctx context.Context, tx pgx.Tx, who actor.Actor, slug string) error
}

// Service keeps the banks of this installation: those built in, and those an administrator adds.
type Service struct {
	c       ServiceConfig
	loading sync.Mutex
	added   map[string]opened // what Load made last, by slug
}

// opened is a row and the provider made of it, which keeps what it learned of the bank.
type opened struct {
	row row
	Provider
}

// New makes a Service and puts what is built in into the registry. It does no I/O; Load brings the rest.
func New(c ServiceConfig) *Service {
	s := &Service{c: c}
	list := make([]Provider, len(c.BuiltIn))
	for i, p := range c.BuiltIn {
		list[i] = s.open(p, nil)
	}
	c.Registry.list.Store(&list)
	return s
}

// open makes the provider of a profile: gated, so that it is silent while switched off, but for giving tokens back.
func (s *Service) open(p Profile, secret Secret) Provider {
	made := s.c.Kinds[p.Kind](p, secret, Gated(s.c.Client(p.Slug), s.c.Registry, p.Slug))
	made.Access = parting{made.Access}
	return made
}

// parting is Access whose Revoke is not kept from a bank that is switched off.
type parting struct{ Access }

// Revoke gives tokens back.
func (p parting) Revoke(ctx context.Context, t tokens.Tokens) error {
	return p.Access.Revoke(Regardless(ctx), t)
}

// row is a bank that was added.
type row struct {
	Slug, Name, Kind, Issuer, API, ClientID string
	SecretID                                *uuid.UUID
	Scopes                                  string
	HistoryDays, ConsentDays                int
}

// Load puts what the database holds into the registry. Every node does so every few seconds, so that all know the same.
func (s *Service) Load(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	rows, err := s.c.DB.Query(ctx, `
		SELECT slug, name, kind, issuer, api, client_id, secret_id, scopes, history_days, consent_days FROM providers ORDER BY lower(name), slug`)
	if err != nil {
		return fmt.Errorf("providers: loading: %w", err)
	}
	added, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return fmt.Errorf("providers: loading: %w", err)
	}
	if rows, err = s.c.DB.Query(ctx, `SELECT slug FROM providers_off`); err != nil {
		return fmt.Errorf("providers: loading: %w", err)
	}
	off, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("providers: loading: %w", err)
	}
	s.show(added, off)
	return nil
}

// show makes the list anew. A bank whose row is the same stays the one it was.
func (s *Service) show(added []row, off []string) {
	silent := map[string]bool{}
	for _, slug := range off {
		silent[slug] = true
	}
	var list []Provider
	for _, p := range s.c.Registry.all() {
		if !p.Profile.Added {
			p.Profile.Off = silent[p.Profile.Slug]
			list = append(list, p)
		}
	}
	now := map[string]opened{}
	for _, r := range added {
		if s.c.Kinds[r.Kind] == nil {
			continue // of a newer version
		}
		o, ok := s.added[r.Slug]
		if !ok || !o.row.same(r) {
			o = opened{r, s.open(r.profile(), s.secret(r))}
		}
		o.Profile.Off = silent[r.Slug]
		now[r.Slug] = o
		list = append(list, o.Provider)
	}
	s.added = now
	s.c.Registry.list.Store(&list)
}

func (r row) same(other row) bool {
	same := r.SecretID == other.SecretID || r.SecretID != nil && other.SecretID != nil && *r.SecretID == *other.SecretID
	r.SecretID, other.SecretID = nil, nil
	return same && r == other
}

// secret opens the client secret of a row from the vault, each time it is needed.
func (s *Service) secret(r row) Secret {
	if r.SecretID == nil {
		return nil
	}
	id := *r.SecretID
	return func(ctx context.Context) (encryption.Secret, error) { return s.c.Tokens.Secret(ctx, id, r.Slug) }
}

func may(who actor.Actor) error {
	if who.Kind != actor.Admin && who.Kind != actor.System {
		return ErrNotAdmin
	}
	return nil
}

// Switch turns a bank off or on, on all nodes within seconds: from then on it is asked nothing, and its connections rest.
func (s *Service) Switch(ctx context.Context, who actor.Actor, slug string, off bool) error {
	if err := may(who); err != nil {
		return err
	}
	if _, err := s.c.Registry.Get(slug); err != nil {
		return err
	}
	sql, event := `DELETE FROM providers_off WHERE slug = @slug`, audit.Event{Act: "provider.on", Target: slug}
	if off {
		sql, event = `INSERT INTO providers_off (slug) VALUES (@slug) ON CONFLICT DO NOTHING`, audit.Event{Act: "provider.off", Target: slug}
	}
	err := pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, sql, pgx.NamedArgs{"slug": slug})
		if err != nil || tag.RowsAffected() == 0 {
			return err // it is so already
		}
		if s.c.Switched != nil {
			if err := s.c.Switched(ctx, tx, slug, off); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, who, event)
	})
	if err != nil {
		return fmt.Errorf("providers: switching: %w", err)
	}
	return s.Load(ctx)
}

// Remove takes a bank away that an administrator added and nobody is connected to.
func (s *Service) Remove(ctx context.Context, who actor.Actor, slug string) error {
	if err := may(who); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		old, err := s.lock(ctx, tx, slug)
		if err != nil {
			return err
		}
		n, err := live(ctx, tx, slug)
		if err != nil {
			return err
		}
		if n > 0 {
			return ErrInUse
		}
		for _, sql := range []string{`DELETE FROM providers WHERE slug = @slug`, `DELETE FROM providers_off WHERE slug = @slug`} {
			if _, err := tx.Exec(ctx, sql, pgx.NamedArgs{"slug": slug}); err != nil {
				return err
			}
		}
		if old.SecretID != nil {
			if err := s.c.Tokens.DestroySecret(ctx, tx, *old.SecretID); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "provider.removed", Target: slug})
	})
	if err != nil {
		return fmt.Errorf("providers: removing: %w", err)
	}
	return s.Load(ctx)
}
