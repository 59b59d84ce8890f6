package handlers_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
)

// extra are fields no form of ours has, named as whoever guesses at columns, structs and frameworks would.
var extra = []string{
	"role", "admin", "admin", "true", "is_admin", "1", "Role", "admin", "user[role]", "admin", "role[]", "admin", "user.role", "admin", "UserID", "%s", "user_id", "%s",
	"id", "%s", "ID", "%s", "owner", "%s", "verified", "true", "verified_at", "2001-01-01", "disabled_at", "2001-01-01", "email_key", "x@example.com", "password_hash", "x",
	"created_at", "2001-01-01", "session_id", "%s",
}

// Fields nobody named change nothing: after every form a person can send, with the extra fields in body and query, each
// account still has its role, its address, its password and its dates, and nothing of Nora's moved.
// Break AZ-6: services/auth/profile.go: add role = 'admin' to what UpdateProfile sets
func TestForms_AZ6_ExtraFieldsAreIgnored(t *testing.T) {
	app := handlertest.New(t)
	nora, _ := app.Connected("Nora Okafor", "nora")
	mallory := app.SignedIn("Mallory Reed")
	state := func() string {
		return row(t, app, `SELECT string_agg(concat_ws(' ', id, email, email_key, role, password_hash, verified_at, disabled_at, created_at), E'\n' ORDER BY id) FROM users`) +
			row(t, app, `SELECT count(*) || md5(string_agg(c::text, '' ORDER BY id)) FROM connections c WHERE user_id = $1`, nora.User.ID)
	}
	before := state()
	valid := map[string][]string{
		"/settings/profile": {"name", "Mallory", "timezone", "UTC", "theme", "dark"}, "/settings/theme": {"theme", "light"}, "/settings/rail": {"rail", "icons"},
		"/verify/resend": {"email", mallory.User.Email}, "/login": {"email", mallory.User.Email, "password", handlertest.Password},
	}
	var query []string
	for i := 0; i < len(extra); i += 2 {
		query = append(query, extra[i]+"="+strings.ReplaceAll(extra[i+1], "%s", nora.User.ID.String()))
	}
	for _, r := range of(handlers.Table(app.Deps), "POST") {
		if r.Access == "admin" || r.Path == "/logout" {
			continue
		}
		var form []string
		form = append(form, valid[r.Path]...)
		for _, field := range extra {
			form = append(form, strings.ReplaceAll(field, "%s", nora.User.ID.String()))
		}
		p := mallory.Post(concrete(r.Path)+"?"+strings.Join(query, "&"), form...)
		if after := state(); p.Status >= 500 || after != before {
			t.Errorf("%s: %d, and the accounts are\n%s\nand were\n%s", r.Path, p.Status, after, before)
		}
	}
	mallory.Get("/settings/profile").Want(200).WantOne(`input[name=name][value="Mallory"]`)
	p := app.Stranger().Post("/signup?role=admin", append([]string{"name", "Eve", "email", "eve@example.com", "password", handlertest.Password}, extra...)...)
	p.WantRedirect("/signup/sent")
	if got := row(t, app, `SELECT concat_ws(' ', role, verified_at, disabled_at) FROM users WHERE email = 'eve@example.com'`); got != "user" {
		t.Errorf("signed up as %q", got)
	}
}

// Fields of random names and values beside those of one's own profile change nothing else.
// Break AZ-6: services/auth/profile.go: add role = 'admin' to what UpdateProfile sets
func TestForms_AZ6_RandomFields(t *testing.T) {
	app := handlertest.New(t)
	nora := app.SignedIn("Nora Okafor")
	dice := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		form := []string{"name", "Nora", "timezone", "UTC", "theme", "system"}
		for range 20 {
			name, value := extra[2*dice.IntN(len(extra)/2)], extra[1+2*dice.IntN(len(extra)/2)]
			switch dice.IntN(4) {
			case 0:
				name = strings.ToUpper(name)
			case 1:
				name = "user[" + name + "]"
			case 2:
				name, value = name+string(rune(dice.IntN(0x3000))), string(rune(dice.IntN(0x3000)))
			}
			form = append(form, name, value)
		}
		nora.Post("/settings/profile", form...)
		if got := row(t, app, `SELECT concat_ws(' ', role, disabled_at, email) FROM users WHERE id = $1 AND verified_at IS NOT NULL`, nora.User.ID); got != "user nora.okafor@example.com" {
			t.Fatalf("%q made it %q", form, got)
		}
	}
}

