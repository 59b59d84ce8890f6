// Package ledger keeps what the banks said about a person's money: accounts, transactions, holdings, and an account's
// balance at the end of each day. It owns the tables accounts, transactions, holdings, balance_days, staged_transactions,
// account_questions, account_merges and merged_transactions.
//
// Data comes in through Apply (accounts), Stage (pages of transactions) and Merge (a window, once its pages are whole) only,
// in the transaction of whoever fetched it, and goes out through Service's reads, each of which is one round trip to the
// database.
//
// Invariants:
//   - Every statement names the owner, so somebody else's account is not found rather than forbidden.
//   - Amounts are signed from the person's side: a debt's balance and a spending are negative. Amounts of two currencies
//     are never added.
//   - Applying the same batch twice writes nothing the second time.
//   - A sync never touches what the person wrote: names and notes. A posted transaction that follows a pending one is
//     the same row, and keeps its id and note; so is one that comes back under another id, the nth of a day for the nth.
//   - What a bank no longer reports of days it answered for is removed, but never more than a fifth of them.
//   - An account that comes back under another id is the same row, with its notes and history, where that is certain; where
//     it is not the person is asked, and nothing counts twice meanwhile. For 30 days that can be undone.
//   - Where transactions explain a balance (cash and cards), the balance at the end of a day is today's less everything
//     posted since.
//   - The two halves of a move between a person's own accounts know each other; neither counts as income or spending.
//
// It must not know how banks speak (services/providers does) nor when to ask them (services/syncer does). Of the table
// connections, which services/connections owns, it reads name and state for the pages that show accounts.
package ledger
