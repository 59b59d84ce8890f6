// Package limits counts what somebody does in a window of time and refuses what goes over. It owns limit_counters.
//
// A window begins with a subject's first act and ends by itself, so the n acts a rule allows are exactly n, and
// RetryAfter is exact. Each call is a transaction of its own: a caller that rolls back has still been counted, on every
// node and across restarts (RL-1). Subjects are kept as hashes of a fixed size, known accounts and invented ones alike
// (RL-4). When the database is away nothing is allowed.
package limits
