package handlers_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"dashtam/handlers"
	"dashtam/handlers/handlertest"
	"dashtam/services/actor"
	"dashtam/services/doctor"
)

func TestDoctor_Page(t *testing.T) {
	app := handlertest.New(t)
	const page = "/admin/doctor"
	t.Run("anonymous", func(*testing.T) { app.Stranger().Get(page).WantRedirect("/login?next=%2Fadmin%2Fdoctor") })
	t.Run("other_user", func(*testing.T) { app.SignedIn("Nora Okafor").Get(page).Want(403) })
	t.Run("success", func(*testing.T) {
		p := app.SignedInAdmin("Ada Eze").Get(page).Want(200)
		p.WantOne(`nav.tabs a[aria-current=page]:contains("Doctor")`)
		p.WantText("Everything is as it should be.").WantText(app.URL + " leads to this Dashtam.")
		p.WantOne(`a.btn[href="/admin/doctor"]:contains("Look again")`)
		p.WantOne(`code:contains("` + app.URL + `/connections/sandbox/callback")`)
		p.WantOne(`span[hidden] button[data-copy="` + app.URL + `/connections/sandbox/callback"]`)
	})
	t.Run("broken", func(*testing.T) {
		if _, err := app.DB.Exec(t.Context(), `DELETE FROM goose_db_version WHERE version_id = 7`); err != nil {
			t.Fatal(err)
		}
		p := app.SignedInAdmin("Bo Oyelaran").Get(page).Want(200).WantText("1 part does not work: Database.")
		p.WantOne(`tr:contains("Database"):contains("lacks 1 of this version's migrations"):contains("Run dashtam migrate."):contains("Broken")`)
	})
}

// proxied is what the doctor finds out about Dashtam behind the server that front makes.
func proxied(t *testing.T, app *handlertest.App, secure bool, front http.Handler, change func(*doctor.Config)) map[string]doctor.Check {
	t.Helper()
	server := httptest.NewUnstartedServer(front)
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	c := app.Examined
	c.BaseURL, _ = url.Parse(server.URL)
	c.SelfSigned = secure
	if change != nil {
		change(&c)
	}
	return examine(t, c)
}

func examine(t *testing.T, c doctor.Config) map[string]doctor.Check {
	t.Helper()
	checks, err := doctor.New(c).Run(t.Context(), actor.ForSystem("doctor"))
	if err != nil || len(checks) != 8 {
		t.Fatalf("%d checks, %v", len(checks), err)
	}
	named := map[string]doctor.Check{}
	for _, check := range checks {
		named[check.Name] = check
	}
	return named
}

func wantCheck(t *testing.T, c doctor.Check, state doctor.State, says string) {
	t.Helper()
	if c.State != state || !strings.Contains(c.Found+" "+c.Do, says) || state != doctor.OK && c.Do == "" {
		t.Errorf("%s: %s %q, do %q; want %s with %q", c.Name, c.State, c.Found, c.Do, state, says)
	}
}

// leading is a proxy to app that treats headers as set does.
func leading(app *handlertest.App, set func(out *http.Request)) http.Handler {
	to, _ := url.Parse(app.URL)
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host // and the Host of the visitor
		if from := r.In.Header.Values("X-Forwarded-For"); from != nil {
			r.Out.Header["X-Forwarded-For"] = from
		}
		set(r.Out)
	}}
}

func TestDoctor_Proxies(t *testing.T) {
	app := handlertest.New(t)
	untold := handlertest.New(t, func(d *handlers.Deps) { d.Doctor = doctor.New(doctor.Config{Key: handlertest.DoctorKey}) })
	good := func(out *http.Request) {
		out.Header.Set("X-Forwarded-For", "192.0.2.1")
		out.Header.Set("X-Forwarded-Proto", "https")
	}
	for name, c := range map[string]struct {
		app   *handlertest.App
		set   func(*http.Request)
		state doctor.State
		says  string
	}{
		"as it should be":       {app, good, doctor.OK, "says whom a request comes from"},
		"one that appends":      {app, func(out *http.Request) { out.Header.Set("X-Forwarded-For", "203.0.113.77, 127.0.0.1") }, doctor.OK, "says whom"},
		"not named":             {untold, good, doctor.Warn, "Set DASHTAM_TRUSTED_PROXIES=127.0.0.1/32"},
		"visitors choose":       {app, func(*http.Request) {}, doctor.Fail, "everybody can choose an address"},
		"nobody is named":       {app, func(out *http.Request) { out.Header.Del("X-Forwarded-For") }, doctor.Warn, "everybody counts as one visitor"},
		"another scheme":        {app, func(out *http.Request) { good(out); out.Header.Set("X-Forwarded-Proto", "http") }, doctor.Warn, "another scheme than https"},
		"another host":          {app, func(out *http.Request) { good(out); out.Host = "inside" }, doctor.Warn, "proxy_set_header Host"},
		"the question was lost": {app, func(out *http.Request) { out.Header.Del(doctor.AskHeader) }, doctor.Warn, "once the base URL leads here"},
	} {
		t.Run(name, func(t *testing.T) {
			checks := proxied(t, c.app, true, leading(c.app, c.set), nil)
			wantCheck(t, checks["Proxy headers"], c.state, c.says)
			if name != "the question was lost" {
				wantCheck(t, checks["Base URL"], doctor.OK, "self-signed")
				wantCheck(t, checks["Callback"], doctor.OK, "letter by letter")
			}
		})
	}
	wantCheck(t, examine(t, app.Examined)["Proxy headers"], doctor.OK, "There is no proxy in between.")
	wantCheck(t, proxied(t, untold, false, leading(untold, good), nil)["Proxy headers"], doctor.Warn, "DASHTAM_TRUSTED_PROXIES")
}

