package handlers_test

import (
	"strings"
	"testing"

	"dashtam/handlers/handlertest"
)

func TestAdminMail(t *testing.T) {
	app := handlertest.New(t)
	boss, nora := app.SignedInAdmin("Ada Eze"), app.SignedIn("Nora Okafor")
	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get("/admin/mail").WantRedirect("/login?next=%2Fadmin%2Fmail")
		app.Stranger().Post("/admin/mail/retry", "id", "1").WantRedirect("/login")
	})
	t.Run("other_user", func(*testing.T) {
		nora.Get("/admin/mail").Want(403)
		nora.Post("/admin/mail/retry", "id", "1").Want(403)
	})
	t.Run("invalid", func(*testing.T) {
		for _, query := range []string{"place=nowhere", "before=x", "before=-1"} {
			boss.Get("/admin/mail?" + query).Want(404)
		}
		for _, id := range []string{"", "x", "0", "999999999999"} {
			boss.Post("/admin/mail/retry", "id", id).WantRedirect("/admin/mail").Follow().Want(200).WantText("does not wait to be tried again")
		}
	})
	boss.Get("/admin/mail").Want(200).WantText("No mail waits.")
	app.Stranger().Post("/password/forgot", "email", nora.User.Email).WantRedirect("/password/sent")
	app.Stranger().Post("/password/forgot", "email", "nobody@example.com").WantRedirect("/password/sent")
	boss.Get("/admin/mail").Want(200).WantOne(`tbody tr:contains("Choose a new password"):contains("nora.okafor@example.com")`) // and not the mail to nobody
	token := strings.TrimPrefix(app.Link(app.Mail(nora.User.Email)), "/password/reset/")
	idle(t, app)
	sent := boss.Get("/admin/mail?place=sent").Want(200)
	sent.WantOne(`tbody tr:contains("Choose a new password")`)

	app.Stranger().Post("/signup", "name", "New", "email", "new@example.com", "password", handlertest.Password)
	app.Mail("new@example.com")
	idle(t, app)
	var id string
	// What the mail server said stands there in words of ours; the page holds no link.
	err := app.DB.QueryRow(t.Context(), `
		UPDATE river_job SET state = 'discarded', finalized_at = now(), attempt = 12,
			errors = ARRAY[jsonb_build_object('error', 'mail unreachable: dial tcp 192.0.2.1:25: connect: connection refused (request req_X)')]
		WHERE args ->> 'purpose' = 'verify' AND state = 'completed' RETURNING id::text`).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("success", func(t *testing.T) {
		page := boss.Get("/admin/mail").Want(200) // with nothing waiting, what died comes first
		page.WantText("1 mail could not be sent.").WantText("Nobody answers where the mail server should be.").WantText("connection refused")
		page.WantOne(`form[action="/admin/mail/retry"] input[value="` + id + `"]`)
		for _, p := range []*handlertest.Page{page, sent} {
			if strings.Contains(p.Body, token) || strings.Contains(p.Body, "/verify/") || strings.Contains(p.Body, "/password/reset/") {
				t.Error("the page holds a link")
			}
		}
		boss.Post("/admin/mail/retry", "id", id).WantRedirect("/admin/mail").Follow().Want(200).WantOne("[role=status]")
		idle(t, app)
		if _, err := app.DB.Exec(t.Context(), `UPDATE river_job SET state = 'scheduled', finalized_at = NULL, scheduled_at = now() + interval '1 hour' WHERE id = $1::text::bigint`, id); err != nil {
			t.Fatal(err)
		}
		if p := boss.Get("/admin/mail?place=waits").Want(200); p.Find(`form[action="/admin/mail/retry"]`).Length() != 0 {
			t.Error("a mail that waits for its turn could be tried now")
		}
		var retried int
		if err := app.DB.QueryRow(t.Context(), `SELECT count(*) FROM audit_events WHERE act = 'mail.retried' AND target = $1 AND actor_id = $2`, id, boss.User.ID).Scan(&retried); err != nil || retried != 1 {
			t.Errorf("%d audit rows, %v", retried, err)
		}
	})
	t.Run("htmx", func(t *testing.T) {
		if p := boss.HX("GET", "/admin/mail").Want(200); p.Find("nav.rail-nav").Length() != 0 {
			t.Error("a fragment came with its page")
		}
	})
}
