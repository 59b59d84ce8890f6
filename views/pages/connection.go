package pages

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"dashtam/services/audit"
	"dashtam/services/connections"
	"dashtam/services/ledger"
	"dashtam/services/syncer"
	"dashtam/services/tokens"
	"dashtam/views/components"
)

// Connection is one bank: what came through it, when, and who used the permission.
type Connection struct {
	connections.Detail
	Fields
	Covered ledger.Covered
	Sync    syncer.View
	Uses    []tokens.Use
	Now     time.Time // in the person's zone
}

// answer is what the page says first.
func (p Connection) answer() string {
	switch {
	case asks(p.Connection):
		return "Which account is which?"
	case p.Status == connections.Healthy && p.failing() > 0:
		if all := len(p.Sync.Accounts); all > p.failing() {
			return components.Sentence(components.Words(p.failing())) + " of " + components.Words(all) + " accounts could not be read."
		}
		return "None of its accounts could be read."
	case p.Status == connections.Healthy:
		return "All is well. " + why(p.Connection, p.Now)
	case p.Status == connections.Syncing:
		return "Syncing."
	default:
		return why(p.Connection, p.Now)
	}
}

// failing is how many accounts the last try could not read.
func (p Connection) failing() (n int) {
	for _, a := range p.Sync.Accounts {
		if a.Failure != "" {
			n++
		}
	}
	return n
}

// running is the run that is on; its progress is shown while there is one.
func (p Connection) running() (syncer.Run, bool) {
	if len(p.Sync.Runs) > 0 && Open(p.Sync.Runs[0]) {
		return p.Sync.Runs[0], true
	}
	return syncer.Run{}, false
}

// Open reports whether a run is not over yet.
func Open(r syncer.Run) bool { return r.State == syncer.Queued || r.State == syncer.Running }

// permission is what the bank allows, as far as we know.
func (p Connection) permission() []components.Fact {
	day := func(t time.Time) string { return components.Date(t.In(p.Now.Location()), p.Now) }
	facts := []components.Fact{}
	switch {
	case p.DisconnectedAt != nil:
		facts = append(facts, components.Fact{Label: "Ended", Value: day(*p.DisconnectedAt)})
		if words, ok := tellings[p.BankTold]; ok {
			facts = append(facts, components.Fact{Label: "At the bank", Value: words})
		}
	case over(p.Connection):
		facts = append(facts, components.Fact{Label: "Ended", Value: "At the bank, noticed " + day(p.StatusSince)})
	case p.ConsentEnds != nil:
		facts = append(facts, components.Fact{Label: "Ends", Value: day(*p.ConsentEnds) + ", " + components.Until(*p.ConsentEnds, p.Now)})
	default:
		facts = append(facts, components.Fact{Label: "Ends", Value: "When you end it"})
	}
	facts = append(facts,
		components.Fact{Label: "Bank", Value: p.ProviderName},
		components.Fact{Label: "Connected", Value: day(p.CreatedAt)},
		components.Fact{Label: "Allows", Value: "Read only"},
		components.Fact{Label: "Covers", Value: covers(p.Scopes)},
	)
	if words := p.leftOut(); words != "" {
		facts = append(facts, components.Fact{Label: "Left out", Value: words})
	}
	if b := p.Sync.Budget; b.Daily > 0 && p.DisconnectedAt == nil {
		facts = append(facts, components.Fact{Label: "Requests", Value: fmt.Sprintf("%d of %d used today", b.Used, b.Daily)})
	}
	if p.Profile.Kind != "" {
		facts = append(facts, components.Fact{Label: "Method", Value: strings.ToUpper(p.Profile.Kind) + ", OAuth, PKCE"})
	}
	return facts
}

// tellings say whether the bank knows that the connection has ended.
var tellings = map[connections.Telling]string{
	connections.Told:      "Revoked",
	connections.TellWaits: "It could not be told yet. We keep trying for a day.",
	connections.NotTold:   "It could not be told. If it lists Dashtam, end it there, too.",
}

// covers puts the granted scopes into words; what has none is technical and left out.
func covers(scopes []string) string {
	var words []string
	for _, w := range []struct{ part, word string }{{"account", "Balances"}, {"transaction", "Transactions"}, {"investment", "Holdings"}} {
		if slices.ContainsFunc(scopes, func(s string) bool { return strings.Contains(s, w.part) }) {
			words = append(words, w.word)
		}
	}
	return components.OrNotGiven(strings.Join(words, ", "))
}

