package handlers_test

import (
	"fmt"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"dashtam/handlers/handlertest"
)

const changePath = "/settings/security/password"

func TestSecurity(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	t.Run("anonymous", func(*testing.T) {
		app.Stranger().Get("/settings/security").WantRedirect("/login?next=%2Fsettings%2Fsecurity")
		app.Stranger().Post(changePath, "current_password", handlertest.Password, "password", "four quiet herons").WantRedirect("/login")
	})
	t.Run("invalid", func(t *testing.T) {
		p := nora.Post(changePath, "current_password", "WrongPassword", "password", "four quiet herons").Want(401)
		p.WantOne("#current_password-error")
		for _, bad := range []string{"short", "password1", "Nora Okafor", handlertest.Password, ""} {
			p = nora.Post(changePath, "current_password", handlertest.Password, "password", bad).Want(422)
			if p.WantOne("#password-error").Text() == "" {
				t.Errorf("%q is refused without a reason", bad)
			}
		}
		for _, name := range []string{"current_password", "password"} {
			if _, has := p.WantOne("input[name=" + name + "]").Attr("value"); has {
				t.Errorf("%s came back", name)
			}
		}
	})
	t.Run("htmx", func(*testing.T) {
		nora.HX("POST", "/signup/strength", "password", "Nora Okafor").Want(200).WantText("little more than your name")
	})
	t.Run("success", func(t *testing.T) {
		phone, old := app.Stranger(), nora.Cookie("session")
		device := app.Auth.DeviceName(nora.User.Email)
		known := nora.Cookie(device)
		phone.Post("/login", credentials("Nora Okafor")...).WantRedirect("/overview")
		done := nora.Post(changePath, "current_password", handlertest.Password, "password", "four quiet herons").WantRedirect("/settings/security").Follow().Want(200)
		done.WantText("Your password is changed.")
		done.WantOne(`input[name=password][autocomplete=new-password]`)
		done.WantOne(`input[name=current_password][autocomplete=current-password]`)
		if nora.Cookie("session") == old {
			t.Error("the token is the same as before (LG-4)")
		}
		if now := nora.Cookie(device); known == "" || now == "" || now == known {
			t.Error("the browser in which it was changed is not made known anew (RL-2)")
		}
		phone.Get(profile).WantRedirect(toLogin)
		app.Stranger().Post("/login", credentials("Nora Okafor")...).Want(401)
		app.Stranger().Post("/login", "email", nora.User.Email, "password", "four quiet herons").WantRedirect("/overview")
	})
}

// Break PW-2: views/pages/gates.templ: in newPassword, "pattern": ".*[0-9].*" among the Attrs
func TestPassword_PW2_NoRulesAndFriendlyToManagers(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	for _, page := range []*handlertest.Page{app.Stranger().Get("/signup"), app.Stranger().Get("/login"), nora.Get("/settings/security"), nora.Get("/reauth")} {
		page.Want(200).Find("input[type=password]").Each(func(_ int, input *goquery.Selection) {
			want := "current-password"
			if input.AttrOr("hx-post", "") != "" {
				want = "new-password"
			}
			if got := input.AttrOr("autocomplete", ""); got != want {
				t.Errorf("%s: autocomplete %q, want %q", input.AttrOr("name", ""), got, want)
			}
			for _, rule := range []string{"maxlength", "pattern", "onpaste", "title"} {
				if _, has := input.Attr(rule); has {
					t.Errorf("%s has the attribute %s", input.AttrOr("name", ""), rule)
				}
			}
		})
	}
	for i, plain := range []string{"only words and spaces", "zwölf Boxkämpfer jagen", "пять спокойных цапель", "        x  y    z"} {
		address := fmt.Sprintf("plain%d@example.com", i)
		app.Stranger().Post("/signup", "name", "N", "email", address, "password", plain).WantRedirect("/signup/sent")
		if _, err := app.DB.Exec(t.Context(), "UPDATE users SET verified_at = now() WHERE email = $1", address); err != nil {
			t.Fatal(err)
		}
		app.Stranger().Post("/login", "email", address, "password", plain).WantRedirect("/overview")
	}
}
