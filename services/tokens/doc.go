// Package tokens is the vault: the tokens with which Dashtam reads a person's bank. It owns the tables key_checks,
// data_keys, connection_tokens, access_ledger, revocations and provider_secrets; in the last lie the secrets by which banks
// know Dashtam.
//
// Each connection has a data key of its own, wrapped by a key-encryption key that is never in the database, and its
// tokens are sealed under that data key (VT-1, VT-3). Every envelope is bound to its table, column, row, person, provider
// and generation, so that a ciphertext moved elsewhere, or an older one put back, does not open.
//
// Invariants:
//   - A token leaves this package only as an encryption.Secret, to a caller who said why; the access ledger keeps that.
//   - The current generation stands in connection_tokens and in access_ledger; where the two differ nothing is opened.
//   - One refresh at a time per connection, on all nodes together: a lease in database time with a fencing number. The
//     lease and the intent are committed before the bank is asked, the answer is committed before anybody uses it, and no
//     transaction is open while the bank thinks (OA-12, OA-13, OA-14). An answer that finds no database waits in a file.
//   - Destroying the data key destroys the tokens, whatever copies of their ciphertexts exist.
//   - What a bank has still to be told to revoke lies sealed under a key of its own in revocations, where nothing but that
//     telling finds it, until the bank was told or no try is left.
//
// It must not know how banks speak: whoever wants a refresh hands in the exchange. Go cannot promise that memory is wiped,
// so plaintext is kept short-lived and typed (VT-6), and no more is claimed.
package tokens
