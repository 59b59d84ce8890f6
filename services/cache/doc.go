// Package cache keeps copies of what can be had again: in this process (Memory), or in Redis for all nodes. It owns no
// table.
//
// Load asks the source once, however many want the value at the same time. Values are bounded in length, Memory in number,
// all in time. Forget goes with the write that makes a copy wrong. A store that is away, empty or slow costs a load. What
// lies in Redis is sealed and bound to its key and its end, so nobody there reads it or makes a node believe anything.
//
// # What is cached, and what is not
//
// Forget cannot reach a load on another node, or a Redis that is away. So only what may be old for its Kind's Fresh can be
// here: nothing that decides who may do what (a session ends on every node at once, SE-5 and SE-7), and no money.
//
// Measured on 2 busy cores beside their PostgreSQL and Redis: 1,000 people, 2,000 connections, 20,000 runs; one person with
// nine accounts over three years. Middle of three (go test -run '^$' -bench Candidates -benchtime 300x -count 3 ./services/cache):
//
//	                         | source  | Memory | Redis  | decision
//	a bank's metadata        | 158 µs  | 7 µs   | 71 µs  | cached for an hour, see below
//	session, user and role   | 237 µs  | 5 µs   | 69 µs  | never: it decides who may do what
//	the overview             | 1.3 ms  | 0.5 ms | 0.9 ms | never: money, and reading the copy costs a third of reading the truth
//	administration's counts  | 4.0 ms  | 3 µs   | 44 µs  | not: seen a few times a day, and to be true then
//
// The 158 µs are to a bank in the same process and without TLS. A real one is at least a round trip away, three with a
// new connection, and metadata is needed before every request for tokens: the cache halves the requests of a refresh.
// Redis adds that a node that starts asks no bank, and that all nodes together ask each bank once an hour. The adapter keeps the last metadata for the time a bank is away, and
// drops it from here when the token endpoint is not where it says.
package cache
