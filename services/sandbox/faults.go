package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/errs"
	"dashtam/services/postgres"
	"dashtam/services/sandbox/books"
)

// Fault is a misbehaviour of the bank that was asked for, so that a client can be tried against it.
type Fault struct {
	Name      string    `json:"fault"`
	Value     Value     `json:"value"`
	Remaining *int      `json:"count"` // how many more times; null: until cleared
	Username  string    `json:"user"`  // empty: every customer
	SetAt     time.Time `json:"-"`
}

// Value is a fault's parameter: a number or a word.
type Value string

// Int is the number, or whatever else where there is none.
func (v Value) Int(whatever int) int {
	if n, err := strconv.Atoi(string(v)); err == nil {
		return n
	}
	return whatever
}

// UnmarshalJSON takes a number, a word, or true and false.
func (v *Value) UnmarshalJSON(b []byte) error {
	*v = Value(strings.Trim(string(b), `"`))
	if *v == "null" {
		*v = ""
	}
	return nil
}

// MarshalJSON writes a number as one.
func (v Value) MarshalJSON() ([]byte, error) {
	if _, err := strconv.Atoi(string(v)); err == nil {
		return []byte(v), nil
	}
	return strconv.AppendQuote(nil, string(v)), nil
}

// What happens to an answer: of the API and of the token endpoint, and the last two of the token endpoint alone.
const (
	FaultStatus    = "status"     // answer with the HTTP status Value, 400 to 599
	FaultLatency   = "latency_ms" // wait Value milliseconds first, at most a minute
	FaultRateLimit = "rate_limit" // 429 with Retry-After Value, in seconds
	FaultHTML      = "html_error" // a page in place of JSON, with the status Value, 502 unless said otherwise
	FaultHang      = "hang"       // no answer for Value seconds, a minute unless said otherwise, then the connection closes
	FaultDrop      = "drop_answer"
	FaultCut       = "cut_at" // the answer ends after Value bytes of its body
)

// What the bank does otherwise.
const (
	FaultNone     = "none"              // clears
	FaultRotation = "rotation"          // of refresh tokens: a Rotation
	FaultRelogin  = "relogin_after_s"   // a permission ends Value seconds after its sign-in
	FaultNewIDs   = "new_account_ids"   // the next permission has other account ids
	FaultPosted   = "pending_to_posted" // what is pending now posts at once, under its other id
	FaultTwins    = "twins"             // the newest posted transaction of every account happened twice
	FaultRevoke   = "revoke"            // every permission ends now; nothing to clear
	FaultNarrow   = "narrow_scope"      // the next permission leaves the transactions out
)

// Rotation is what a refresh does with the refresh token.
type Rotation string

// The rotations. Strict is the usual one.
const (
	RotateNone     Rotation = "none"     // none is given, the old one stays
	RotateReusable Rotation = "reusable" // the old one is given once more
	RotateGrace    Rotation = "grace"    // a new one; the old one works until the new one was used
	RotateStrict   Rotation = "strict"   // a new one; the old one, shown again, ends everything
)

// between is what a fault's value may be; a flag takes anything, and 0 or false clears it.
type between struct {
	least, most int
	needed      bool
	words       []string
}

var known = map[string]between{
	FaultStatus: {400, 599, true, nil}, FaultLatency: {0, 60_000, true, nil}, FaultRateLimit: {0, 86_400, false, nil},
	FaultHTML: {200, 599, false, nil}, FaultHang: {1, 120, false, nil}, FaultCut: {0, 1 << 16, true, nil},
	FaultRelogin:  {0, 366 * 86_400, true, nil},
	FaultRotation: {words: []string{string(RotateNone), string(RotateReusable), string(RotateGrace), string(RotateStrict)}},
	FaultDrop:     {}, FaultNewIDs: {}, FaultPosted: {}, FaultTwins: {}, FaultRevoke: {}, FaultNarrow: {}, FaultNone: {},
}

func (k between) flag() bool { return k.most == 0 && k.words == nil }

// Faults lists what is being shown.
func (s *Service) Faults(ctx context.Context) ([]Fault, error) {
	return faults(ctx, s.db, `
		SELECT name, value, remaining, username, set_at FROM sandbox.faults
		WHERE remaining IS NULL OR remaining > 0 ORDER BY name, username`, nil)
}