// leftOut is what Dashtam asked for and the person did not allow at the bank.
func (p Connection) leftOut() string {
	if p.DisconnectedAt != nil {
		return ""
	}
	var words []string
	reads := p.Profile.Reads(p.Scopes)
	if !reads.Transactions {
		words = append(words, "Transactions")
	}
	if !reads.Holdings {
		words = append(words, "Holdings")
	}
	return strings.Join(words, ", ")
}

var startedBy = map[string]string{syncer.First: "Connecting", syncer.Manual: "You", syncer.Schedule: "Schedule"}

// shown is how many rows of a history stand on the page before the older ones are folded away.
const shown = 8

// fold splits a history into what is shown and what is folded away.
func fold[T any](list []T) (newest, older []T) {
	n := min(shown, len(list))
	return list[:n], list[n:]
}

// took is how long a run worked.
func took(r syncer.Run) string {
	if r.StartedAt == nil || r.FinishedAt == nil {
		return ""
	}
	return components.Took(r.FinishedAt.Sub(*r.StartedAt))
}

// brought is what a run changed, or why it failed.
func brought(r syncer.Run) string {
	switch {
	case r.State == syncer.Failed:
		if cause, ok := causes[r.Failure]; ok {
			return cause
		}
		return "It did not work."
	case Open(r):
		return "on its way"
	}
	return counts(r)
}

// counts is how many transactions a run changed.
func counts(r syncer.Run) string {
	var parts []string
	for _, c := range []struct {
		n     int
		words string
	}{
		{r.Added, "+%s new"}, {r.Changed, "%s changed"}, {r.Merged, "%s merged"}, {r.Removed, "%s gone"}, {r.Kept, "%s left out by the bank and kept"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf(c.words, components.Count(c.n)))
		}
	}
	if r.Recognised > 0 {
		parts = append(parts, components.Plural(r.Recognised, "account")+" recognised")
	}
	if len(parts) == 0 {
		return "nothing new"
	}
	return strings.Join(parts, ", ")
}

// some reports whether a run changed anything.
func some(r syncer.Run) bool { return r.Added+r.Changed+r.Merged+r.Removed > 0 }

// again is the button that syncs, or what stands in its place for a while.
func (p Connection) again(verb, icon, look string) components.ButtonProps {
	if p.Sync.Wait <= 0 {
		return components.ButtonProps{Label: verb, Icon: icon, Look: look}
	}
	minutes := int((p.Sync.Wait + time.Minute - 1) / time.Minute)
	return components.ButtonProps{Label: "Sync again in " + components.Plural(minutes, "minute"), Icon: icon, Disabled: true}
}

// synced is how an account stands with its bank.
func (p Connection) synced(id uuid.UUID) (a syncer.Account) {
	for _, a := range p.Sync.Accounts {
		if a.ID == id {
			return a
		}
	}
	return a
}

// trouble is why an account is not like the others; empty when it is.
func (p Connection) trouble(a syncer.Account) string {
	var words string
	switch cause, ok := causes[a.Failure]; {
	case ok:
		words = cause
	case a.Failure != "":
		words = "The last try to read this account did not work."
	case a.Kept > 0:
		return "The bank left out " + components.Plural(a.Kept, "transaction") + " it had reported before. We kept what was there."
	default:
		return ""
	}
	if a.FetchedAt == nil {
		return words + " It was never read whole."
	}
	return words + " Last read " + components.WhenInSentence(*a.FetchedAt, p.Now) + "."
}

// Progress is a run on its way, in words.
type Progress struct {
	Run      syncer.Run
	Accounts []syncer.Account
	Path     string // of the connection
}

// far is how far an account is.
func (p Progress) far(a syncer.Account) string {
	switch {
	case a.Windows == 0:
		return "waiting"
	case a.Windows == a.Read && a.Failure != "":
		return "could not be read"
	case a.Windows == a.Read:
		return "done"
	case a.Staged > 0:
		return "reading, " + components.Plural(a.Staged, "transaction") + " so far"
	case a.Read > 0:
		return "the newest are here, older ones follow"
	}
	return "waiting"
}

func (p Progress) sentence() string {
	switch {
	case p.Run.State == syncer.Queued:
		return "Waiting for its turn."
	case p.Run.AccountsTotal == 0:
		return "Asking the bank which accounts there are."
	default:
		return "Balances are here, transactions are coming in."
	}
}

func (p Progress) figures() string {
	if p.Run.AccountsTotal == 0 {
		return ""
	}
	s := fmt.Sprintf("%d of %s", p.Run.AccountsDone, components.Plural(p.Run.AccountsTotal, "account"))
	if p.Run.Added > 0 {
		s += ", " + components.Plural(p.Run.Added, "transaction")
	}
	return s
}

