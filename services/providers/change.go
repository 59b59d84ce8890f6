package providers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/encryption"
	"dashtam/services/errs"
	"dashtam/services/postgres"
)

// probing bounds a trial, so that whoever waits for its page gets one.
const probing = 15 * time.Second

// Add makes a bank that people can connect. It is tried first: what is proven wrong is Invalid, with a sentence per field;
// what may pass, such as a bank that does not answer, is told in the findings, and the bank is added all the same.
func (s *Service) Add(ctx context.Context, who actor.Actor, f Form) ([]Finding, error) {
	r, found, err := s.tried(ctx, who, f, nil)
	if err != nil {
		return found, err
	}
	if _, err := s.c.Registry.Get(r.Slug); err == nil {
		return found, errTaken
	}
	err = pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		if r.SecretID, err = s.keep(ctx, tx, r.Slug, f.ClientSecret); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO providers (slug, name, kind, issuer, api, client_id, secret_id, scopes, history_days, consent_days)
			VALUES (@slug, @name, @kind, @issuer, @api, @client, @secret, @scopes, @history, @consent)`, r.args())
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "provider.added", Target: r.Slug})
	})
	if postgres.Constraint(err) == "providers_pkey" {
		return found, errTaken
	}
	if err != nil {
		return found, fmt.Errorf("providers: adding: %w", err)
	}
	return found, s.Load(ctx)
}

var errTaken = errs.Field("slug", "Another bank has this short name already.")

// Test tries a bank as it is, also one that is switched off. That it was done is audited.
func (s *Service) Test(ctx context.Context, who actor.Actor, slug string) ([]Finding, error) {
	if err := may(who); err != nil {
		return nil, err
	}
	p, err := s.c.Registry.Get(slug)
	if err != nil {
		return nil, err
	}
	if err := audit.Record(ctx, s.c.DB, who, audit.Event{Act: "provider.tested", Target: slug}); err != nil {
		return nil, fmt.Errorf("providers: testing: %w", err)
	}
	return probe(ctx, p, true), nil
}

func probe(ctx context.Context, p Provider, client bool) []Finding {
	if p.Probe == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(Regardless(ctx), probing)
	defer cancel()
	return p.Probe(ctx, client)
}

// tried reads a form and tries what it says; old is what it changes, whose secret stays where none was written.
func (s *Service) tried(ctx context.Context, who actor.Actor, f Form, old *row) (row, []Finding, error) {
	if err := may(who); err != nil {
		return row{}, nil, err
	}
	r, err := s.row(f)
	if err != nil {
		return row{}, nil, err
	}
	var secret Secret
	switch {
	case f.ClientSecret != "":
		secret = func(context.Context) (encryption.Secret, error) { return f.ClientSecret, nil }
	case old != nil:
		r.SecretID = old.SecretID
		secret = s.secret(r)
	}
	found := probe(ctx, s.open(r.profile(), secret), false)
	wrong := map[string]string{}
	for _, is := range found {
		if is.State == Broken && is.Field != "" && wrong[is.Field] == "" {
			wrong[is.Field] = strings.TrimSpace(is.Found + " " + is.Do)
		}
	}
	if len(wrong) > 0 {
		return row{}, found, errs.Fields(wrong)
	}
	return r, found, nil
}

// Change writes what a form says over a bank that was added. A secret that is left empty stays. While people are
// connected, the bank stays where it is: their tokens must not go elsewhere (OA-16).
func (s *Service) Change(ctx context.Context, who actor.Actor, slug string, f Form) ([]Finding, error) {
	if err := may(who); err != nil {
		return nil, err
	}
	old, err := s.find(ctx, slug)
	if err != nil {
		return nil, err
	}
	f.Slug, f.Kind = old.Slug, old.Kind
	r, found, err := s.tried(ctx, who, f, &old)
	if err != nil {
		return found, err
	}
	err = pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		old, err := s.lock(ctx, tx, slug)
		if err != nil {
			return err
		}
		if err := s.stays(ctx, tx, old, r); err != nil {
			return err
		}
		r.SecretID = old.SecretID
		if f.ClientSecret != "" {
			if r.SecretID, err = s.keep(ctx, tx, slug, f.ClientSecret); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `
			UPDATE providers SET name = @name, issuer = @issuer, api = @api, client_id = @client, secret_id = @secret, scopes = @scopes,
				history_days = @history, consent_days = @consent WHERE slug = @slug`, r.args()); err != nil {
			return err
		}
		if f.ClientSecret != "" && old.SecretID != nil {
			if err := s.c.Tokens.DestroySecret(ctx, tx, *old.SecretID); err != nil {
				return err
			}
		}
		if s.c.Changed != nil {
			if err := s.c.Changed(ctx, tx, who, slug); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "provider.changed", Target: slug, Detail: map[string]string{"fields": old.changed(r)}})
	})
	if err != nil {
		return found, fmt.Errorf("providers: changing: %w", err)
	}
	return found, s.Load(ctx)
}

// stays refuses to lead the tokens of those who are connected to another place.
func (s *Service) stays(ctx context.Context, tx pgx.Tx, old, now row) error {
	wrong := map[string]string{}
	if old.Issuer != now.Issuer {
		wrong["issuer"] = elsewhere
	}
	before, _ := url.Parse(old.API) // it was checked when it was written
	if after, err := url.Parse(now.API); err != nil || before == nil || before.Scheme != after.Scheme || before.Host != after.Host {
		wrong["api_base_url"] = elsewhere
	}
	if len(wrong) == 0 {
		return nil
	}
	n, err := live(ctx, tx, old.Slug)
	if err != nil || n == 0 {
		return err
	}
	return errs.Fields(wrong)
}

const elsewhere = "People are connected to this bank, and their tokens must not go to another host. Add the other one as a bank of its own."

// live counts the connections to a bank that have not ended, and those that did and of which it was not told yet. The
// tables are services/connections' and services/tokens'.
func live(ctx context.Context, tx pgx.Tx, slug string) (n int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM connections WHERE provider = @slug AND disconnected_at IS NULL) + (SELECT count(*) FROM revocations WHERE provider = @slug)`,
		pgx.NamedArgs{"slug": slug}).Scan(&n)
	return n, err
}