// SetFault asks for a fault, in place of one of the same name and customer; FaultNone clears a customer's faults, or
// with no customer all of them, and FaultRevoke acts at once. What the bank does not know is an Invalid error by field.
func (s *Service) SetFault(ctx context.Context, f Fault) error {
	f.Username = books.Normal(f.Username)
	if err := errs.Fields(f.problems()); err != nil {
		return err
	}
	args := pgx.NamedArgs{"name": f.Name, "user": f.Username, "value": string(f.Value), "remaining": f.Remaining}
	sql := `
		INSERT INTO sandbox.faults (name, username, value, remaining) VALUES (@name, @user, @value, @remaining)
		ON CONFLICT (name, username) DO UPDATE SET value = excluded.value, remaining = excluded.remaining, set_at = now()`
	switch {
	case f.Name == FaultNone:
		sql = `DELETE FROM sandbox.faults WHERE @user = '' OR username = @user`
	case f.Name == FaultRevoke:
		sql = `UPDATE sandbox.grants SET ended_at = now() WHERE ended_at IS NULL AND (@user = '' OR lower(btrim(username)) = @user)`
	case known[f.Name].flag() && (f.Value == "0" || f.Value == "false"):
		sql = `DELETE FROM sandbox.faults WHERE name = @name AND username = @user`
	}
	if _, err := s.db.Exec(ctx, sql, args); err != nil {
		return fmt.Errorf("sandbox: setting a fault: %w", err)
	}
	return nil
}

func (f Fault) problems() map[string]string {
	found := map[string]string{}
	k, ok := known[f.Name]
	n, err := strconv.Atoi(string(f.Value))
	switch {
	case !ok:
		found["fault"] = "The bank knows " + strings.Join(slices.Sorted(maps.Keys(known)), ", ") + "."
	case k.words != nil && !slices.Contains(k.words, string(f.Value)):
		found["value"] = "One of " + strings.Join(k.words, ", ") + "."
	case k.most > 0 && (k.needed || f.Value != "") && (err != nil || n < k.least || n > k.most):
		found["value"] = fmt.Sprintf("A whole number from %d to %d.", k.least, k.most)
	}
	if f.Remaining != nil && *f.Remaining < 1 {
		found["count"] = "A count is 1 or more. Without one the fault lasts until it is cleared."
	}
	if !storable(f.Username, string(f.Value)) {
		found["user"] = "This holds bytes that are not characters."
	}
	return found
}

// AnswerFaults says what happens to the next answer to a customer, and counts it; token is for one of the token endpoint.
func (s *Service) AnswerFaults(ctx context.Context, username string, token bool) ([]Fault, error) {
	names := []string{FaultStatus, FaultLatency, FaultRateLimit, FaultHTML, FaultHang}
	if token {
		names = append(names, FaultDrop, FaultCut)
	}
	return take(ctx, s.db, username, names...)
}

// BooksFaults says what is otherwise in a customer's books; it counts nothing.
func (s *Service) BooksFaults(ctx context.Context, username string) ([]Fault, error) {
	return faults(ctx, s.db, `
		SELECT name, value, remaining, username, set_at FROM sandbox.faults
		WHERE name = ANY(@names) AND username IN ('', @user) ORDER BY name, username`,
		pgx.NamedArgs{"user": books.Normal(username), "names": []string{FaultPosted, FaultTwins}})
}

// Asking is whose tokens a request to the token endpoint is about, by its refresh token or code; empty when nobody's.
func (s *Service) Asking(ctx context.Context, refresh, code string) (username string, err error) {
	err = s.db.QueryRow(ctx, `
		SELECT g.username FROM sandbox.refresh_tokens t JOIN sandbox.grants g ON g.id = t.grant_id WHERE t.token_hash = @refresh
		UNION ALL SELECT username FROM sandbox.requests WHERE code_hash = @code LIMIT 1`,
		pgx.NamedArgs{"refresh": hash(refresh), "code": hash(code)}).Scan(&username)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("sandbox: finding who asks: %w", err)
	}
	return username, nil
}

// take gives the faults of these names that a customer meets now, and counts them.
func take(ctx context.Context, db postgres.DB, username string, names ...string) ([]Fault, error) {
	return faults(ctx, db, `
		UPDATE sandbox.faults SET remaining = remaining - 1
		WHERE name = ANY(@names) AND username IN ('', @user) AND (remaining IS NULL OR remaining > 0)
		RETURNING name, value, remaining, username, set_at`, pgx.NamedArgs{"user": books.Normal(username), "names": names})
}

func faults(ctx context.Context, db postgres.DB, sql string, args pgx.NamedArgs) ([]Fault, error) {
	rows, err := db.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("sandbox: faults: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Fault])
	if err != nil {
		return nil, fmt.Errorf("sandbox: faults: %w", err)
	}
	return list, nil
}
