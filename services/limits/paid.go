package limits

import (
	"context"
	"encoding/hex"
	"time"

	"dashtam/services/redis"
)

// What Redis holds of a subject: left, the acts that are paid for and not done yet, or reached; and ends, when their
// window does (Unix milliseconds), because time in Redis may be another than ours, and a command may be carried out late.
const reached = -1

var (
	// take does one act (ARGV: now) and answers with what was left before it, and ends.
	take = redis.NewScript("limit_take", `
		local had = redis.call('HMGET', KEYS[1], 'left', 'ends')
		local left, ends = tonumber(had[1]), tonumber(had[2])
		if not left or ends <= tonumber(ARGV[1]) then return {0, 0} end
		if left > 0 then redis.call('HINCRBY', KEYS[1], 'left', -1) end
		return {left, ends}`)

	// put adds acts or reached (ARGV: which, ends, milliseconds until then). What is there of the same window stays
	// usable; a window that began later wins.
	put = redis.NewScript("limit_put", `
		local had = redis.call('HMGET', KEYS[1], 'left', 'ends')
		local new, ends = tonumber(ARGV[1]), tonumber(ARGV[2])
		local left, before = tonumber(had[1]) or 0, tonumber(had[2]) or 0
		if before > ends then return {} end
		if before == ends and left > 0 then new = left + math.max(new, 0) end
		redis.call('HSET', KEYS[1], 'left', new, 'ends', ends)
		redis.call('PEXPIRE', KEYS[1], ARGV[3])
		return {}`)
)

// allowPaid is Allow for a rule with a Batch: an act that is paid for already, else one of a new Batch. Without Redis the
// act is counted by itself.
func (s *Service) allowPaid(ctx context.Context, r Rule, subject string) error {
	now, n := s.now(), r.Batch
	had, err := s.redis.Run(ctx, take, r.paid(subject), now.UnixMilli())
	switch {
	case err != nil || len(had) != 2:
		n = 1
		if s.fellBack != nil {
			s.fellBack()
		}
	case had[0] > 0:
		return nil
	case had[0] == reached:
		return r.refuse(time.UnixMilli(had[1]).Sub(now))
	}
	granted, ends, err := s.count(ctx, r, subject, n)
	if err != nil {
		return err
	}
	rest := granted - 1
	if granted == 0 {
		rest = reached
	}
	if n > 1 && rest != 0 {
		// When this fails the rest is lost, and the next act pays again.
		_, _ = s.redis.Run(ctx, put, r.paid(subject), rest, ends.UnixMilli(), max(1, ends.Sub(now).Milliseconds()))
	}
	if granted == 0 {
		return r.refuse(ends.Sub(now))
	}
	return nil
}

// paid names what Redis holds of a subject.
func (r Rule) paid(subject string) string { return "limit:" + hex.EncodeToString(r.key(subject)) }
