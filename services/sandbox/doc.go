// Package sandbox is the Sandbox Bank's memory: its clients, what its customers allowed them, its tokens and signing
// keys, the faults it was told to show, and its counters. It owns the database schema "sandbox". What the accounts hold
// is not here: sandbox/books invents it.
//
// The bank is another house than Dashtam. It knows no actor and none of Dashtam's people, it writes no audit rows, and
// Dashtam talks to it over HTTP only. Everything lies in PostgreSQL, so a restart ends nobody's permission.
//
// Invariants:
//   - Codes, tokens, client secrets and browser sessions are kept as SHA-256 only; each is 256 bits of chance.
//   - A code is exchanged once and a refresh token used once, decided by one UPDATE; showing either again ends the grant
//     (RFC 6749 section 4.1.2, RFC 9700 section 4.14.2), unless the bank was told to rotate in another way.
//   - A grant that ended or expired opens nothing, whatever tokens of it are still about.
//   - Expiry is decided in database time.
package sandbox