// who names the one who used a permission.
func who(u tokens.Use) string {
	switch u.ActorKind {
	case "user", "admin":
		return "You"
	case "job":
		return "Sync job"
	default:
		return "Dashtam"
	}
}

var useReasons = map[string]string{
	"permission": "You gave permission at the bank", "renewed": "The bank gave a new token", "renewal": "The access token was about to end",
	"sync": "Read accounts and transactions", "disconnect": "You ended the connection",
	"revoke": "Told the bank that the connection ended",
}

var calls = map[string]string{
	"accounts": "Read accounts and balances", "transactions": "Read transactions", "probe": "Asked whether the permission works",
}

// reason says why a token was touched, and how much came back.
func reason(u tokens.Use) string {
	words, ok := calls[u.Call]
	switch {
	case ok && u.Bytes > 0:
		return words + ", " + components.Bytes(u.Bytes)
	case ok:
		return words
	}
	if words, ok := useReasons[u.Reason]; ok {
		return words
	}
	return components.Sentence(u.Reason)
}

var useResults = map[string]string{"store": "Stored", "use": "Used", "refresh": "Renewed", "destroy": "Erased"}

// onItsWay is how long a request that has not ended can still be; after that its process died.
const onItsWay = 5 * time.Minute

func outcome(u tokens.Use, now time.Time) (words string, fine bool) {
	if !u.Ended && now.Sub(u.At) < onItsWay {
		return "On its way", true
	}
	switch u.Result {
	case audit.Done:
		return useResults[u.Act], true
	case audit.Refused:
		return "Refused", false
	default:
		return "Failed", false
	}
}

// disconnecting asks before the end, and once more after it for the history.
func (p Connection) disconnecting() components.ConfirmProps {
	c := components.ConfirmProps{
		Title: "Disconnect " + p.Name + "?", Verb: "Disconnect", Back: connectionPath(p.Detail.Connection, ""),
		Text:   "Dashtam erases its access at once and tells the bank to end it. Nothing new arrives after that. While the bank does not answer, what it has to be told lies sealed, for a day at most.",
		Action: connectionPath(p.Detail.Connection, "/disconnect"),
	}
	if p.DisconnectedAt != nil {
		c.Title, c.Verb, c.Text = "Delete the history of "+p.Name+"?", "Go on", "The connection has ended already, and nothing of its access is left here."
	}
	return c
}

// keepLabel and deleteLabel are the choice at the end of a connection.
func (p Connection) keepLabel() string {
	return "Keep " + components.Plural(p.Covered.Transactions, "transaction") + " to look things up. They no longer count in your net worth."
}

func (p Connection) deleteLabel() string {
	return "Delete " + components.Plural(len(p.Covered.Accounts), "account") + " with everything in them, for good."
}

// AnotherAccount is the answer that an account is none of those the person had.
const AnotherAccount = "new"

// accountWords name an account as a sentence does: “Everyday” •• 4417.
func accountWords(name, mask string) string {
	if mask == "" {
		return "“" + name + "”"
	}
	return "“" + name + "” " + components.Mask(mask)
}

func question(q ledger.Question) string {
	if len(q.Candidates) == 1 {
		a := q.Candidates[0]
		return "Is " + accountWords(q.Said.Name, q.Said.Mask) + " the account you had as " + accountWords(a.Name, a.Mask) + "?"
	}
	return "Which of your accounts is " + accountWords(q.Said.Name, q.Said.Mask) + "?"
}

// itIs is a button under a question.
func (p Connection) itIs(q ledger.Question, a ledger.Account) string {
	if len(q.Candidates) == 1 {
		return "Yes, it is the same"
	}
	return "It is " + accountWords(a.Name, a.Mask)
}

func (p Connection) mergesTitle() string {
	last := p.Covered.Rejoined[len(p.Covered.Rejoined)-1]
	return components.Plural(len(p.Covered.Rejoined), "account") + " came back under another id. Until " + components.LongDate(last.Until.In(p.Now.Location()), p.Now) + " that can be undone."
}

func (p Connection) mergeWords(m ledger.Rejoined) string {
	words := "Recognised "
	if m.Answered {
		words = "As you said "
	}
	words += components.WhenInSentence(m.MergedAt, p.Now)
	if m.WasName != m.Account.Name || m.WasMask != m.Account.Mask {
		words += ", before " + accountWords(m.WasName, m.WasMask)
	}
	return words + ". Undo until " + components.LongDate(m.Until.In(p.Now.Location()), p.Now) + "."
}
