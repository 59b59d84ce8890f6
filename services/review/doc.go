// Package review watches the founding document's four review criteria, the conditions under which its choice of plain
// synchronous hashing was to be looked at again, and keeps a dated line of each crossing and each return (review_lines).
//
// The thresholds are the document's: a p95 or p99 of requests over 500 ms because of hashing, trouble with more than 100
// simultaneous logins, a CPU saturated by bcrypt, a login over one second. What it leaves open is decided in measure.go,
// and stands on the page. What is measured comes from services/profile and is this process's alone; the lines are shared
// by all nodes, and the first to see a change writes it.
//
// A criterion that was crossed is back only after a minute below, so that one that hovers does not fill the table.
package review
