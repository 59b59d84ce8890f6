package pages

import (
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"dashtam/services/auth"
	"dashtam/views/components"
)

// Sessions is the list of browsers a person is signed in with.
type Sessions struct {
	List           []auth.Session
	This           uuid.UUID // the one they look through
	Programs       int       // signed in through the API
	Idle, Lifetime time.Duration
	Now            time.Time
}

// answer is "You are signed in on four devices."
func (p Sessions) answer() string {
	if len(p.List) <= 1 {
		return "You are signed in on this device only."
	}
	return "You are signed in on " + components.Words(len(p.List)) + " devices."
}

// others is the verb of the button that ends all others, or nothing where there are none.
func (p Sessions) others() string {
	switch n := len(p.List) - 1; {
	case n <= 0 && p.Programs == 0:
		return ""
	case n <= 0:
		return "Sign out all programs"
	case n == 1:
		return "Sign out the other one"
	default:
		return "Sign out the other " + components.Words(n)
	}
}

// programs says how many programs hold tokens; empty without one.
func (p Sessions) programs() string {
	switch p.Programs {
	case 0:
		return ""
	case 1:
		return "One program is signed in through the API. Signing out the others ends that, too."
	default:
		return components.Sentence(components.Words(p.Programs)) + " programs are signed in through the API. Signing out the others ends them, too."
	}
}

// ends says how long a session lives.
func (p Sessions) ends() string {
	return "A session ends after " + span(p.Idle) + " without use, and after " + span(p.Lifetime) + " in any case."
}

// sessionNotes are what was unusual about a sign-in, in a word or two.
var sessionNotes = map[string]string{"device": "New device", "failures": "After wrong passwords", "away": "After a long time"}

// deviceIcon is the icon for a device in words.
func deviceIcon(device string) string {
	for suffix, icon := range map[string]string{"iPhone": "smartphone", "iPad": "smartphone", "Android": "smartphone", "Mac": "laptop", "Chromebook": "laptop"} {
		if strings.HasSuffix(device, suffix) {
			return icon
		}
	}
	return "monitor"
}

// span is a length of time in whole days, hours or minutes, whichever says it.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		return components.Plural(int(d/(24*time.Hour)), "day")
	case d >= time.Hour && d%time.Hour == 0:
		return components.Plural(int(d/time.Hour), "hour")
	case d >= time.Minute:
		return components.Plural(int(d/time.Minute), "minute")
	default:
		return components.Plural(int(d/time.Second), "second")
	}
}

// place is where a session signed in from.
func place(ip *netip.Addr) string {
	if ip == nil {
		return "not known"
	}
	return ip.String()
}