func TestDoctor_BaseURLAndCallback(t *testing.T) {
	app := handlertest.New(t)
	through := leading(app, func(*http.Request) {})
	const canary = "canary-in-an-answer"
	says := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/"+canary)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(canary))
		})
	}
	for name, c := range map[string]struct {
		front  http.Handler
		change func(*doctor.Config)
		state  doctor.State
		says   string
	}{
		"this Dashtam":         {through, nil, doctor.OK, "leads to this Dashtam."},
		"a proxy alone":        {says(502), nil, doctor.Fail, "answers with 502"},
		"something else":       {says(200), nil, doctor.Fail, "but not this Dashtam"},
		"another address":      {says(308), nil, doctor.Fail, "leads on to another address"},
		"other keys":           {through, func(c *doctor.Config) { c.Key = bytes.Repeat([]byte{9}, 32) }, doctor.Fail, "or one with other keys"},
		"no keys":              {through, func(c *doctor.Config) { c.Key = nil }, doctor.Warn, "Repair the keys first."},
		"nobody":               {through, func(c *doctor.Config) { c.BaseURL, _ = url.Parse("http://127.0.0.1:1") }, doctor.Fail, "Nobody answers at http://127.0.0.1:1"},
		"a name nobody serves": {through, func(c *doctor.Config) { c.BaseURL, _ = url.Parse("http://nobody.invalid") }, doctor.Fail, ""},
	} {
		t.Run(name, func(t *testing.T) {
			checks := proxied(t, app, false, c.front, c.change)
			wantCheck(t, checks["Base URL"], c.state, c.says)
			if c.state == doctor.Fail && name != "other keys" {
				wantCheck(t, checks["Callback"], doctor.Fail, "Who comes back from Sandbox Bank")
			}
			if len(checks["Callback"].Copy) != 1 {
				t.Error("no redirect URI to copy")
			}
			for _, check := range checks {
				if strings.Contains(check.Found+check.Do, canary) {
					t.Errorf("%s repeats what a server wrote: %q", check.Name, check.Found)
				}
			}
		})
	}
	t.Run("a certificate nobody knows", func(t *testing.T) {
		checks := proxied(t, app, true, through, func(c *doctor.Config) { c.SelfSigned = false })
		wantCheck(t, checks["Base URL"], doctor.Fail, "The certificate of https://127.0.0.1")
	})
	t.Run("some paths only", func(t *testing.T) {
		some := http.NewServeMux()
		some.Handle("/livez", through)
		checks := proxied(t, app, false, some, nil)
		wantCheck(t, checks["Base URL"], doctor.OK, "leads to this Dashtam.")
		wantCheck(t, checks["Callback"], doctor.Fail, "gets 404 instead of Dashtam")
	})
}

// Only a doctor with the keys learns how a request arrived: the answer names the proxy.
func TestDoctor_StrangersGetNoAnswer(t *testing.T) {
	app := handlertest.New(t)
	for _, ask := range []string{"", ".", "nonce", "nonce.proof", strings.Repeat("A", 2000)} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, app.URL+"/livez", nil)
		r.Header.Set(doctor.AskHeader, ask)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK || answer.Header.Get(doctor.AnswerHeader) != "" {
			t.Errorf("asked with %q it answers %d, %q", ask, answer.StatusCode, answer.Header.Get(doctor.AnswerHeader))
		}
	}
}
