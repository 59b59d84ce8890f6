// Package handlertest runs the whole stack for tests: real services on a database of the test's own, a real HTTP server
// on a port of its own, and browsers with a cookie jar. Only tests import it.
//
//	app := handlertest.New(t)
//	nora := app.SignedIn("Nora Okafor")                 // a verified person, signed in through the login page
//	page := nora.Get("/settings/profile").Want(200)
//	page.Find("input[name=name]").AttrOr("value", "")   // goquery
//	nora.Post("/settings/profile", "name", "N", ...).WantRedirect("/settings/profile")
//	nora.HX("POST", "/signup/strength", "password", "x") // as htmx asks
//	app.Stranger().Get("/overview").WantRedirect("/login?next=%2Foverview")
//	nora, path := app.Connected("Nora Okafor", "nora")  // with a customer's accounts at the Sandbox Bank, fetched
//
// Handlers' tests have the sub-tests anonymous, other_user, invalid, htmx and success. Redirects are not followed, so
// that a test sees them; Follow goes on. Each browser has an address of its own, so limits per address count apart.
// Jobs are worked from the first wait for one on (Mail, AwaitSync). An area adds what it needs to New, as cmd/dashtam does to serve.
package handlertest
