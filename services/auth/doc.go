// Package auth is how people come in and who they are: sign-up, verification, login, a new password, another address,
// browser sessions, the API's refresh tokens, the first administrator, what administrators do to accounts. It owns the
// tables users, sessions, links, address_changes, invitations and refresh_tokens.
//
// Invariants:
//   - Nobody learns from an answer whether an address has an account: every class of failure does the same work and gives
//     the same error (LG-1, LG-2, SU-1, SU-2). Limits come first, then the account is read, then one hash is computed, for
//     an unknown address too (LG-3). No connection is held while hashing.
//   - Strangers can use up the tries of strangers at an account, and no others: known devices, sessions and mailed links
//     have their own. All together are at most a hundred in a row (RL-2).
//   - Of every secret handed out (session token, link, refresh token) only a hash is stored (SE-2, RS-2).
//   - A session that was ended is never written again, whatever request is still in flight (SE-8).
//   - What credentials have opened ends with them (EndSessions), also what is being opened at that moment (SE-6).
//   - Every state change writes its audit row, and enqueues its mail, in the same transaction.
//   - What hangs on an account before its address is verified is gone when it is: the account gets another id (SU-5). Its
//     password stays only where nobody signed up a second time; an owner who never signed up and confirms a stranger's
//     sign-up is the case that no program can tell, so the mail asks for the button only from whoever signed up.
//   - The person's row is locked before anything else of theirs is written, so that no two acts wait for each other, and
//     acts of administrators queue on a lock before that.
//   - Mail is minted by the worker (MailFacts): no link lies in a job's arguments.
//
// It is the only package that may choose how a password is hashed: always through hashpool, inline or not. It knows no
// HTTP: Sessions has the shape of a store for scs, and handlers/web makes a cookie of it.
package auth
