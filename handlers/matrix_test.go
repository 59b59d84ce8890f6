package handlers_test

import (
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
)

// accessTable is who gets what from every route there is, written by hand: "METHOD path | stranger | other | admin | owner".
// A cell is a status, with the beginning of where it leads behind it.
//
//go:embed testdata/access.txt
var accessTable string

// world is a person with one of everything, and everybody else who might come for it.
type world struct {
	app      *handlertest.App
	nora     *handlertest.Browser
	ids      map[string]string // path before ":id" -> the id of Nora's own
	visitors map[string][]*handlertest.Browser
}

// newWorld makes Nora, and for each column of the table those who must get the same: whoever is not verified or disabled
// counts as a stranger though they still have a cookie, and whoever lost the role as an ordinary person.
func newWorld(t *testing.T) *world {
	t.Helper()
	app := handlertest.New(t)
	nora, connection := app.Connected("Nora Okafor", "nora")
	w := &world{app: app, nora: nora, ids: map[string]string{
		"run":                 row(t, app, `SELECT id::text FROM sync_runs WHERE user_id = $1 LIMIT 1`, nora.User.ID),
		"/connections/":       strings.TrimPrefix(connection, "/connections/"),
		"/accounts/":          row(t, app, `SELECT id::text FROM accounts WHERE user_id = $1 LIMIT 1`, nora.User.ID),
		"/transactions/":      row(t, app, `SELECT id::text FROM transactions WHERE user_id = $1 LIMIT 1`, nora.User.ID),
		"/settings/sessions/": row(t, app, `SELECT id::text FROM sessions WHERE user_id = $1 LIMIT 1`, nora.User.ID),
		"/admin/users/":       nora.User.ID.String(),
		"/admin/invitations/": uuid.NewString(),
	}}
	unverified, disabled, demoted := app.SignedIn("Una Verified"), app.SignedIn("Dis Abled"), app.SignedInAdmin("Demo Ted")
	demoted.Get("/admin").Want(200)
	for sql, b := range map[string]*handlertest.Browser{
		`UPDATE users SET verified_at = NULL WHERE id = $1`: unverified, `UPDATE users SET disabled_at = now() WHERE id = $1`: disabled,
		`UPDATE users SET role = 'user' WHERE id = $1`: demoted,
	} {
		if _, err := app.DB.Exec(t.Context(), sql, b.User.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.visitors = map[string][]*handlertest.Browser{
		"stranger": {app.Stranger(), unverified, disabled},
		"other":    {app.SignedIn("Mallory Reed"), demoted},
		"admin":    {app.SignedInAdmin("Ada Eze")},
		"owner":    {nora},
	}
	return w
}

// path puts Nora's own into a route, or with missing what does not exist.
func (w *world) path(r handlers.Route, missing bool) string {
	before, _, found := strings.Cut(r.Path, ":id")
	id := w.ids[before]
	if missing || !found {
		id = uuid.NewString()
	}
	run := w.ids["run"]
	if missing {
		run = uuid.NewString()
	}
	return strings.NewReplacer(":id", id, ":run", run, ":token", "no-such-token", ":provider", "sandbox", ":question", uuid.NewString(), ":merge", uuid.NewString()).Replace(r.Path)
}

// cell is an answer as it stands in the table.
func cell(p *handlertest.Page) string {
	where, _, _ := strings.Cut(p.Header.Get("Location"), "?")
	if where == "" {
		return fmt.Sprint(p.Status)
	}
	for _, part := range strings.Split(where, "/") {
		if _, err := uuid.Parse(part); err == nil {
			where = strings.Replace(where, part, ":id", 1)
		}
	}
	return fmt.Sprint(p.Status, " ", where)
}

// ask sends what a browser would, with an empty form.
func ask(b *handlertest.Browser, r handlers.Route, path string) *handlertest.Page {
	if r.Method == http.MethodPost {
		return b.Post(path)
	}
	return b.Get(path)
}

// Every route, asked by everybody about what is Nora's, answers as the table says; a route that is not in the table fails.
// What a person may not see answers byte for byte like what does not exist. No session is half signed in before there is
// a second factor.
// Break AZ-1: handlers/routes.go: access: public for /admin/audit
// Break AZ-1: services/connections/list.go: leave the owner out of selectConnection
func TestRoutes_AZ1_TheMatrix(t *testing.T) {
	want := map[string][]string{}
	for line := range strings.Lines(accessTable) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			cells := strings.Split(line, "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			want[cells[0]] = cells[1:]
		}
	}
	w := newWorld(t)
	table := handlers.Table(w.app.Deps)
	// What ends Nora's sessions or account comes last, so that there is something to be refused.
	slices.SortStableFunc(table, func(a, b handlers.Route) int { return ends(a) - ends(b) })
	for _, r := range table {
		name := r.Method + " " + r.Path
		cells, ok := want[name]
		if !ok || len(cells) != 4 {
			cells = []string{"", "", "", ""}
		}
		got := make([]string, 4)
		for i, column := range []string{"stranger", "other", "admin", "owner"} {
			if column == "owner" && r.Method == http.MethodPost {
				got[i] = "-"
				continue
			}
			for _, b := range w.visitors[column] {
				p := ask(b, r, w.path(r, false))
				if got[i] != "" && got[i] != cell(p) {
					t.Errorf("%s: %ss differ: %q and %q", name, column, got[i], cell(p))
				}
				got[i] = cell(p)
				if strings.Contains(r.Path, ":id") && column != "owner" && p.Status == 404 && p.Same() != ask(b, r, w.path(r, true)).Same() {
					t.Errorf("%s: what is Nora's looks to %s unlike what does not exist", name, column)
				}
			}
		}
		if !slices.Equal(got, cells) {
			t.Errorf("the table says of %s\n%s, it is\n%s | %s", name, strings.Join(cells, " | "), name, strings.Join(got, " | "))
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("the table has %s, and there is no such route", name)
	}
}

// ends is 1 for what takes the visitors' own sessions or Nora's account away.
func ends(r handlers.Route) int {
	switch {
	case r.Path == "/logout":
		return 2
	case strings.HasPrefix(r.Path, "/admin/users/") && r.Method == http.MethodPost, strings.HasSuffix(r.Path, "/revoke-others"):
		return 1
	}
	return 0
}
