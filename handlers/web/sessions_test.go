package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/postgres/pgtest"
)

// Break SE-8: handlers/web/sessions.go: in save, leave out the case of auth.ErrSessionGone
func TestSessions_SE8_AnAnswerThatComesAfterTheLogout(t *testing.T) {
	db := pgtest.New(t)
	nora := auth.User{ID: uuid.New(), Role: auth.RoleUser}
	if _, err := db.Exec(t.Context(), `
		INSERT INTO users (id, email, email_key, name, password_hash, verified_at) VALUES ($1, 'n@example.com', 'n@example.com', 'N', 'x', now())`, nora.ID); err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse("http://localhost:8080")
	sessions := web.NewSessions(auth.NewSessions(db, auth.SessionConfig{}), base)
	e := echo.New()
	e.POST("/in", func(c echo.Context) error {
		if err := sessions.SignIn(c.Request().Context(), nora); err != nil {
			return err
		}
		return web.Redirect(c, "/")
	})
	e.POST("/slow", func(c echo.Context) error {
		web.Flash(c, web.OK, "Done.")
		if _, err := db.Exec(c.Request().Context(), `UPDATE sessions SET revoked_at = now()`); err != nil { // the other tab's logout
			return err
		}
		return web.Redirect(c, "/done")
	})
	stack := sessions.Load(e)
	send := func(path string, cookies []*http.Cookie) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		stack.ServeHTTP(w, r)
		return w.Result()
	}
	in := send("/in", nil)
	late := send("/slow", in.Cookies())
	if len(in.Cookies()) != 1 || late.Header.Get("Location") != "/done" || len(late.Cookies()) != 0 {
		t.Errorf("signed in with %v; the late answer is %d to %q with %v", in.Cookies(), late.StatusCode, late.Header.Get("Location"), late.Cookies())
	}
	if again := send("/slow", in.Cookies()); len(again.Cookies()) != 1 || again.Cookies()[0].Value == in.Cookies()[0].Value {
		t.Errorf("the ended session's token went on: %v", again.Cookies())
	}
}
