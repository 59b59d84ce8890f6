package connections

import (
	"time"

	"github.com/google/uuid"

	"dashtam/services/providers"
)

// Status is how a connection stands. The values are those of the column connections.status.
type Status string

// The statuses.
const (
	Healthy      Status = "healthy"      // the last sync worked
	Syncing      Status = "syncing"      // a sync is queued or running
	Renew        Status = "renew"        // the permission ends soon
	NeedsYou     Status = "needs_you"    // only the person can repair it
	Paused       Status = "paused"       // we wait: for the bank, a limit, the administrator
	Disconnected Status = "disconnected" // ended by the person
)

// The causes that go with a status: why it is not healthy. The views put them into words.
const (
	CauseConsentEnds  = "consent_ends"    // Renew: the permission ends soon
	CauseConsentEnded = "consent_ended"   // NeedsYou: the bank does not accept the permission any more
	CauseAccessLost   = "access_lost"     // NeedsYou: the stored access does not open, or its renewal was lost on the way
	CauseBankAway     = "bank_away"       // Paused, or Syncing between tries: the bank does not answer
	CauseBankData     = "bank_data"       // Paused: what the bank said cannot be true
	CauseRateLimited  = "rate_limited"    // Paused: the bank asked to wait
	CauseIncident     = "bank_incident"   // Paused: the bank refuses everybody, which is most likely its own fault
	CauseBudget       = "budget"          // Paused: the requests the bank allows a day are used up
	CauseProvider     = "provider_config" // Paused: the bank refuses Dashtam itself; the administrator's matter
	CauseInternal     = "internal"        // Paused: our own fault
	CauseSwitchedOff  = "switched_off"    // Paused: the administrator switched the bank off
)

// Telling is whether a bank knows that a connection has ended. The values are those of the column connections.bank_told.
type Telling string

// The states of a telling.
const (
	NothingToTell Telling = ""
	TellWaits     Telling = "waiting" // the next try follows
	Told          Telling = "told"
	NotTold       Telling = "failed" // given up
)

// DayResult is what became of the syncs of one day.
type DayResult uint8

// The results of a day.
const (
	NotTried DayResult = iota
	DayFailed
	Fetched
)

// Connection is one connection as the list shows it.
type Connection struct {
	ID             uuid.UUID
	Provider       string // slug
	ProviderName   string
	Name           string // the person's
	Status         Status
	Cause          string // one of the causes above, or empty
	StatusSince    time.Time
	CreatedAt      time.Time
	ConsentEnds    *time.Time
	RenewFrom      *time.Time // when ConsentEnds begins to be soon
	LastSyncAt     *time.Time // last try
	LastSuccessAt  *time.Time
	NextSyncAt     *time.Time
	DisconnectedAt *time.Time
	BankTold       Telling     // of its end
	Accounts       int         // not closed
	Questions      int         // about accounts, that wait for the person's answer
	Days           []DayResult // the last 14 days (UTC), the oldest first
}

// Detail is one connection with what its own page shows besides.
type Detail struct {
	Connection
	Profile providers.Profile // zero when the provider is not offered any more
	Scopes  []string          // as the bank granted them
}
