package handlers

import (
	"errors"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/errs"
	"dashtam/services/ledger"
	"dashtam/views/pages"
)

// decide takes the answer to which account one of the bank's is. A page that is older than the answer leads to what is
// true now.
func (b *banks) decide(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	question, err := web.ID(c, "question")
	if err != nil {
		return err
	}
	var form struct {
		Account string `form:"account"`
	}
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	account, bad := uuid.Parse(form.Account)
	switch {
	case form.Account == pages.AnotherAccount:
		account = uuid.Nil
	case bad != nil || account == uuid.Nil:
		account = question // which is none of those that were offered
	}
	err = b.syncer.Decide(c.Request().Context(), web.Actor(c), id, question, account)
	if f, status, ok := again(c, err, nil); ok {
		return b.page(c, status, id, f)
	}
	return b.sorted(c, id, err, "That is settled. Dashtam fetches what the bank knows of this account.")
}

// split undoes that an account was taken for one the person had.
func (b *banks) split(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	merge, err := web.ID(c, "merge")
	if err != nil {
		return err
	}
	err = b.syncer.Split(c.Request().Context(), web.Actor(c), id, merge)
	return b.sorted(c, id, err, "These are two accounts again, each with what was its own.")
}

// sorted leads back to the connection with what became of its accounts.
func (b *banks) sorted(c echo.Context, id uuid.UUID, err error, done string) error {
	switch {
	case errors.Is(err, ledger.ErrNoQuestion), errors.Is(err, ledger.ErrNoMerge):
		web.Flash(c, web.Note, errs.Message(err))
	case err != nil:
		return err
	default:
		web.Flash(c, web.OK, done)
	}
	return web.Redirect(c, "/connections/"+id.String())
}
