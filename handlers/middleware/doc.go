// Package middleware is the outer stack: what happens to every request before a router sees it, and to every answer
// after. All of it is plain net/http.
//
// From the outside in: Identify (request id, client address, nonce), Recover, Log, Headers, then Limit (body and time),
// and for pages CrossOrigin and the session. The order matters: a panic is logged with its id, and an answer that no
// router made still carries the security headers (HD-1, HD-2).
package middleware
