// Package hashpool lets passwords be hashed so that a rush of logins slows down logins and nothing else. It is the wrapper
// the founding document foresaw (hash_password_async), and only services/auth uses it.
//
// The document names three ways. Its Option 1, bounded goroutines here, keeps cores free by not using them. Its Option 2,
// processes, is what Start adds on Linux: children that run "dashtam hash-worker" with the lowest priority there is, as
// many as the CPU quota allows (Workers). They have every core whenever nobody else wants it; under a quota they keep the
// usual priority, for there it is their number that leaves room. A password reaches a worker
// through its pipe and no other way; a worker that dies is started again and its request repeated; it ends when this
// process does. Its Option 3, a job, is for what nobody waits for: no password may lie in a job's row, so nothing here.
//
// Who comes when all workers are busy waits in one of two queues: people on a device we know before strangers. How long
// the wait would be is reckoned before queueing; beyond fifteen seconds, or the caller's own deadline, the answer is an
// immediate Unavailable that says when to come back. It never depends on whether the account exists. Who goes away
// meanwhile leaves the queue. Nobody may hold a database connection while they wait here.
package hashpool
