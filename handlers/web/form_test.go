package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/errs"
)

type sample struct {
	Name   string `form:"name"`
	Agreed bool   `form:"agreed"`
	Role   string // no tag: nobody may set it
}

func bind(contentType, body string) (sample, error) {
	r := httptest.NewRequest(http.MethodPost, "/x?name=from-the-query&Role=admin", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	var got sample
	err := web.Bind(echo.New().NewContext(r, httptest.NewRecorder()), &got)
	return got, err
}

// Break AZ-6: handlers/web/form.go: take the field's own name where it has no tag.
func TestBind_AZ6(t *testing.T) {
	for name, tc := range map[string]struct {
		contentType, body string
		want              sample
		kind              errs.Kind
	}{
		"form":               {"application/x-www-form-urlencoded", "name=Nora+Okafor&agreed=on", sample{Name: "Nora Okafor", Agreed: true}, errs.Internal},
		"with charset":       {"application/x-www-form-urlencoded; charset=utf-8", "name=N", sample{Name: "N"}, errs.Internal},
		"nothing":            {"", "", sample{}, errs.Internal},
		"not from the query": {"application/x-www-form-urlencoded", "agreed=1", sample{Agreed: true}, errs.Internal},
		"untagged":           {"application/x-www-form-urlencoded", "Role=admin&role=admin", sample{}, errs.Internal},
		"multipart":          {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nN\r\n--b--\r\n", sample{Name: "N"}, errs.Internal},
		"json":               {"application/json", `{"name":"N"}`, sample{}, errs.Invalid},
		"no type":            {"", "name=N", sample{}, errs.Invalid},
		"bad escape":         {"application/x-www-form-urlencoded", "name=%zz", sample{}, errs.Invalid},
		"NUL":                {"application/x-www-form-urlencoded", "name=a%00b&agreed=on", sample{Agreed: true}, errs.Invalid},
		"not UTF-8":          {"application/x-www-form-urlencoded", "name=%ff", sample{}, errs.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := bind(tc.contentType, tc.body)
			if got != tc.want || errs.KindOf(err) != tc.kind || (err != nil) != (tc.kind != errs.Internal) {
				t.Errorf("got %+v, %v; want %+v, %v", got, err, tc.want, tc.kind)
			}
		})
	}
}

func FuzzForm(f *testing.F) {
	for _, body := range []string{"name=Nora&agreed=on", "name=a%00b", "name=%ff", "&&&", "name=a;b=c", "%", "name=" + strings.Repeat("a", 5000), "Role=admin"} {
		f.Add("application/x-www-form-urlencoded", body)
	}
	f.Add("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nN\r\n--b--\r\n")
	f.Add("text/plain", "name=N")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		got, err := bind(contentType, body)
		if err != nil && errs.KindOf(err) != errs.Invalid {
			t.Fatalf("a bad form is %v, not bad input: %v", errs.KindOf(err), err)
		}
		if !utf8.ValidString(got.Name) || strings.Contains(got.Name, "\x00") || got.Role != "" {
			t.Fatalf("bound %+v", got)
		}
		if want, perr := url.ParseQuery(body); err == nil && perr == nil && strings.HasPrefix(contentType, "application/x-www-form-urlencoded") && body != "" && got.Name != want.Get("name") {
			t.Fatalf("bound %q, sent %q", got.Name, want.Get("name"))
		}
	})
}
