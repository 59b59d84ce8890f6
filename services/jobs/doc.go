// Package jobs is the work done after the answer: River on PostgreSQL, enqueued in the caller's transaction so that an
// act and its consequence are committed together. It owns River's tables and the arguments of every kind of job.
//
// Arguments are plain JSON that lies in the database for a day: ids and purposes only. Whatever is secret (a link, a
// token) is minted or opened by the worker. Workers live in the package whose work they do; cmd/dashtam registers them.
package jobs
