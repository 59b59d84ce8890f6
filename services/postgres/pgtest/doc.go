// Package pgtest gives tests a real, migrated PostgreSQL. Nothing has to be started by hand: the first test process of
// the machine starts one throw-away cluster in memory, all others share it, and it ends by itself half a minute after
// the last of them. A test either works in a transaction that is rolled back (Tx) or on a database of its own, cloned
// from a migrated template (New). Without any PostgreSQL to be had the tests fail; they never skip.
//
// DASHTAM_TEST_POSTGRES names the directory of another installation's programs, to run the tests on another version.
package pgtest
