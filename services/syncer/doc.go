// Package syncer fetches what the banks know: it decides when a connection is asked, for which days, and what a failure
// means for it. It owns the table sync_runs.
//
// A run is a row and a job, made in one transaction. Working it: accounts first, in one transaction, so that the first
// balance is on screen after one request; then each account's transactions, each with the run's progress in the same
// transaction. Working a run twice changes nothing the second time (JB-1), because applying a batch twice does not.
//
// What a failure means (OA-11): a permission that is gone needs the person; a client the bank refuses, a limit, an answer
// that cannot be true and a bank that stays away pause the connection until the next try of our own; a refused access
// token is renewed once and the request repeated once. While River still has tries left, a passing failure only shows as
// the cause beside Syncing. Nothing that was fetched before is touched by a failure.
//
// The page that watches a run only reads (Progress). Statuses are services/connections' to write, rows of money
// services/ledger's, tokens services/tokens'.
package syncer
