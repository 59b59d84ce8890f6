// Package encryption seals small secrets with AES-256-GCM and knows the keys to do it with. It computes and nothing else;
// services/tokens decides what is sealed under which key and keeps it in the database.
//
// An envelope is version, key id, nonce, ciphertext and tag (VT-1). What a secret belongs to (table, column, row, person,
// bank, generation) is authenticated with it, so whoever can write to the database still cannot move it elsewhere.
//
// Keys and secrets redact themselves wherever Go prints values (VT-6), with two limits to know: fmt calls no methods on
// unexported fields, so a Secret is never kept in one that gets printed; and Go's runtime may copy memory, so plaintext
// cannot be wiped for certain. It is kept for as short as possible instead, and core dumps are off.
package encryption
