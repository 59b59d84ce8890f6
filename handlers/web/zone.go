package web

import (
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// zones remembers time zones once read: LoadLocation opens a file each time. Only names that exist are kept.
var zones sync.Map // name -> *time.Location

// Now is this moment in the zone of the person who asks, UTC for a stranger. Whatever a page says about days goes by it.
func Now(c echo.Context) time.Time {
	now := time.Now().UTC()
	u := Person(c)
	if u == nil {
		return now
	}
	if zone, ok := zones.Load(u.Timezone); ok {
		return now.In(zone.(*time.Location))
	}
	zone, err := time.LoadLocation(u.Timezone)
	if err != nil {
		return now
	}
	zones.Store(u.Timezone, zone)
	return now.In(zone)
}
