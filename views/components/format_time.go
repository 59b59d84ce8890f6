package components

import (
	"strconv"
	"time"
)

// civil is the date of t as now's zone sees it, at midnight UTC, so that days can be counted. A date is kept at midnight
// UTC already and must not be moved to another zone: that is what Day and When are two functions for.
func civil(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func daysUntil(day, now time.Time) int {
	return int(civil(day).Sub(civil(now)) / (24 * time.Hour))
}

// Day is a date in a list: "Today", "Yesterday", a weekday for a week, "23 Nov", "23 Nov 2025".
func Day(day, now time.Time) string {
	switch ago := -daysUntil(day, now); {
	case ago == 0:
		return "Today"
	case ago == 1:
		return "Yesterday"
	case ago > 1 && ago < 7:
		return day.Weekday().String()
	default:
		return Date(day, now)
	}
}

// DayInFull is what stands beside Day at the head of a day: "Monday 23 November", without what Day already says.
func DayInFull(day, now time.Time) string {
	full := day.Format("2 January")
	if day.Year() != now.Year() {
		full = day.Format("2 January 2006")
	}
	if ago := -daysUntil(day, now); ago > 1 && ago < 7 {
		return full
	}
	return day.Weekday().String() + " " + full
}

// Date is a short date: "23 Nov", with the year when it is not this one.
func Date(day, now time.Time) string {
	if day.Year() == now.Year() {
		return day.Format("2 Jan")
	}
	return day.Format("2 Jan 2006")
}

// LongDate is a date in a sentence: "19 November", with the year when it is not this one.
func LongDate(day, now time.Time) string {
	if day.Year() == now.Year() {
		return day.Format("2 January")
	}
	return day.Format("2 January 2006")
}

// MonthName is "November", with the year when it is not this one.
func MonthName(day, now time.Time) string {
	if day.Year() == now.Year() {
		return day.Format("January")
	}
	return day.Format("January 2006")
}

// When is a moment in a list, in now's zone: "Today, 09:12", "22 Nov, 21:00".
func When(t, now time.Time) string {
	t = t.In(now.Location())
	return shortDay(t, now) + ", " + t.Format("15:04")
}

// WhenToTheSecond is When for ledgers: "Today, 09:12:04".
func WhenToTheSecond(t, now time.Time) string {
	t = t.In(now.Location())
	return shortDay(t, now) + ", " + t.Format("15:04:05")
}

// WhenInSentence is a moment inside a sentence: "today at 09:12", "on 24 November at 06:00".
func WhenInSentence(t, now time.Time) string {
	t = t.In(now.Location())
	day := "on " + LongDate(t, now)
	switch daysUntil(t, now) {
	case 0:
		day = "today"
	case -1:
		day = "yesterday"
	case 1:
		day = "tomorrow"
	}
	return day + " at " + t.Format("15:04")
}

func shortDay(t, now time.Time) string {
	switch daysUntil(t, now) {
	case 0:
		return "Today"
	case -1:
		return "Yesterday"
	case 1:
		return "Tomorrow"
	}
	return Date(t, now)
}

// Until is how far away a moment is, in days of now's zone: "today", "in 9 days", "4 days ago".
func Until(t, now time.Time) string {
	switch n := daysUntil(t.In(now.Location()), now); {
	case n == 0:
		return "today"
	case n == 1:
		return "tomorrow"
	case n == -1:
		return "yesterday"
	case n > 0:
		return "in " + strconv.Itoa(n) + " days"
	default:
		return strconv.Itoa(-n) + " days ago"
	}
}

// Ago is how long ago a moment was, finer than Until: "just now", "3 minutes ago", "2 hours ago", "4 days ago".
func Ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return Plural(int(d/time.Minute), "minute") + " ago"
	case d < 24*time.Hour:
		return Plural(int(d/time.Hour), "hour") + " ago"
	default:
		return Until(t, now)
	}
}

// Machine is a moment for the datetime attribute, in UTC.
func Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }
