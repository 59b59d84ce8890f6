package pgtest_test

import (
	"testing"

	"dashtam/services/errs"
	"dashtam/services/postgres/pgtest"
)

func TestTxIsMigratedAndRolledBack(t *testing.T) {
	for range 2 { // the second round would meet the first one's row
		t.Run("round", func(t *testing.T) {
			_, err := pgtest.Tx(t).Exec(t.Context(),
				"INSERT INTO users (id, email, email_key, name, password_hash) VALUES (gen_random_uuid(), 'a@b.c', 'a@b.c', 'A', '')")
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewIsADatabaseOfItsOwn(t *testing.T) {
	a, b := pgtest.New(t), pgtest.New(t)
	if _, err := a.Exec(t.Context(), "INSERT INTO key_checks (key_id, check_value) VALUES ('k', '')"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.QueryRow(t.Context(), "SELECT count(*) FROM key_checks").Scan(&n); err != nil || n != 0 {
		t.Errorf("the other database sees %d rows, %v", n, err)
	}
	var jobs int
	if err := b.QueryRow(t.Context(), "SELECT count(*) FROM river_job").Scan(&jobs); err != nil {
		t.Errorf("River's tables: %v", err)
	}
}

func TestBrokenFailsAsADatabaseThatIsAway(t *testing.T) {
	_, err := pgtest.Broken(t).Exec(t.Context(), "SELECT 1")
	if errs.KindOf(err) != errs.Unavailable || errs.RetryAfter(err) <= 0 {
		t.Errorf("%v", err)
	}
}