// No page for operators answers on the public listener, whoever asks, and no account comes with the program (AZ-7).
// Break AZ-7: handlers/handlers.go: serve http.DefaultServeMux with net/http/pprof under /debug/
func TestRoutes_AZ7_NothingForOperatorsHere(t *testing.T) {
	app := handlertest.New(t)
	for _, pair := range [][2]string{{"admin", "admin"}, {"admin@localhost", "admin"}, {"admin@example.com", "password"}, {"demo@example.org", "demo"}, {"root@localhost", ""}} {
		app.Stranger().Post("/login", "email", pair[0], "password", pair[1]).Want(401)
	}
	if n := row(t, app, `SELECT count(*) || '' FROM users`); n != "0" {
		t.Errorf("%s accounts come with the program", n)
	}
	boss := app.SignedInAdmin("Ada Eze")
	for _, path := range []string{
		"/metrics", "/debug", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/riverui", "/river", "/admin/river", "/admin/debug", "/console", "/phpinfo.php",
		"/.env", "/.git/HEAD", "/config", "/actuator/health", "/server-status", "/graphql", "/swagger", "/static/../keys", "/data/keys", "/dev", "/test",
	} {
		for _, b := range []*handlertest.Browser{app.Stranger(), boss} {
			if p := b.Get(path); p.Status != 404 && p.Status != 401 || strings.Contains(p.Body, "goroutine") {
				t.Errorf("%s answers %d", path, p.Status)
			}
		}
	}
}

// Another's id is worth nothing wherever it is put: in the query, the body or a header of htmx, with one's own in the path.
// Break AZ-2: services/ledger/export.go: in owns, leave out user_id = @user
func TestRoutes_AZ2_AnothersIdAnywhere(t *testing.T) {
	app := handlertest.New(t)
	nora, _ := app.Connected("Nora Okafor", "nora")
	mallory, own := app.Connected("Mallory Reed", "mallory")
	account := row(t, app, `SELECT id::text FROM accounts WHERE user_id = $1 LIMIT 1`, nora.User.ID)
	theirs := row(t, app, `SELECT id::text FROM connections WHERE user_id = $1`, nora.User.ID)
	name := row(t, app, `SELECT name FROM connections WHERE id = $1`, theirs)
	missing := mallory.Get("/transactions?account=" + uuid.NewString())
	if p := mallory.Get("/transactions?account=" + account); p.Status != missing.Status || p.Find("tr.tx, tr.day-row").Length() != 0 {
		t.Errorf("the account of another: %d, not %d: %s", p.Status, missing.Status, p.Said())
	}
	if p := mallory.Get("/transactions.csv?account=" + account); p.Status != missing.Status {
		t.Error("the export holds another's transactions")
	}
	mallory.Post(own+"/rename", "name", "mine", "id", theirs, "connection_id", theirs, "user_id", nora.User.ID.String()).WantRedirect(own)
	mallory.Do("POST", own+"/rename", map[string][]string{"Hx-Request": {"true"}, "Hx-Target": {theirs}, "Hx-Current-Url": {app.URL + "/connections/" + theirs}, "Sec-Fetch-Site": {"same-origin"}}, "name", "mine")
	if got := row(t, app, `SELECT name FROM connections WHERE id = $1`, theirs); got != name {
		t.Errorf("it is called %q now", got)
	}
	for _, both := range []string{"?id=" + theirs, "?connection=" + theirs, "/../" + theirs, "/" + theirs, "," + theirs} {
		if p := mallory.Get(own + both); p.Status == 200 && strings.Contains(p.Body, account) {
			t.Errorf("%s shows it", both)
		}
	}
}
