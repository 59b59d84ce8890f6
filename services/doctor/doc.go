// Package doctor finds out which part of an installation is wrong when connections do not work. It owns no table.
//
// Invariants:
//   - A check changes nothing: no row, no file, no mail.
//   - What it says holds no secret and nothing of what another server wrote in its answer.
//   - All checks run at once, and each has an end, whatever hangs.
package doctor
