package auth

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/email"
	"dashtam/services/hashpool"
	"dashtam/services/limits"
)

// What makes a sign-in worth a mail to its person (LG-9), as it stands in sessions.unusual.
const (
	fromNewDevice = "device"   // nobody signed in to the account from there before
	afterFailures = "failures" // at least fewFailures wrong passwords came first
	afterLong     = "away"     // longAway has passed since the last one
)

const (
	fewFailures = 3
	longAway    = 90 * 24 * time.Hour
)

// noticeOfSignIn bounds what somebody who knows the password can make us write; the list of sessions shows all of them.
var noticeOfSignIn = limits.Rule{Name: "sign_in_mail", Max: 10, Window: time.Hour} // per account

// unusual is what is unusual about a login that worked, or nothing.
func (a *attempt) unusual() string {
	last := a.account.LastLoginAt
	switch {
	case a.failures >= fewFailures:
		return afterFailures
	case a.priority != hashpool.Known:
		return fromNewDevice
	case last != nil && a.clock().Sub(*last) > longAway:
		return afterLong
	}
	return ""
}

// tellOfSignIn reports whether the person is to be mailed about a login.
func (s *Service) tellOfSignIn(ctx context.Context, a *attempt, unusual string) (bool, error) {
	if unusual == "" {
		return false, nil
	}
	return s.mailDue(ctx, noticeOfSignIn, a.key)
}

// reasons are the same in words, for the mail.
var reasons = map[string]string{
	fromNewDevice: "This device is new to your account.",
	afterFailures: "Wrong passwords came first.",
	afterLong:     "Nobody had signed in for three months.",
}

// signInDetails is what a mail tells about a sign-in: of the session, or the API's token family, that has the id about.
func signInDetails(ctx context.Context, tx pgx.Tx, a *account, about uuid.UUID) ([]email.Detail, error) {
	var at time.Time
	var ip *netip.Addr
	var agent, unusual string
	err := tx.QueryRow(ctx, `
		SELECT created_at, ip, user_agent, unusual FROM sessions WHERE id = @about AND user_id = @user
		UNION ALL SELECT created_at, ip, user_agent, @device FROM refresh_tokens WHERE family_id = @about AND user_id = @user
		ORDER BY created_at LIMIT 1`,
		pgx.NamedArgs{"about": about, "user": a.ID, "device": fromNewDevice}).Scan(&at, &ip, &agent, &unusual)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, email.ErrNoMail
	case err != nil:
		return nil, err
	}
	details := []email.Detail{{Label: "When", Value: a.when(at)}, {Label: "With", Value: actor.Device(agent)}}
	if ip != nil {
		details = append(details, email.Detail{Label: "From", Value: ip.String()})
	}
	return append(details, email.Detail{Label: "Why we write", Value: reasons[unusual]}), nil
}

// when is a moment as a's mails tell it.
func (a *account) when(t time.Time) string {
	zone, err := time.LoadLocation(a.Timezone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2 January 2006, 15:04 MST")
}
