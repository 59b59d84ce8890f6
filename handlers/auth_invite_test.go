package handlers_test

import (
	"testing"

	"dashtam/handlers/handlertest"
	"dashtam/services/actor"
	"dashtam/services/auth"
)

// actorOf is who acts through b, for tests that call a service directly.
func actorOf(b *handlertest.Browser) actor.Actor {
	return actor.Actor{Kind: actor.Admin, UserID: b.User.ID, RequestID: "req_test"}
}

// invite has boss invite an address, and gives the path of the mailed link.
func invite(app *handlertest.App, boss *handlertest.Browser, address string) string {
	boss.Post("/admin/settings", "email", address).WantRedirect("/admin/settings")
	return app.Link(app.Mail(address))
}

func TestInvite(t *testing.T) {
	app := handlertest.New(t)
	boss, b := app.SignedInAdmin("Ada Eze"), app.Stranger()
	link := invite(app, boss, "Guest@Example.com")
	for range 3 { // a program that opens every link in a mail
		b.Get(link).Want(200).WantText("the account of Guest@Example.com is ready")
	}
	b.Get("/invite/wrong").Want(404)
	p := b.Post(link, "name", "", "password", "short").Want(422)
	p.WantOne("#name-error")
	p.WantOne("#password-error")
	p.WantOne(`input[autocomplete=username][value="Guest@Example.com"]`)
	// Whatever address is sent along, the account is the invited one (AZ-6).
	b.Post(link, "name", "Guest", "password", handlertest.Password, "email", "eve@example.com", "role", "admin").WantRedirect("/login").Follow().WantOne("[role=status]")
	b.Post(link, "name", "Guest", "password", handlertest.Password).Want(404)
	b.Post("/login", "email", "guest@example.com", "password", handlertest.Password).WantRedirect("/overview")
	b.Get("/admin").Want(403)
	app.Stranger().Post("/login", "email", "eve@example.com", "password", handlertest.Password).Want(401)
}

// Where people cannot sign up by themselves the page says so calmly, and nothing is taken.
func TestInvite_PoliciesOfSignUp(t *testing.T) {
	for policy, words := range map[auth.Signup]string{auth.SignupInvite: "only people its administrator has invited", auth.SignupClosed: "takes no new people"} {
		app := handlertest.New(t)
		app.Auth.Signup = policy
		boss, b := app.SignedInAdmin("Ada Eze"), app.Stranger()
		b.Get("/signup").Want(200).WantText(words)
		if n := b.Get("/signup").Find("form").Length(); n != 0 {
			t.Errorf("%s: a form", policy)
		}
		b.Post("/signup", "name", "N", "email", "n@example.com", "password", handlertest.Password).Want(403).WantText(words)
		if n := b.Get("/login").Find(`a[href="/signup"]`).Length(); n != 0 {
			t.Errorf("%s: the sign-in leads to a sign-up", policy)
		}
		if policy == auth.SignupClosed {
			boss.Post("/admin/settings", "email", "guest@example.com").Want(403)
			boss.Get("/admin/settings").Want(200).WantText("Nobody new gets an account here.")
		} else {
			b.Get(invite(app, boss, "guest@example.com")).Want(200)
		}
		if n := row(t, app, `SELECT count(*) || '' FROM users`); n != "1" {
			t.Errorf("%s: %s accounts", policy, n)
		}
	}
}
