package handlers_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"dashtam/handlers/handlertest"
)

// What a person can do about a sync: ask for one, not too often; watch it; cancel it; read what it changed.
//
// Break RL-1: handlers/connections_show.go: in sync, do not look for ErrTooSoon
func TestConnections_RL1_Syncing(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	run := row(t, app, `SELECT id::text FROM sync_runs WHERE user_id = $1`, nora.User.ID)
	page := nora.Get(connection).Want(200)
	page.WantOne(`section[aria-labelledby=hist] a[href="` + connection + `/syncs/` + run + `"]:contains(new)`)
	page.WantOne(`form[action="` + connection + `/sync"] button.btn-primary:contains("Sync now")`)

	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get(connection + "/syncs/" + run).WantRedirect("/login?next=" + strings.ReplaceAll(connection+"/syncs/"+run, "/", "%2F"))
		app.Stranger().Post(connection + "/sync/cancel").WantRedirect("/login")
	})
	t.Run("other_user", func(t *testing.T) {
		ada := app.SignedIn("Ada Eze")
		if ada.Get(connection+"/syncs/"+run).Want(404).Same() != ada.Get("/connections/"+uuid.NewString()).Want(404).Same() {
			t.Error("somebody else's sync looks other than a missing one")
		}
		ada.Post(connection + "/sync/cancel").Want(404)
	})
	t.Run("invalid", func(*testing.T) {
		nora.Get(connection + "/syncs/" + uuid.NewString()).Want(404)
		nora.Get(connection + "/syncs/7").Want(404)
		nora.Post(connection + "/sync/cancel").WantRedirect(connection).Follow().WantText("No sync is running.")
	})
	t.Run("what changed", func(t *testing.T) {
		p := nora.Get(connection + "/syncs/" + run).Want(200)
		p.WantText("Started by connecting")
		p.WantText("The list is kept for 30 days")
		if n := p.Find("tbody tr").Length(); n < 100 || n > 500 {
			t.Errorf("%d changes", n)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		for _, sql := range []string{`UPDATE sync_runs SET state = 'running', finished_at = NULL`, `UPDATE connections SET status = 'syncing'`} {
			if _, err := app.DB.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		nora.Get(connection).WantOne(`form[action="` + connection + `/sync/cancel"] button:contains("Cancel this sync")`)
		p := nora.Post(connection + "/sync/cancel").WantRedirect(connection).Follow().Want(200)
		p.WantOne("[role=status]:contains('The sync is cancelled')")
		p.WantOne(".st-chip:contains(Healthy)")
		p.WantOne(`section[aria-labelledby=hist] tbody tr:contains("Cancelled")`)
	})
	t.Run("too soon", func(*testing.T) {
		nora.Post(connection + "/sync").WantRedirect(connection)
		app.AwaitSync(nora, connection)
		p := nora.Post(connection + "/sync").WantRedirect(connection).Follow().Want(200)
		p.WantOne("[role=status]:contains('You can sync it again in 5 minutes')")
		p.WantOne(`button[disabled]:contains("Sync again in 5 minutes")`)
	})
}
