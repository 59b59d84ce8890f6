package handlers_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
)

// concrete puts something that does not exist into a route's parameters.
func concrete(path string) string {
	return strings.NewReplacer(":id", uuid.NewString(), ":token", "no-such-token", ":provider", "no-such-bank").Replace(path)
}

// of gives the routes of one method.
func of(table []handlers.Route, method string) []handlers.Route {
	return slices.DeleteFunc(slices.Clone(table), func(r handlers.Route) bool { return r.Method != method })
}

func TestRoutes_TableIsTheRouter(t *testing.T) {
	app := handlertest.New(t)
	var want []string
	for _, r := range handlers.Table(app.Deps) {
		want = append(want, r.Method+" "+r.Path)
		switch r.Method {
		case http.MethodGet:
			want = append(want, "HEAD "+r.Path)
		case http.MethodPost:
		default:
			t.Errorf("%s %s: forms without JavaScript know GET and POST", r.Method, r.Path)
		}
		if strings.HasPrefix(r.Path, "/admin") != (r.Access == "admin") {
			t.Errorf("%s is open to %q", r.Path, r.Access)
		}
	}
	slices.Sort(want)
	if got := handlers.Registered(app.Deps); !slices.Equal(got, want) {
		t.Errorf("the router answers to\n%s\nthe table says\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := len(slices.Compact(want)); n != len(handlers.Registered(app.Deps)) {
		t.Error("a line stands twice in the table")
	}
}

// Break AZ-3: handlers/routes.go: return nil in place of errSignedOut.
func TestRoutes_AZ3_Access(t *testing.T) {
	app := handlertest.New(t)
	stranger, nora := app.Stranger(), app.SignedIn("Nora Okafor")
	for _, r := range handlers.Table(app.Deps) {
		path := concrete(r.Path)
		ask := func(b *handlertest.Browser) *handlertest.Page {
			if r.Method == http.MethodPost {
				return b.Post(path)
			}
			return b.Get(path)
		}
		switch {
		case r.Access == "public":
			continue
		case r.Stranger:
			if p := ask(stranger); p.Status < 400 || strings.Contains(p.Header.Get("Location"), "next") {
				t.Errorf("%s %s answers a stranger %d", r.Method, r.Path, p.Status)
			}
		case r.Method == http.MethodGet:
			ask(stranger).WantRedirect("/login?next=" + url.QueryEscape(path))
			stranger.Do(http.MethodHead, path, nil).Want(http.StatusSeeOther)
		default:
			ask(stranger).WantRedirect("/login")
		}
		if p := stranger.HX(r.Method, path); !r.Stranger && (p.Status != http.StatusUnauthorized || p.Header.Get("HX-Redirect") != "/login" || p.Body != "") {
			t.Errorf("%s %s answers htmx without a session %d %q", r.Method, r.Path, p.Status, p.Header.Get("HX-Redirect"))
		}
		if r.Access == "admin" {
			ask(nora).Want(http.StatusForbidden)
		}
	}
}

func TestRoutes_UnknownMissingAndForeignAreTheSame(t *testing.T) {
	app := handlertest.New(t)
	nora, boss := app.SignedIn("Nora Okafor"), app.SignedInAdmin("Ada Eze")
	for _, path := range []string{"/nothing", "/accounts/", "/login/", "/LOGIN", "/%00", "/a%ffb", "/.git/config", "//login", "/../login"} {
		app.Stranger().Get(path).Want(404).WantText("There is no such page.")
	}
	for _, r := range of(handlers.Table(app.Deps), http.MethodGet) {
		if !strings.Contains(r.Path, ":id") || r.Access == "public" {
			continue
		}
		b := nora
		if r.Access == "admin" {
			b = boss
		}
		get := func(path string) *handlertest.Page {
			p := b.Get(path)
			if p.Status == http.StatusSeeOther { // a part of a page, opened by itself, leads to its page
				p = p.Follow()
			}
			return p.Want(404)
		}
		missing := get(concrete(r.Path))
		for _, id := range []string{"x", "0", "00000000-0000-0000-0000-00000000000g", "%00", "'", strings.ToUpper(uuid.NewString()), "{" + uuid.NewString() + "}"} {
			if p := get(strings.Replace(r.Path, ":id", id, 1)); p.Same() != missing.Same() {
				t.Errorf("%s with the id %q differs from a missing one", r.Path, id)
			}
		}
	}
}

func TestRoutes_WrongMethod(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	for _, r := range handlers.Table(app.Deps) {
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
			if p := nora.Do(method, concrete(r.Path), nil).Want(http.StatusMethodNotAllowed); p.Header.Get("Allow") == "" {
				t.Errorf("%s %s: no Allow", method, r.Path)
			}
		}
	}
	nora.Get("/logout").Want(http.StatusMethodNotAllowed)
}

// Break CS-3: handlers/handlers.go: e.Pre(Echo's middleware.MethodOverride()).
func TestRoutes_CS3_NoMethodOverride(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	for _, name := range []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
		nora.Do(http.MethodGet, "/logout?_method=POST", http.Header{name: {"POST"}}).Want(http.StatusMethodNotAllowed)
		nora.Do(http.MethodPost, "/settings/profile", http.Header{name: {"GET"}}, "_method", "GET").Want(422)
	}
	nora.Get("/settings/profile").Want(200)
	for _, r := range of(handlers.Table(app.Deps), http.MethodGet) {
		for _, b := range []*handlertest.Browser{app.Stranger(), nora} {
			path := concrete(r.Path)
			get, head := b.Get(path), b.Do(http.MethodHead, path, nil)
			if get.Status != head.Status || head.Body != "" || get.Header.Get("Location") != head.Header.Get("Location") {
				t.Errorf("%s: GET %d, HEAD %d with %d bytes", r.Path, get.Status, head.Status, len(head.Body))
			}
		}
	}
}
