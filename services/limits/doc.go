// Package limits counts what somebody does in a window of time and refuses what goes over. It owns limit_counters and
// limit_streaks.
//
// A window begins with a subject's first act and ends by itself, so the n acts a rule allows are exactly n, and
// RetryAfter is exact. Each call is a transaction of its own: a caller that rolls back has still been counted, on every
// node and across restarts (RL-1). Subjects are kept as hashes of a fixed size, known accounts and invented ones alike
// (RL-4). When the database is away nothing is allowed.
//
// A window forgets, and may forget early: limit_counters is unlogged, and a crash empties it. What must not be forgotten,
// the wrong passwords of an account in a row, is a Streak besides (RL-2).
//
// # Redis
//
// PostgreSQL is the truth for every rule. Redis makes the one rule cheaper that is asked at every request of the API: a
// rule with a Batch counts that many acts in PostgreSQL at once, and Redis holds those which are paid for and not done
// yet, for all nodes. So whatever becomes of Redis, no more than Max acts are ever allowed:
//
//   - gone or slow: acts are counted one by one in PostgreSQL, as without Redis. After the first call that finds out,
//     one call a second pays redis.Patience.
//   - flushed or restarted: at most a Batch of acts that were paid for is lost, to the subject's cost; never won.
//   - late (a stopped server carries out old commands when it goes on): what is paid for bears the end of its window.
//   - a replica that was promoted and missed the last commands could give out a Batch twice, no more: 5 % of API's Max.
//
// At the limit, while another node's Batch is on its way to Redis, an act may be refused a moment too early. Redis also
// remembers that a subject has reached its limit: a flood costs PostgreSQL nothing then.
//
// The other rules guard passwords and mails, are rare, and stay in PostgreSQL alone. Time of an act on 2 busy cores that
// clients, PostgreSQL and Redis share (go test -run '^$' -bench Allow -benchtime 2s -count 3 ./services/limits):
//
//	           | PostgreSQL alone | with Redis
//	allowed    | 96 to 141 µs     | 50 to 58 µs
//	refused    | 86 to 97 µs      | 34 to 49 µs
package limits
