package connections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
)

// selectConnection reads connections with the number of their accounts and the results of their last 14 days: 2 for
// fetched, 1 for failed, 0 for not tried.
const selectConnection = `
	SELECT c.id, c.provider, c.name, c.status, c.cause, c.status_since, c.created_at, c.consent_expires_at, ` + renewFrom + ` AS renew_from,
		c.last_sync_at, c.last_success_at, c.next_sync_at, c.disconnected_at, c.bank_told, c.scopes,
		(SELECT count(*) FROM accounts a WHERE a.user_id = c.user_id AND a.connection_id = c.id AND a.closed_at IS NULL AND a.gone_at IS NULL) AS accounts,
		(SELECT count(*) FROM account_questions q WHERE q.user_id = c.user_id AND q.connection_id = c.id) AS questions,
		ARRAY(SELECT coalesce((
				SELECT max(CASE r.state WHEN 'done' THEN 2 WHEN 'failed' THEN 1 ELSE 0 END) FROM sync_runs r
				WHERE r.user_id = c.user_id AND r.connection_id = c.id AND r.queued_at >= d AND r.queued_at < d + interval '1 day'), 0)
			FROM generate_series(date_trunc('day', now(), 'UTC') - interval '13 days', date_trunc('day', now(), 'UTC'), interval '1 day') d
			ORDER BY d) AS days
	FROM connections c
	WHERE c.user_id = @user`

type connectionRow struct {
	ID               uuid.UUID
	Provider         string
	Name             string
	Status           Status
	Cause            string
	StatusSince      time.Time
	CreatedAt        time.Time
	ConsentExpiresAt *time.Time
	RenewFrom        *time.Time
	LastSyncAt       *time.Time
	LastSuccessAt    *time.Time
	NextSyncAt       *time.Time
	DisconnectedAt   *time.Time
	BankTold         Telling
	Scopes           string
	Accounts         int
	Questions        int
	Days             []int32
}

func (s *Service) fromRow(r connectionRow) Connection {
	c := Connection{
		ID: r.ID, Provider: r.Provider, ProviderName: r.Provider, Name: r.Name, Status: r.Status, Cause: r.Cause,
		StatusSince: r.StatusSince, CreatedAt: r.CreatedAt, ConsentEnds: r.ConsentExpiresAt, RenewFrom: r.RenewFrom,
		LastSyncAt: r.LastSyncAt, LastSuccessAt: r.LastSuccessAt, NextSyncAt: r.NextSyncAt, DisconnectedAt: r.DisconnectedAt, BankTold: r.BankTold,
		Accounts: r.Accounts, Questions: r.Questions,
		Days: make([]DayResult, len(r.Days)),
	}
	for i, d := range r.Days {
		c.Days[i] = DayResult(d)
	}
	if p, err := s.c.Providers.Get(r.Provider); err == nil {
		c.ProviderName = p.Profile.Name
	}
	return c
}

// List lists who's connections: what lives first, the ended after it, each by name.
func (s *Service) List(ctx context.Context, who actor.Actor) ([]Connection, error) {
	rows, err := s.c.DB.Query(ctx, selectConnection+` ORDER BY c.disconnected_at IS NOT NULL, lower(c.name), c.id`, pgx.NamedArgs{"user": who.UserID})
	if err != nil {
		return nil, fmt.Errorf("connections: listing: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[connectionRow])
	if err != nil {
		return nil, fmt.Errorf("connections: listing: %w", err)
	}
	list := make([]Connection, len(found))
	for i, r := range found {
		list[i] = s.fromRow(r)
	}
	return list, nil
}

// Get finds one of who's connections, or ErrNotFound.
func (s *Service) Get(ctx context.Context, who actor.Actor, id uuid.UUID) (Detail, error) {
	rows, err := s.c.DB.Query(ctx, selectConnection+` AND c.id = @id`, pgx.NamedArgs{"user": who.UserID, "id": id})
	if err != nil {
		return Detail{}, fmt.Errorf("connections: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[connectionRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Detail{}, ErrNotFound
	}
	if err != nil {
		return Detail{}, fmt.Errorf("connections: %w", err)
	}
	d := Detail{Connection: s.fromRow(r), Scopes: strings.Fields(r.Scopes)}
	if p, err := s.c.Providers.Get(r.Provider); err == nil {
		d.Profile = p.Profile
	}
	return d, nil
}
