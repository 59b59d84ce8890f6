package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/errs"
	"dashtam/services/postgres"
)

// ErrSessionGone answers a save that came too late: the session was ended, or got another token, while its request was
// under way (SE-8).
var ErrSessionGone = errs.New(errs.Unauthenticated, "You were signed out meanwhile. Sign in again.")

// SessionConfig bounds how long a session lives (SE-4). Zero values mean the defaults.
type SessionConfig struct {
	Idle          time.Duration // without a request; 24 h
	Lifetime      time.Duration // from the sign-in; 30 days
	AdminIdle     time.Duration // 30 minutes, and never over Idle
	AdminLifetime time.Duration // 12 hours, and never over Lifetime
}

// Sessions keeps browser sessions. It has the shape of scs's Store and CtxStore, and expects tokens that scs hashed
// already (HashTokenInStore). One query brings session, user, role and what the navigation counts (of services/connections'
// table it reads the status), and fills the Visitor in ctx.
type Sessions struct {
	db postgres.DB
	c  SessionConfig
}

// NewSessions makes Sessions over db. It does no I/O.
func NewSessions(db postgres.DB, c SessionConfig) *Sessions {
	fill := func(d *time.Duration, fallback time.Duration) {
		if *d <= 0 {
			*d = fallback
		}
	}
	fill(&c.Idle, 24*time.Hour)
	fill(&c.Lifetime, 30*24*time.Hour)
	fill(&c.AdminIdle, 30*time.Minute)
	fill(&c.AdminLifetime, 12*time.Hour)
	c.AdminIdle, c.AdminLifetime = min(c.AdminIdle, c.Idle), min(c.AdminLifetime, c.Lifetime)
	return &Sessions{db, c}
}

// Find is FindCtx for callers without a context; scs has none of those.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx for callers without a context.
func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx for callers without a context.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// sessionRow is a live session with its user, whose fields are empty while nobody is signed in.
type sessionRow struct {
	SessionID uuid.UUID
	Data      []byte
	Age       float64 // seconds
	Stale     bool
	Fresh     bool
	SignedIn  bool
	NeedsYou  int
	User
}

// withinTimes is whether a session s of a person u is neither idle for too long nor too old (SE-4).
const withinTimes = `s.last_seen_at > now() - make_interval(secs => CASE WHEN u.role = 'admin' THEN @admin_idle::float8 ELSE @idle::float8 END)
			AND s.created_at > now() - make_interval(secs => CASE WHEN u.role = 'admin' THEN @admin_lifetime::float8 ELSE @lifetime::float8 END)`

// times adds what withinTimes compares with.
func (s *Sessions) times(args pgx.NamedArgs) pgx.NamedArgs {
	args["idle"], args["admin_idle"] = s.c.Idle.Seconds(), s.c.AdminIdle.Seconds()
	args["lifetime"], args["admin_lifetime"] = s.c.Lifetime.Seconds(), s.c.AdminLifetime.Seconds()
	return args
}

// FindCtx gives a live session's data and says in the Visitor of ctx whose it is. Ended, idle, too old, or its person
// disabled: not found.
func (s *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	rows, err := s.db.Query(ctx, `
		SELECT s.id AS session_id, s.data, extract(epoch FROM now() - s.created_at)::float8 AS age, s.user_id IS NOT NULL AS signed_in,
			s.last_seen_at < now() - make_interval(secs => least(60, @idle::float8 / 4)) AS stale,
			s.proved_at > now() - make_interval(secs => @proof) AS fresh,
			coalesce(u.id, s.id) AS id, coalesce(u.email, '') AS email, coalesce(u.name, '') AS name, coalesce(u.role, 'user') AS role,
			coalesce(u.theme, '') AS theme, coalesce(u.timezone, '') AS timezone, coalesce(u.shortcuts, false) AS shortcuts,
			coalesce(u.created_at, s.created_at) AS created_at, u.verified_at, u.disabled_at, u.last_login_at,
			coalesce(u.password_changed_at, s.created_at) AS password_changed_at,
			(SELECT count(*) FROM connections c WHERE c.user_id = s.user_id AND c.status IN ('needs_you', 'renew')) AS needs_you
		FROM sessions s LEFT JOIN users u ON u.id = s.user_id
		WHERE s.token_hash = @token AND s.revoked_at IS NULL AND s.expires_at > now()
			AND (s.user_id IS NULL OR (u.disabled_at IS NULL AND u.verified_at IS NOT NULL))
			AND `+withinTimes, s.times(pgx.NamedArgs{"token": token, "proof": proofLasts.Seconds()}))
	if err != nil {
		return nil, false, fmt.Errorf("auth: reading a session: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[sessionRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("auth: reading a session: %w", err)
	}
	v := VisitorFrom(ctx)
	v.SessionID = row.SessionID
	v.loaded = loaded{token: token, data: row.Data, age: time.Duration(row.Age * float64(time.Second)), stale: row.Stale}
	if row.SignedIn {
		v.User, v.NeedsYou, v.Fresh = &row.User, row.NeedsYou, row.Fresh
	}
	return row.Data, true, nil
}

// SignIn makes the next save of v's session, under its new token, a session of u, who has just proved who they are, and
// says when that must end, by this machine's clock: it is for the browser, to which a cookie tells what is left. The same
// person signing in again keeps the record: its id (OA-1) and its first sign-in, which bounds the lifetime (SE-4). For anybody
// else it becomes a new one, and the old one ends (LG-5).
func (s *Sessions) SignIn(v *Visitor, u User) (ends time.Time, again bool) {
	v.signIn = &u
	left := s.lifetime(u)
	if again = v.User != nil && v.User.ID == u.ID; again {
		left -= v.loaded.age
	}
	return time.Now().Add(left), again
}

func (s *Sessions) lifetime(u User) time.Duration {
	_, lifetime := s.Times(u)
	return lifetime
}

// CommitCtx saves a session. A token that was not read in this request is a new session, or after SignIn the new token
// of the one that was read; any other save only changes a row that still lives, else it is ErrSessionGone.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, _ time.Time) error {
	v := VisitorFrom(ctx)
	var err error
	switch {
	case v.failed:
		return ErrSessionGone
	case token == v.loaded.token && bytes.Equal(data, v.loaded.data):
		return nil
	case token == v.loaded.token:
		err = s.update(ctx, `UPDATE sessions SET data = @data WHERE token_hash = @token AND revoked_at IS NULL`,
			pgx.NamedArgs{"data": data, "token": token})
	case v.signIn != nil && v.User != nil && v.User.ID == v.signIn.ID:
		err = s.update(ctx, `
			UPDATE sessions SET token_hash = @token, data = @data, last_seen_at = now(), proved_at = now(),
				expires_at = created_at + make_interval(secs => @lifetime)
			WHERE token_hash = @old AND revoked_at IS NULL`,
			pgx.NamedArgs{"old": v.loaded.token, "token": token, "data": data, "lifetime": s.lifetime(*v.signIn).Seconds()})
		v.User = v.signIn
	default:
		err = s.insert(ctx, v, token, data)
	}
	if err != nil {
		return fmt.Errorf("auth: saving a session: %w", err)
	}
	v.loaded.token, v.loaded.data, v.loaded.stale, v.signIn = token, data, false, nil
	return nil
}

