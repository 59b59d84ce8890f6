package handlers_test

import (
	"testing"

	"dashtam/handlers/handlertest"
)

func TestAdminJobs(t *testing.T) {
	app := handlertest.New(t)
	boss, nora := app.SignedInAdmin("Ada Eze"), app.SignedIn("Nora Okafor")
	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get("/admin/jobs").WantRedirect("/login?next=%2Fadmin%2Fjobs")
		app.Stranger().Post("/admin/jobs/cancel", "id", "1").WantRedirect("/login")
	})
	t.Run("other_user", func(*testing.T) {
		nora.Get("/admin/jobs").Want(403)
		nora.Post("/admin/jobs/retry", "id", "1").Want(403)
	})
	t.Run("invalid", func(*testing.T) {
		for _, query := range []string{"place=nowhere", "before=x", "before=-1"} {
			boss.Get("/admin/jobs?" + query).Want(404)
		}
		for act, says := range map[string]string{"retry": "does not wait to be tried again", "cancel": "over already"} {
			for _, id := range []string{"", "x", "0", "999999999999"} {
				boss.Post("/admin/jobs/"+act, "id", id).WantRedirect("/admin/jobs").Follow().Want(200).WantText(says)
			}
		}
	})
	// Nobody works this installation's jobs, so the first sync waits.
	back := nora.Connect("nora", handlertest.Allow)
	nora.Get(back).Want(303)
	id := func(state string) (id string) {
		t.Helper()
		if err := app.DB.QueryRow(t.Context(), `SELECT id::text FROM river_job WHERE kind = 'sync' AND state::text = $1`, state).Scan(&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	t.Run("success", func(t *testing.T) {
		waiting := id("available")
		page := boss.Get("/admin/jobs").Want(200)
		page.WantOne(`tbody tr:contains("Sync of a connection"):contains("nora.okafor@example.com"):contains("Waiting")`)
		page.WantOne(`form[action="/admin/jobs/cancel"] input[value="` + waiting + `"]`)
		boss.Post("/admin/jobs/cancel", "id", waiting).WantRedirect("/admin/jobs").Follow().Want(200).WantOne("[role=status]")
		dead := boss.Get("/admin/jobs?place=dead").Want(200)
		dead.WantText("1 job was given up.").WantOne(`form[action="/admin/jobs/retry"] input[value="` + id("cancelled") + `"]`)
		if dead.Find(`form[action="/admin/jobs/cancel"]`).Length() != 0 {
			t.Error("what is over could be cancelled")
		}
		boss.Post("/admin/jobs/retry", "id", waiting).WantRedirect("/admin/jobs")
		if id("available") != waiting {
			t.Error("another job")
		}
		var lines int
		if err := app.DB.QueryRow(t.Context(), `SELECT count(*) FROM audit_events WHERE act IN ('job.cancelled', 'job.retried') AND target = $1 AND actor_id = $2`, waiting, boss.User.ID).Scan(&lines); err != nil || lines != 2 {
			t.Errorf("%d audit rows, %v", lines, err)
		}
	})
	t.Run("htmx", func(t *testing.T) {
		if p := boss.HX("GET", "/admin/jobs?place=open").Want(200); p.Find("nav.rail-nav").Length() != 0 {
			t.Error("a fragment came with its page")
		}
	})
}
