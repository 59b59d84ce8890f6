package auth

import (
	"time"

	"dashtam/services/hashpool"
)

// What makes a sign-in worth a mail to its person (LG-9), as it stands in sessions.unusual.
const (
	fromNewDevice = "device"   // nobody signed in to the account from there before
	afterFailures = "failures" // at least fewFailures wrong passwords came first
	afterLong     = "away"     // longAway has passed since the last one
)

const (
	fewFailures = 3
	longAway    = 90 * 24 * time.Hour
)

// unusual is what is unusual about a login that worked, or nothing.
func (a *attempt) unusual() string {
	last := a.account.LastLoginAt
	switch {
	case a.failures >= fewFailures:
		return afterFailures
	case a.priority != hashpool.Known:
		return fromNewDevice
	case last != nil && a.clock().Sub(*last) > longAway:
		return afterLong
	}
	return ""
}