// Form is what stands written about a bank that was added, without its secret; secret says whether there is one.
func (s *Service) Form(ctx context.Context, who actor.Actor, slug string) (f Form, secret bool, err error) {
	if err := may(who); err != nil {
		return Form{}, false, err
	}
	r, err := s.find(ctx, slug)
	if err != nil {
		return Form{}, false, err
	}
	f = Form{
		Slug: r.Slug, Name: r.Name, Kind: r.Kind, Issuer: r.Issuer, API: r.API, ClientID: r.ClientID, Scopes: r.Scopes,
		HistoryDays: fmt.Sprint(r.HistoryDays),
	}
	if r.ConsentDays > 0 {
		f.ConsentDays = fmt.Sprint(r.ConsentDays)
	}
	return f, r.SecretID != nil, nil
}

func (s *Service) find(ctx context.Context, slug string) (row, error) {
	return s.read(ctx, s.c.DB, slug, "")
}

// lock finds a bank that was added and holds it until tx ends.
func (s *Service) lock(ctx context.Context, tx pgx.Tx, slug string) (row, error) {
	return s.read(ctx, tx, slug, " FOR UPDATE")
}

func (s *Service) read(ctx context.Context, db postgres.DB, slug, how string) (row, error) {
	rows, err := db.Query(ctx, `
		SELECT slug, name, kind, issuer, api, client_id, secret_id, scopes, history_days, consent_days FROM providers WHERE slug = @slug`+how,
		pgx.NamedArgs{"slug": slug})
	if err != nil {
		return row{}, fmt.Errorf("providers: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	if errors.Is(err, pgx.ErrNoRows) {
		if _, err := s.c.Registry.Get(slug); err == nil {
			return row{}, ErrBuiltIn
		}
		return row{}, ErrUnknown
	}
	if err != nil {
		return row{}, fmt.Errorf("providers: %w", err)
	}
	return r, nil
}

func (r row) args() pgx.NamedArgs {
	return pgx.NamedArgs{
		"slug": r.Slug, "name": r.Name, "kind": r.Kind, "issuer": r.Issuer, "api": r.API, "client": r.ClientID, "secret": r.SecretID,
		"scopes": r.Scopes, "history": r.HistoryDays, "consent": r.ConsentDays,
	}
}

// changed names the fields in which two rows differ.
func (r row) changed(now row) string {
	var names []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"name", r.Name == now.Name}, {"issuer", r.Issuer == now.Issuer}, {"api_base_url", r.API == now.API}, {"client_id", r.ClientID == now.ClientID},
		{"client_secret", r.SecretID == now.SecretID}, {"scopes", r.Scopes == now.Scopes}, {"history_days", r.HistoryDays == now.HistoryDays},
		{"consent_days", r.ConsentDays == now.ConsentDays},
	} {
		if !f.same {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, " ")
}

// keep puts a secret into the vault; nil for none.
func (s *Service) keep(ctx context.Context, tx pgx.Tx, slug string, secret encryption.Secret) (*uuid.UUID, error) {
	if secret == "" {
		return nil, nil //nolint:nilnil // none is no error
	}
	id, err := s.c.Tokens.StoreSecret(ctx, tx, slug, secret)
	return &id, err
}
