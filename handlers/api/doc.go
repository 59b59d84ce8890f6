// Package api is the JSON API under /api/v1 (the public contract). It authenticates by bearer tokens alone: no cookie is
// read here, and no page reads a token (AP-3), so nothing here needs a defence against cross-site requests.
//
// Lists are {"data":[...],"next_cursor":null}, money is {"amount":"12.34","currency":"EUR"} and never a number, errors are
// problem documents (RFC 9457) with the statuses of the pages.
package api
