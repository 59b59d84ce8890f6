// Package redis is the way to Redis, as services/postgres is to PostgreSQL. It owns no data: services/limits keeps acts
// that are paid for there, services/cache copies of what can be had again.
//
// Redis may be away, empty or slow at any moment, and that costs speed only. So nothing here is asked twice, no command
// takes longer than Patience, and after one that failed nobody asks for Pause, but one caller who looks whether Redis is
// back; everybody else hears ErrAway at once and does without.
//
// Keys begin with the installation's namespace, so that two of them may share one server.
package redis
