// Package postgres is the way to the database: the pool that every service is handed, the migrations, and the names of
// violated constraints. It owns no table and knows no query of anybody.
//
// What it promises: nobody waits longer than two seconds for a connection (RL-7), and a database that is away, full or
// restarting is an errs.Unavailable with a time to come back, whichever call notices it. Errors that the SQL itself
// causes pass unchanged, so that services can map constraints by name.
package postgres
