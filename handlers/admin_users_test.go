package handlers_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
	"dashtam/services/admin"
)

// row is one value of the database, as text.
func row(t *testing.T, app *handlertest.App, sql string, args ...any) (value string) {
	t.Helper()
	if err := app.DB.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestAdminUsers(t *testing.T) {
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	boss := app.SignedInAdmin("Ada Eze")
	path := "/admin/users/" + nora.User.ID.String()
	acts := []string{"/role", "/disable", "/enable", "/sign-out", "/reset", "/delete"}

	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get(path).WantRedirect("/login?next=" + strings.ReplaceAll(path, "/", "%2F"))
		for _, act := range acts {
			app.Stranger().Post(path+act, "role", "admin", "email", nora.User.Email).WantRedirect("/login")
		}
	})
	t.Run("other_user", func(*testing.T) {
		nora.Get(path).Want(403)
		nora.Get(path + "/delete").Want(403)
		for _, act := range acts {
			nora.Post(path+act, "role", "admin", "email", nora.User.Email).Want(403)
		}
	})
	t.Run("invalid", func(t *testing.T) {
		for _, wrong := range []string{"/admin/users/x", "/admin/users/" + uuid.NewString(), "/admin/users/" + uuid.NewString() + "/delete"} {
			boss.Get(wrong).Want(404)
		}
		for _, act := range acts {
			boss.Post("/admin/users/"+uuid.NewString()+act, "role", "admin", "email", "x@example.com").Want(404)
		}
		boss.Post(path+"/role", "role", "owner").Want(422)
		boss.Post(path+"/delete", "email", "else@example.com").Want(422).WantOne("#email-error")
		own := "/admin/users/" + boss.User.ID.String()
		boss.Post(own+"/role", "role", "user").Want(409).WantText("This is the last administrator.")
		app.Admin(app.Person("Third One"))
		boss.Post(own + "/disable").Want(409).WantText("This is your own account.")
		boss.Post(own+"/delete", "email", boss.User.Email).Want(409)
		if n := boss.Get(own).Want(200).Find("form[action$='/disable'], a[href$='/delete'], form[action$='/role']").Length(); n != 0 {
			t.Errorf("%d ways to lock oneself out", n)
		}
	})
	t.Run("htmx", func(t *testing.T) {
		if p := boss.HX("GET", path).Want(200); p.Find("nav.rail-nav").Length() != 0 {
			t.Error("a fragment came with its page")
		}
	})
	t.Run("success", func(t *testing.T) {
		boss.Get("/admin/users?q=OKAFOR").Want(200).WantOne(`tbody a[href="` + path + `"]`)
		boss.Get("/admin/users?q=nora.okafor%40example").Want(200).WantOne(`tbody tr`)
		boss.Get("/admin/users?q=%25").Want(200).WantText("Nobody found.")
		boss.Post(path + "/reset").WantRedirect(path).Follow().WantOne("[role=status]")
		if p := boss.Get(path); strings.Contains(p.Body, "/password/reset/") {
			t.Error("the page holds the link")
		}
		boss.Post(path+"/role", "role", "admin").WantRedirect(path).Follow().WantText("An administrator.")
		nora.Get("/overview").WantRedirect("/login?next=%2Foverview") // SE-6
		boss.Post(path+"/role", "role", "user").WantRedirect(path).Follow().WantText("An ordinary person.")
		nora.Post("/login", "email", nora.User.Email, "password", handlertest.Password).WantRedirect("/overview")
		boss.Post(path + "/sign-out").WantRedirect(path)
		nora.Get("/overview").WantRedirect("/login?next=%2Foverview")
		nora.Post("/login", "email", nora.User.Email, "password", handlertest.Password).WantRedirect("/overview")
		boss.Post(path + "/disable").WantRedirect(path).Follow().WantText("Disabled since today")
		nora.Post("/login", "email", nora.User.Email, "password", handlertest.Password).Want(401)
		boss.Post(path + "/enable").WantRedirect(path)
		nora.Post("/login", "email", nora.User.Email, "password", handlertest.Password).WantRedirect("/overview")
		nora.Get(connection).Want(200)

		boss.Get(path + "/delete").Want(200).WantText("access to 1 bank, which is told")
		boss.Post(path+"/delete", "email", strings.ToUpper(nora.User.Email)).WantRedirect("/admin/users")
		boss.Get(path).Want(404)
		nora.Get("/overview").WantRedirect("/login?next=%2Foverview")
		if left := row(t, app, `SELECT (SELECT count(*) FROM users WHERE id = $1) + (SELECT count(*) FROM transactions WHERE user_id = $1)
			+ (SELECT count(*) FROM connection_tokens WHERE user_id = $1) || ''`, nora.User.ID); left != "0" {
			t.Errorf("%s rows are left", left)
		}
		boss.Get("/admin/audit?act=user.deleted").Want(200).WantOne(`tbody tr:contains("Deleted an account"):contains("somebody who is gone")`)
		idle(t, app)
		if n := row(t, app, `SELECT count(*) || '' FROM audit_events WHERE act = 'connection.revoked' AND result = 'done' AND user_id = $1`, nora.User.ID); n != "1" {
			t.Errorf("the bank was told %s times", n)
		}
	})
}

