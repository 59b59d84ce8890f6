// Package syncer fetches what the banks know: it decides when a connection is asked, for which days, and what a failure
// means for it. It owns the tables sync_runs, sync_windows, sync_accounts, sync_changes and sync_budgets.
//
// A run is a row, and a chain of jobs, each made in the transaction that ends the one before. The first asks for the
// accounts, so that the first balances are on screen after one request, and writes down windows: one account and one span of
// days each, the newest of every account first, then the history backwards. Each further job reads one window, page by page,
// and keeps the cursor beside what came. So a crash loses at most a page, and working a job twice changes nothing (JB-1).
//
// Whoever works a step holds the run by a lease in database time, says every few seconds that they live, and writes only
// under their fence (JB-2). A dead worker's run goes on elsewhere within three minutes, and what it still wanted to write
// is refused.
//
// What a failure means (OA-11): a permission that is gone needs the person; a client the bank refuses, a limit, an answer
// that cannot be true and a bank that stays away pause the connection until the next try of our own; a refused access
// token is renewed once and the request repeated once. While River still has tries left, a passing failure only shows as
// the cause beside Syncing. A failure that may be one account's costs that account alone. Nothing that was fetched before is
// touched by a failure.
//
// The page that watches a run only reads (Progress). Statuses are services/connections' to write, rows of money
// services/ledger's, tokens services/tokens'.
package syncer
