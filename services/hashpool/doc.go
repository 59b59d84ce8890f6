// Package hashpool lets fewer passwords be hashed at once than there are cores, so that a rush of logins slows down
// logins and nothing else. It is the wrapper the founding document foresaw (hash_password_async), and only services/auth
// uses it.
//
// Who comes when all workers are busy waits in one of two queues: people on a device we know before strangers. How long
// the wait would be is reckoned before queueing; beyond fifteen seconds, or the caller's own deadline, the answer is an
// immediate Unavailable that says when to come back. It never depends on whether the account exists. Nobody may hold a
// database connection while they wait here.
package hashpool