// Whoever loses the role, or is disabled, in the database alone is refused with the next request.
// Break AZ-4: services/auth/sessions.go: in FindCtx, read 'admin' AS role
func TestAdminUsers_AZ4_TheRoleIsReadEveryTime(t *testing.T) {
	app := handlertest.New(t)
	boss := app.SignedInAdmin("Ada Eze")
	boss.Get("/admin/users").Want(200)
	set := func(sql string) {
		if _, err := app.DB.Exec(t.Context(), sql, boss.User.ID); err != nil {
			t.Fatal(err)
		}
	}
	set(`UPDATE users SET role = 'user' WHERE id = $1`)
	boss.Get("/admin/users").Want(403)
	boss.Post("/admin/settings", "email", "x@example.com").Want(403)
	boss.Get("/overview").Want(200)
	set(`UPDATE users SET disabled_at = now() WHERE id = $1`)
	boss.Get("/overview").WantRedirect("/login?next=%2Foverview")
}

// No page for administrators asks for a password (a bank's client secret is none of a person's), offers to change an address, or holds a secret of a person.
// Break EV-3: views/pages/people.templ: add a field of type password to AdminPersonPage
func TestAdminUsers_EV3_TheWholeSurface(t *testing.T) {
	app := handlertest.New(t)
	nora, _ := app.Connected("Nora Okafor", "nora")
	boss := app.SignedInAdmin("Ada Eze")
	if err := app.Auth.Invite(t.Context(), actorOf(boss), "new@example.com"); err != nil {
		t.Fatal(err)
	}
	link := app.Link(app.Mail("new@example.com"))
	secrets := []string{
		row(t, app, `SELECT password_hash FROM users WHERE id = $1`, nora.User.ID), nora.Cookie("session"), strings.TrimPrefix(link, "/invite/"),
		row(t, app, `SELECT token_hash FROM sessions WHERE user_id = $1 LIMIT 1`, nora.User.ID),
	}
	payee := row(t, app, `SELECT payee FROM transactions WHERE user_id = $1 AND length(payee) > 8 LIMIT 1`, nora.User.ID)
	for _, r := range of(handlers.Table(app.Deps), "GET") {
		if r.Access != "admin" {
			continue
		}
		p := boss.Get(strings.Replace(r.Path, ":id", nora.User.ID.String(), 1))
		if n := p.Find("input[type=password]:not([name=client_secret])").Length(); n != 0 && !strings.Contains(p.Header.Get("Location"), "/reauth") {
			t.Errorf("%s asks for a password", r.Path)
		}
		if n := p.Find("form[method=post] [name=email]").Length(); n != 0 && r.Path != "/admin/settings" && !strings.HasSuffix(r.Path, "/delete") {
			t.Errorf("%s takes an address", r.Path)
		}
		for _, secret := range append(secrets, payee) {
			if strings.Contains(p.Body, secret) {
				t.Errorf("%s shows %q", r.Path, secret)
			}
		}
		if p.Find("data.amt").Length() != 0 {
			t.Errorf("%s shows money", r.Path)
		}
	}
}

func TestAdminSettings(t *testing.T) {
	app := handlertest.New(t, func(d *handlers.Deps) {
		d.Configured = []admin.Setting{{Part: "Mail", Name: "SMTP server", Value: "", Variable: "DASHTAM_SMTP_URL"}, {Part: "Mail", Name: "Sent by", Value: "nobody", Variable: "DASHTAM_EMAIL"}}
	})
	boss, nora := app.SignedInAdmin("Ada Eze"), app.SignedIn("Nora Okafor")
	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Post("/admin/settings", "email", "x@example.com").WantRedirect("/login")
	})
	t.Run("other_user", func(*testing.T) {
		nora.Post("/admin/settings", "email", "x@example.com").Want(403)
		nora.Post("/admin/invitations/" + uuid.NewString() + "/revoke").Want(403)
	})
	t.Run("invalid", func(t *testing.T) {
		if got := boss.Post("/admin/settings", "email", "x@nowhere").Want(422).WantOne("input[name=email][aria-invalid=true]").AttrOr("value", ""); got != "x@nowhere" {
			t.Errorf("what was typed is gone: %q", got)
		}
		boss.Post("/admin/settings", "email", nora.User.Email).Want(422).WantOne("#email-error")
		boss.Post("/admin/invitations/" + uuid.NewString() + "/revoke").Want(404)
	})
	t.Run("htmx", func(*testing.T) { boss.HX("GET", "/admin/settings").Want(200) })
	t.Run("success", func(*testing.T) {
		p := boss.Get("/admin/settings").Want(200)
		p.WantText("Anybody can sign up here.")
		p.WantOne(`dl > div:contains("DASHTAM_SMTP_URL"):contains("not set")`)
		p.WantText("No invitation waits.")
		p = boss.Post("/admin/settings", "email", "guest@example.com").WantRedirect("/admin/settings").Follow()
		revoke := p.WantOne(`tr:contains("guest@example.com") form`).AttrOr("action", "")
		link := app.Link(app.Mail("guest@example.com"))
		app.Stranger().Get(link).Want(200)
		boss.Post(revoke).WantRedirect("/admin/settings").Follow().WantText("No invitation waits.")
		app.Stranger().Get(link).Want(404).WantText("taken back")
	})
}
