// Package migrations holds the database's migrations as goose SQL files, embedded in the binary. services/postgres runs
// them; nothing else reads them. A migration that has been released is never edited.
//
// Keys of a person's data begin with user_id (services/doc.go says why), timestamps are timestamptz in UTC, money is a
// bigint of minor units beside a currency column, and every CHECK and UNIQUE has a name that services map to a sentence.
package migrations

import "embed"

// FS holds the *.sql files in goose's format.
//
//go:embed *.sql
var FS embed.FS
