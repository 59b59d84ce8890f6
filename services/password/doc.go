// Package password hashes passwords and says which ones may be used. It computes and nothing else: no clock, no I/O, no
// state. One hash takes about a quarter of a second of a core, so only services/auth calls it, and through
// services/hashpool.
//
// A password is any text of at least eight characters and at most 1,024 bytes, without composition rules (PW-1, PW-2).
// bcrypt reads only 72 bytes, so what it gets is a fixed-length digest of the whole normalised text (PW-4, PW-5): every
// byte counts, and the same password typed on two keyboards is the same password.
package password
