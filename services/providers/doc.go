// Package providers says what a bank is to Dashtam: a declared Profile, how access to it is given and renewed (Access),
// and how its data is read (Data). One package below per way of speaking; services/providers/fdx is the first. It owns the
// tables providers, the banks an administrator added, and providers_off, those that are to be left alone.
//
// Registry is the list everybody reads, without waiting. Service fills it from the database, on every node every few
// seconds, so an added bank needs no restart. A client secret lies in services/tokens and is opened for each request that
// needs it. A bank that is switched off is asked nothing, by whoever holds it, but takes its tokens back.
//
// An adapter answers in two vocabularies only: services/ledger's for what the bank says, and Failure for why it did not.
// No body a bank sent, and no token, stands in any error or log line (AU-3).
//
// Client is the one way out to banks: bounded in time and bytes, no redirects, no proxies, and no private addresses unless
// the operator allows them (OA-10, OA-20).
package providers
