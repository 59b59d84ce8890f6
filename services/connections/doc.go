// Package connections is a person's access to their banks: asking for permission, the bank's answer, and the end of it.
// It owns the tables connections, connect_attempts and provider_pauses.
//
// How permission is asked for. Start writes an attempt, bound to the browser session's record, the person and the bank
// (OA-1, OA-6). Continue derives state and PKCE verifier from the attempt's id with a key that is not in the database, so
// it writes nothing and a copy of the database gives neither (OA-2). Callback uses the attempt up before it asks the bank
// for tokens; of two callbacks one finds it. Then everything the answer brings is one transaction: connection, tokens,
// first sync and audit row. From there on the browser may go away, the answer is kept (RL-6).
//
// How it ends. Disconnect erases the tokens at once, in the transaction that says disconnected, and enqueues a job there
// that tells the bank. For that job alone services/tokens seals the tokens once more under a key of their own, and destroys
// both when the bank was told, or after a day of tries; the page says which of the two it was.
//
// When a bank refuses many at once it is the bank that is out of order: it is paused as a whole, nobody is asked to sign in
// again, and one connection tries from time to time (F18). So is a bank that refuses Dashtam itself; its administrators are
// mailed, for which the ids of administrators are read from the table users (services/auth).
//
// A connection's status is written here only; services/syncer reports what it found. Of the tables accounts
// and account_questions (services/ledger) and sync_runs (services/syncer) this package reads counts and results for its list.
//
// It must not know how banks speak, nor fetch anything: what starts the first sync is handed in.
package connections