func (s *Sessions) update(ctx context.Context, sql string, args pgx.NamedArgs) error {
	tag, err := through(ctx, s.db).Exec(ctx, sql, args)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrSessionGone
	}
	return err
}

// insert makes a new session and ends the one it takes the place of. It clears away a few that are over, so that their
// number stays bounded without a job.
func (s *Sessions) insert(ctx context.Context, v *Visitor, token string, data []byte) error {
	id, user, life := uuid.New(), uuid.Nil, s.c.Idle
	if v.signIn != nil {
		user, life = v.signIn.ID, s.lifetime(*v.signIn)
	}
	_, err := through(ctx, s.db).Exec(ctx, `
		WITH old AS (UPDATE sessions SET revoked_at = now() WHERE token_hash = @old AND revoked_at IS NULL),
			gone AS (DELETE FROM sessions WHERE token_hash IN (
				SELECT token_hash FROM sessions WHERE expires_at < now() - interval '1 hour' LIMIT 4 FOR UPDATE SKIP LOCKED))
		INSERT INTO sessions (token_hash, id, user_id, data, expires_at, ip, user_agent, unusual)
		VALUES (@token, @id, @user, @data, now() + make_interval(secs => @life), @ip, @agent, @unusual)`,
		pgx.NamedArgs{
			"old": v.loaded.token, "token": token, "id": id, "user": orNull(user), "data": data, "life": life.Seconds(),
			"ip": addrOrNull(v.IP), "agent": v.UserAgent, "unusual": v.unusual,
		})
	if err != nil {
		return err
	}
	v.SessionID, v.User, v.loaded.age = id, v.signIn, 0
	return nil
}

// DeleteCtx ends a session for good. After SignIn it does nothing: then scs is about to save under a new token, and
// CommitCtx moves or ends the record together with that.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	v := VisitorFrom(ctx)
	if v.signIn != nil {
		return nil
	}
	if _, err := s.db.Exec(ctx, `UPDATE sessions SET revoked_at = now() WHERE token_hash = @token AND revoked_at IS NULL`,
		pgx.NamedArgs{"token": token}); err != nil {
		return fmt.Errorf("auth: ending a session: %w", err)
	}
	v.SessionID, v.User, v.loaded = uuid.Nil, nil, loaded{}
	return nil
}

// Touch notes that the visitor was here, at most once a minute and never for a request the browser made by itself. It
// is called when the request's work is done.
func (s *Sessions) Touch(ctx context.Context) error {
	v := VisitorFrom(ctx)
	if !v.loaded.stale || v.polling {
		return nil
	}
	if _, err := s.db.Exec(ctx, `UPDATE sessions SET last_seen_at = now() WHERE token_hash = @token AND revoked_at IS NULL`,
		pgx.NamedArgs{"token": v.loaded.token}); err != nil {
		return fmt.Errorf("auth: noting a visit: %w", err)
	}
	return nil
}

func addrOrNull(a netip.Addr) *netip.Addr {
	if !a.IsValid() {
		return nil
	}
	return &a
}
