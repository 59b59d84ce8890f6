// Package admin is what an administrator sees of the whole installation: counts, people, connections, jobs, events. It
// owns no table and changes nothing itself; it reads those of services/auth, connections, syncer, jobs and audit.
//
// An administrator sees that things work, not what they are about: no token, no name a person gave, no account, balance or
// transaction stands in any answer (AZ-5). Every function refuses an actor who is not one.
package admin
