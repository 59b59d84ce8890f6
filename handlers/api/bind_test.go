package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/errs"
)

func FuzzBind(f *testing.F) {
	for _, seed := range []string{
		`{"email":"ada@example.org","password":"SecurePass123!","code":"1"}`, `{"EMAIL":"a"}`, `{"email":"\u0000"}`, `{"email":"\ud800"}`, `{"email":null}`,
		`{"email":{"email":"a"}}`, `{"email":1e400}`, `null`, `[]`, `"x"`, `{}{}`, `{`, "", "\xff", "\ufeff{}", strings.Repeat("[", 20000), `{"":""}`,
	} {
		f.Add("application/json", seed)
		f.Add("application/json; charset=utf-8", seed)
		f.Add("text/plain", seed)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		var form struct {
			Email    string `json:"email"`
			Password string `json:"password"`
		}
		err := bind(echo.New().NewContext(r, httptest.NewRecorder()), &form)
		if err != nil && errs.KindOf(err) != errs.Invalid {
			t.Errorf("%q %q: %v", kind, body, err)
		}
		if err == nil && (!web.Storable(form.Email) || !web.Storable(form.Password)) {
			t.Errorf("%q was let in as %+v", body, form)
		}
	})
}
