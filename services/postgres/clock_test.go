package postgres_test

import (
	"testing"
	"time"

	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

// A Clock tells the database's time whatever this machine's clock says, and follows when that is set.
func TestClock_F21_TellsTheDatabasesTime(t *testing.T) {
	db, off := pgtest.New(t), 10*366*24*time.Hour
	clock := postgres.NewClock(func() time.Time { return time.Now().Add(off) })
	for _, off = range []time.Duration{off, time.Hour, 0, -time.Hour} {
		apart, err := clock.Compare(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		var at time.Time
		if err := db.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&at); err != nil {
			t.Fatal(err)
		}
		if wrong, told := clock.Now().Sub(at).Abs(), (apart + off).Abs(); wrong > 5*time.Second || told > 5*time.Second {
			t.Errorf("%s off: %s from the database's time, and said to be %s apart", off, wrong, apart)
		}
	}
	if _, err := clock.Compare(t.Context(), pgtest.Broken(t)); err == nil || time.Until(clock.Now()).Abs() > 5*time.Second {
		t.Errorf("without the database it forgets what it knows: %v", err)
	}
}
