package limits

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/errs"
	"dashtam/services/postgres"
	"dashtam/services/redis"
)

// Rule allows Max acts in a Window. Rules with different names count apart.
type Rule struct {
	Name   string
	Max    int
	Window time.Duration
	Batch  int // acts counted at once where there is a Redis to hold those not done yet; 0 = each by itself
}

// The limits of the public contract.
var (
	Login         = Rule{Name: "login", Max: 20, Window: time.Minute}               // per address
	LoginFailures = Rule{Name: "login_failures", Max: 10, Window: 15 * time.Minute} // per account, real or not
	SignUp        = Rule{Name: "sign_up", Max: 10, Window: time.Hour}               // per address
	VerifyMail    = Rule{Name: "verify_mail", Max: 1, Window: time.Minute}          // per account
	API           = Rule{Name: "api", Max: 600, Window: time.Minute, Batch: 30}     // per address
)

// What else can be tried often, or costs much (RL-1). Each route counts for itself. Fifty tries of one link at the same
// moment are no attack: whoever looks whether a link works once does that.
var (
	Links  = Rule{Name: "links", Max: 60, Window: time.Minute}  // per address, or person: what a link or a bank leads back to
	Hints  = Rule{Name: "hints", Max: 300, Window: time.Minute} // per address: while somebody types a password
	Export = Rule{Name: "export", Max: 60, Window: time.Hour}   // per person
	Trials = Rule{Name: "trials", Max: 60, Window: time.Hour}   // per administrator: banks that are tried
)

// Service counts in the database.
type Service struct {
	db       postgres.DB
	now      func() time.Time
	redis    *redis.Client // may be nil
	fellBack func()        // may be nil
}

// New makes a Service over db, which must be a pool: a counter belongs to no caller's transaction.
func New(db postgres.DB, now func() time.Time) *Service { return &Service{db: db, now: now} }

// NewWithRedis is New with a Redis that holds the acts of rules with a Batch. fellBack is told about every act that had
// to do without; it may be nil.
func NewWithRedis(db postgres.DB, now func() time.Time, client *redis.Client, fellBack func()) *Service {
	return &Service{db, now, client, fellBack}
}

// Allow counts one act of subject, or refuses it with RateLimited and RetryAfter.
func (s *Service) Allow(ctx context.Context, r Rule, subject string) error {
	if s.redis != nil && r.Batch > 0 {
		return s.allowPaid(ctx, r, subject)
	}
	granted, ends, err := s.count(ctx, r, subject, 1)
	if err != nil {
		return err
	}
	if granted == 0 {
		return r.refuse(ends.Sub(s.now()))
	}
	return nil
}

// count counts n acts of subject in its window, which ends at ends, and gives how many of them are allowed.
func (s *Service) count(ctx context.Context, r Rule, subject string, n int) (granted int, ends time.Time, err error) {
	now := s.now()
	var count int
	err = s.db.QueryRow(ctx, `
		INSERT INTO limit_counters AS c (key, count, expires_at) VALUES (@key, @n, @ends)
		ON CONFLICT (key) DO UPDATE SET
			count      = CASE WHEN c.expires_at <= @now THEN @n ELSE least(c.count, @max) + @n END,
			expires_at = CASE WHEN c.expires_at <= @now THEN excluded.expires_at ELSE c.expires_at END
		RETURNING count, expires_at`,
		pgx.NamedArgs{"key": r.key(subject), "now": now, "ends": now.Add(r.Window), "max": r.Max, "n": n}).Scan(&count, &ends)
	if err != nil {
		return 0, ends, fmt.Errorf("limits: counting %s: %w", r.Name, err)
	}
	return max(0, min(n, r.Max-(count-n))), ends, nil
}

// Peek refuses what Allow would refuse, and counts nothing. Acts of a Batch count as done.
func (s *Service) Peek(ctx context.Context, r Rule, subject string) error {
	now := s.now()
	var ends time.Time
	err := s.db.QueryRow(ctx, `
		SELECT expires_at FROM limit_counters WHERE key = @key AND expires_at > @now AND count >= @max`,
		pgx.NamedArgs{"key": r.key(subject), "now": now, "max": r.Max}).Scan(&ends)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("limits: reading %s: %w", r.Name, err)
	}
	return r.refuse(ends.Sub(now))
}

// Count is how many acts of subject its window holds. From r.Max on Peek and Allow refuse, and the count stands still.
func (s *Service) Count(ctx context.Context, r Rule, subject string) (n int, err error) {
	err = s.db.QueryRow(ctx, `SELECT least(count, @max) FROM limit_counters WHERE key = @key AND expires_at > @now`,
		pgx.NamedArgs{"key": r.key(subject), "now": s.now(), "max": r.Max}).Scan(&n)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("limits: reading %s: %w", r.Name, err)
	}
	return n, nil
}

// Reset forgets what subject did: the owner of an account has signed in, so the failures before were not an attack.
func (s *Service) Reset(ctx context.Context, r Rule, subject string) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM limit_counters WHERE key = @key`, pgx.NamedArgs{"key": r.key(subject)}); err != nil {
		return fmt.Errorf("limits: resetting %s: %w", r.Name, err)
	}
	if s.redis != nil && r.Batch > 0 {
		_ = s.redis.Delete(ctx, r.paid(subject)) // else what is refused stays so until the window ends
	}
	return nil
}

// Sweep removes the counters whose window is over, and the streaks that are too many. It is work for a periodic job;
// nothing depends on when it runs.
func (s *Service) Sweep(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `DELETE FROM limit_counters WHERE expires_at <= @now`, pgx.NamedArgs{"now": s.now()})
	if err == nil {
		err = s.shorten(ctx)
	}
	if err != nil {
		return fmt.Errorf("limits: sweeping: %w", err)
	}
	return nil
}

// AddressSubject is whom a rule per address counts: an IPv4 address, or the /64 an IPv6 address lies in, since one
// subscriber has all of that.
func AddressSubject(ip netip.Addr) string {
	ip = ip.Unmap()
	if ip.Is6() {
		prefix, err := ip.WithZone("").Prefix(64)
		if err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}

func (r Rule) key(subject string) []byte { return key(r.Name, subject) }

// key names what is counted under a rule: a hash, so that it has one size and says nothing about who it is.
func key(rule, subject string) []byte {
	sum := sha256.Sum256([]byte(rule + "\x00" + subject))
	return sum[:16]
}

func (r Rule) refuse(wait time.Duration) error {
	return errs.Retry(errs.RateLimited, "That was too often. Wait a little, then try again.",
		time.Duration(math.Ceil(wait.Seconds()))*time.Second)
}
