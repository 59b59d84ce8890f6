package handlers_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"dashtam/handlers/handlertest"
	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/encryption"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// A replica that has not heard of the last commits takes the database's place. What was ended before it last caught up stays
// ended. Of what was ended since, a session and a mailed link come back: nothing on this side remembers their end. That is
// bounded by the lag, by the times they had anyway, which are columns of theirs, and they can be ended again. What was begun
// since is gone: whoever signed in since signs in once more. There are no second factors yet whose use could come back.
func TestDatabase_F10_SessionsAndLinksAfterAFailover(t *testing.T) {
	db, replica := pgtest.Replicated(t)
	app := handlertest.Over(t, db)
	stolen := func(from *handlertest.Browser) *handlertest.Browser {
		b := app.Stranger()
		b.SetCookie("session", from.Cookie("session"))
		return b
	}
	reset := func(b *handlertest.Browser) string {
		app.Stranger().Post("/password/forgot", "email", b.User.Email).WantRedirect("/password/sent")
		return app.Link(app.MailAbout(b.User.Email, "reset"))
	}
	const toLogin, secret = "/login?next=%2Foverview", "another calm ledger for you"
	kept, early, late, nora, ada := app.SignedIn("Kim Park"), app.SignedIn("Eve Lin"), app.SignedIn("Lou Reyes"), app.SignedIn("Nora Okafor"), app.SignedIn("Ada Eze")
	early2, late2, fresh := stolen(early), stolen(late), app.Stranger()
	early.Post("/logout").WantRedirect("/")
	usedEarly, usedLate := reset(nora), reset(ada)
	app.Stranger().Post(usedEarly, "password", secret).WantRedirect("/login")
	who := actor.Actor{Kind: actor.User, UserID: kept.User.ID, RequestID: "test"}
	program, err := app.Auth.CreateRefreshToken(t.Context(), who, kept.User)
	if err != nil {
		t.Fatal(err)
	}

	replica.CatchUp()
	late.Post("/logout").WantRedirect("/")
	late2.Get("/overview").WantRedirect(toLogin)
	app.Stranger().Post(usedLate, "password", secret).WantRedirect("/login")
	fresh.Post("/login", "email", nora.User.Email, "password", secret).WantRedirect("/overview")
	newest, err := app.Auth.Refresh(t.Context(), who, program.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	replica.FailOver()

	kept.Get("/overview").Want(http.StatusOK)
	early2.Get("/overview").WantRedirect(toLogin)
	app.Stranger().Post(usedEarly, "password", secret).Want(http.StatusNotFound)

	late2.Get("/overview").Want(http.StatusOK) // ended within the lag
	late2.Post("/logout").WantRedirect("/")
	stolen(late2).Get("/overview").WantRedirect(toLogin)
	app.Stranger().Post("/login", "email", ada.User.Email, "password", secret).Want(http.StatusUnauthorized)
	app.Stranger().Post(usedLate, "password", secret).WantRedirect("/login") // used within the lag, and so was the password
	app.Stranger().Post(usedLate, "password", secret).Want(http.StatusNotFound)

	fresh.Get("/overview").WantRedirect(toLogin) // begun within the lag
	fresh.Post("/login", "email", nora.User.Email, "password", secret).WantRedirect("/overview")
	if _, err := app.Auth.Refresh(t.Context(), who, newest.Refresh); !errors.Is(err, auth.ErrRefresh) {
		t.Errorf("a program's newest token, of which nothing is known: %v", err)
	}
	if _, err := app.Auth.Refresh(t.Context(), who, program.Refresh); err != nil {
		t.Errorf("the one before it, which was never used as far as is known: %v", err)
	}
	if _, err := app.Auth.Refresh(t.Context(), who, program.Refresh); !errors.Is(err, auth.ErrRefresh) {
		t.Errorf("for the second time: %v", err)
	}
}

// The same with tokens of a bank that rotates them: the newest is lost with the replica's lag, and nobody holds it any more.
// What is stored is one generation old. A bank that lets it be used again goes on as if nothing had been; a strict one takes
// it for a theft and ends the permission, and the person is told so and asked to come. Either way it is asked once, and a
// connection never looks healthy with a dead token. What is lost is bounded by the refreshes within the lag; where three
// connections of one bank or more are among them, the bank is doubted for a day first (F18).
func TestDatabase_F10_BankTokensAfterAFailover(t *testing.T) {
	for name, refresh := range map[string]func(s *sweep, replica *pgtest.Replica) error{
		"refreshed since": func(s *sweep, replica *pgtest.Replica) error {
			replica.CatchUp()
			return s.refresh()
		},
		"with the request on its way": func(s *sweep, replica *pgtest.Replica) error {
			_, err := s.app.Tokens.RefreshToken(s.t.Context(), s.who, s.id, s.generation(), func(ctx context.Context, refresh encryption.Secret) (tokens.Tokens, error) {
				replica.CatchUp() // to the lease and the intent
				return s.bank.Access.Refresh(ctx, refresh)
			})
			return err
		},
	} {
		for _, mode := range []string{"grace", "strict"} {
			t.Run(mode+", "+name, func(t *testing.T) {
				db, replica := pgtest.Replicated(t)
				app := handlertest.Over(t, db)
				s := &sweep{t: t, app: app, bank: adapter(app.BankURL, providers.NewClient(true)), verdict: map[string]int{}}
				nora := s.connect()
				connection := "/connections/" + s.id.String()
				s.fault("rotation", mode, 0)
				generation := s.generation()
				if err := refresh(s, replica); err != nil || s.generation() != generation+1 {
					t.Fatalf("generation %d, %v", s.generation(), err)
				}
				replica.FailOver()
				if s.generation() != generation {
					t.Fatalf("generation %d has not been lost", s.generation())
				}
				s.later()
				if _, err := db.Exec(t.Context(), `UPDATE connection_tokens SET expires_at = now()`); err != nil { // an hour later
					t.Fatal(err)
				}
				posts := s.stats().TokenPosts
				nora.Post(connection + "/sync").WantRedirect(connection)
				app.AwaitSync(nora, connection)
				if n := s.stats().TokenPosts - posts; n != 1 {
					t.Errorf("%d token requests", n)
				}
				status, live := row(t, app, `SELECT status FROM connections WHERE id = $1`, s.id), len(s.stats().Live)
				page := nora.Get(connection).Want(http.StatusOK)
				if mode == "grace" {
					if status != "healthy" || live != 1 || !s.alive() {
						t.Errorf("%s, %d permissions live: %s", status, live, page.Said())
					}
					return
				}
				page.WantText("The bank does not accept our permission any more.")
				if mails := row(t, app, `SELECT count(*)::text FROM river_job WHERE kind = 'mail' AND args->>'purpose' = 'needs_you'`); status != "needs_you" || live != 0 || mails != "1" {
					t.Errorf("%s, %d permissions live, %s mails", status, live, mails)
				}
				nora.Post(connection + "/sync")
				if n := s.stats().TokenPosts - posts; n != 1 {
					t.Errorf("%d token requests after it was told", n)
				}
			})
		}
	}
}
