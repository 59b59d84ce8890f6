package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/actor"
	administration "dashtam/services/admin" // admin is an access level here
	"dashtam/services/auth"
	"dashtam/services/connections"
	"dashtam/services/errs"
	"dashtam/views/pages"
)

// staff is how administrators look after people.
type staff struct {
	admin       *administration.Service
	auth        *auth.Service
	connections *connections.Service
}

func (s *staff) index(c echo.Context) error {
	before, err := beforeID(c)
	if err != nil {
		return err
	}
	p := pages.AdminPeople{Search: c.QueryParam("q"), Now: web.Now(c)}
	var more bool
	if p.List, more, err = s.admin.People(c.Request().Context(), web.Actor(c), p.Search, before); err != nil {
		return err
	}
	if more {
		query := url.Values{"before": {p.List[len(p.List)-1].ID.String()}}
		if p.Search != "" {
			query.Set("q", p.Search)
		}
		p.Older = "/admin/users?" + query.Encode()
	}
	return officePage(c, "People", pages.AdminPeoplePage(p))
}

func (s *staff) show(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, id, "")
}

// page is one person, with what was refused.
func (s *staff) page(c echo.Context, status int, id uuid.UUID, fault string) error {
	person, err := s.admin.Person(c.Request().Context(), web.Actor(c), id)
	if err != nil {
		return err
	}
	p := pages.AdminPerson{PersonDetail: person, Own: id == web.Person(c).ID, Fault: fault, Now: web.Now(c)}
	return web.Page(c, status, web.Meta{Title: person.Name, Nav: "admin"}, pages.AdminPersonPage(p))
}

// act makes a handler of what is done to one person: it says so on their page, or there why it was refused.
func (s *staff) act(do func(ctx context.Context, who actor.Actor, id uuid.UUID) (auth.User, error), done string) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, err := web.ID(c, "id")
		if err != nil {
			return err
		}
		_, err = do(c.Request().Context(), web.Actor(c), id)
		switch {
		case errs.KindOf(err) == errs.Conflict:
			return s.page(c, http.StatusConflict, id, errs.Message(err))
		case err != nil:
			return err
		}
		web.Flash(c, web.OK, done)
		return web.Redirect(c, "/admin/users/"+id.String())
	}
}

func (s *staff) setRole(c echo.Context) error {
	var form struct {
		Role string `form:"role"`
	}
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	done := "The role is taken away. Whatever they were signed in with has ended."
	if form.Role == string(auth.RoleAdmin) {
		done = "This person is an administrator now. They sign in anew."
	}
	return s.act(func(ctx context.Context, who actor.Actor, id uuid.UUID) (auth.User, error) {
		return s.auth.SetRole(ctx, who, id, auth.Role(form.Role))
	}, done)(c)
}

func (s *staff) askDelete(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	return s.deletePage(c, http.StatusOK, id, pages.Fields{})
}

func (s *staff) deletePage(c echo.Context, status int, id uuid.UUID, f pages.Fields) error {
	person, err := s.admin.Person(c.Request().Context(), web.Actor(c), id)
	if err != nil {
		return err
	}
	p := pages.AdminPerson{PersonDetail: person, Fields: f, Own: id == web.Person(c).ID, Now: web.Now(c)}
	return web.Page(c, status, web.Meta{Title: "Delete " + person.Name, Nav: "admin"}, pages.AdminDeletePage(p))
}

// remove deletes a person after their address was written, and has their banks told.
func (s *staff) remove(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	var form struct {
		Email string `form:"email"`
	}
	ctx, who := c.Request().Context(), web.Actor(c)
	if err = web.Bind(c, &form); err == nil {
		_, err = s.auth.DeleteUser(ctx, who, id, form.Email, func(ctx context.Context) error { return s.connections.EndAll(ctx, who, id) })
	}
	f, status, ok := again(c, err, map[string]string{"email": form.Email})
	switch {
	case err == nil:
		web.Flash(c, web.OK, "The account is deleted, with everything that belonged to it.")
		return web.Redirect(c, "/admin/users")
	case ok:
		return s.deletePage(c, status, id, f)
	case errors.Is(err, auth.ErrNotFound):
		return web.ErrNoPage
	case errs.KindOf(err) == errs.Conflict:
		return s.page(c, http.StatusConflict, id, errs.Message(err))
	}
	return err
}
