package connections

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
	"dashtam/services/providers"
)

// Answer is what the bank sent back through the browser, as it came.
type Answer struct {
	State, Code string
	Error       string // RFC 6749 4.1.2.1; its description is never read
	Issuer      string // RFC 9207
}

// attempt is what Start remembered.
type attempt struct {
	ID           uuid.UUID
	ConnectionID *uuid.UUID
}

// Callback takes the bank's answer and returns the connection it made or renewed. The attempt is used up first, whatever
// follows; the exchange and the keeping of its result go on when the browser has gone.
func (s *Service) Callback(ctx context.Context, who actor.Actor, provider string, answer Answer) (uuid.UUID, error) {
	p, err := s.c.Providers.Get(provider)
	if err != nil {
		return uuid.Nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.c.Ask)
	defer cancel()
	a, err := s.consume(ctx, who, provider, answer)
	if err != nil {
		return uuid.Nil, err
	}
	if answer.Error != "" || answer.Code == "" {
		return uuid.Nil, refused(answer.Error)
	}
	grant, err := p.Access.Exchange(ctx, s.secrets(a.ID), providers.Answer{Code: answer.Code, Issuer: answer.Issuer})
	if err != nil {
		return uuid.Nil, errors.Join(inWords(err), s.failed(ctx, who, provider, err))
	}
	id, err := s.keep(ctx, who, a, p.Profile, grant)
	if err != nil {
		s.giveBack(ctx, who, p, grant.Tokens) // nobody will ever use them
		return uuid.Nil, err
	}
	return id, nil
}

// consume uses the attempt up, if state, session, person and bank are those it was started with. Of two at once one wins.
func (s *Service) consume(ctx context.Context, who actor.Actor, provider string, answer Answer) (a attempt, err error) {
	err = pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			UPDATE connect_attempts SET consumed_at = now()
			WHERE user_id = @user AND state_hash = @state AND session_id = @session AND provider = @provider
				AND consumed_at IS NULL AND expires_at > now()
			RETURNING id, connection_id`,
			pgx.NamedArgs{"user": who.UserID, "state": stateHash(answer.State), "session": who.SessionID, "provider": provider})
		if err != nil {
			return err
		}
		if a, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[attempt]); err != nil {
			return err
		}
		result := audit.Done
		if answer.Error != "" {
			result = audit.Refused
		}
		return audit.Record(ctx, tx, who, audit.Event{
			Act: "connection.answer", Result: result, Detail: map[string]string{"provider": provider, "code": known(answer.Error)},
		})
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return attempt{}, ErrNoAttempt
	}
	if err != nil {
		return attempt{}, fmt.Errorf("connections: callback: %w", err)
	}
	return a, nil
}

// failed records that the bank gave no tokens for its own code.
func (s *Service) failed(ctx context.Context, who actor.Actor, provider string, cause error) error {
	detail := map[string]string{"provider": provider}
	if f := providers.FailureOf(cause); f != nil {
		detail["class"], detail["code"] = string(f.Class), f.Code
	}
	return audit.Record(ctx, s.c.DB, who, audit.Event{Act: "connection.exchange", Result: audit.Failed, Detail: detail})
}

// refusals are the codes a bank may send instead of a code, and what we say to them (OA-8).
var refusals = map[string]*errs.Error{
	"access_denied":             ErrDenied,
	"login_required":            ErrDenied,
	"consent_required":          ErrDenied,
	"interaction_required":      ErrDenied,
	"server_error":              ErrBankAway,
	"temporarily_unavailable":   ErrBankAway,
	"invalid_request":           ErrBankRefuses,
	"unauthorized_client":       ErrBankRefuses,
	"unsupported_response_type": ErrBankRefuses,
	"invalid_scope":             ErrBankRefuses,
}

func refused(code string) error {
	if err, ok := refusals[code]; ok {
		return err
	}
	return ErrBadAnswer
}

// known is code if it is one we know, so that nothing else from outside gets into the audit log.
func known(code string) string {
	if _, ok := refusals[code]; ok || code == "" {
		return code
	}
	return "unknown"
}

// inWords turns a Failure into what the person is told.
func inWords(err error) error {
	f := providers.FailureOf(err)
	if f == nil {
		return err
	}
	if f.Code == providers.SwitchedOff {
		return providers.ErrSwitchedOff.Because(err)
	}
	switch f.Class {
	case providers.Config:
		return ErrBankRefuses.Because(err)
	case providers.Transient, providers.RateLimited:
		return ErrBankAway.Because(err)
	default:
		return ErrBadAnswer.Because(err)
	}
}

// tooMuch reports whether more was granted than asked for (OA-18).
func tooMuch(granted, asked []string) bool {
	return slices.ContainsFunc(granted, func(s string) bool { return !slices.Contains(asked, s) })
}
