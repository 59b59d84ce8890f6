package books

import "time"

// epoch is the day the bank opened its books. It is fixed: a history that began "three years before today" would
// change every day. A history therefore grows by a year each year, and was three years long on 1 September 2026.
var epoch = time.Date(2023, time.September, 1, 0, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// dayNumber counts days since the epoch.
func dayNumber(t time.Time) int { return int(t.Sub(epoch) / day) }

func weekend(t time.Time) bool { return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday }

// lastOfMonth is the month's last day.
func lastOfMonth(t time.Time) int {
	return time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// worksFor reports whether today is the working day on or before the given day of this month.
func worksFor(today time.Time, dayOfMonth int) bool {
	due := time.Date(today.Year(), today.Month(), dayOfMonth, 0, 0, 0, 0, time.UTC)
	for weekend(due) {
		due = due.Add(-day)
	}
	return due.Equal(today)
}

// quarterEnd reports whether today is the last working day of a quarter's last month.
func quarterEnd(today time.Time) bool {
	return today.Month()%3 == 0 && worksFor(today, lastOfMonth(today))
}
