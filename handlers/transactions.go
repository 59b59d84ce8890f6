package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/errs"
	"dashtam/services/ledger"
	"dashtam/views/pages"
)

// terms are the search as it stands in the address.
func terms(c echo.Context) ledger.Terms {
	return ledger.Terms{
		Account: c.QueryParam("account"), From: c.QueryParam("from"), To: c.QueryParam("to"), Text: c.QueryParam("q"),
		Min: c.QueryParam("min"), Max: c.QueryParam("max"), Flow: c.QueryParam("flow"), Status: c.QueryParam("status"), Cursor: c.QueryParam("cursor"),
	}
}

// transactions is one page of the list. What cannot be searched for is asked again.
func (m *money) transactions(c echo.Context) error {
	v := pages.Transactions{Terms: terms(c), Now: web.Now(c)}
	meta := web.Meta{Title: "Transactions", Nav: "transactions"}
	q, err := v.Terms.Query()
	if v.Wrong = errs.FieldsOf(err); v.Wrong != nil {
		return web.Page(c, http.StatusUnprocessableEntity, meta, pages.TransactionsPage(v))
	}
	if err == nil {
		v.Page, err = m.ledger.Transactions(c.Request().Context(), web.Actor(c), q, v.Now)
	}
	if err != nil {
		return err
	}
	return web.Page(c, http.StatusOK, meta, pages.TransactionsPage(v))
}

// transaction shows one transaction with its note.
func (m *money) transaction(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	t, err := m.ledger.Transaction(c.Request().Context(), web.Actor(c), id)
	if err != nil {
		return err
	}
	return m.transactionPage(c, http.StatusOK, t, pages.Fields{Values: map[string]string{"note": t.Note}})
}

// note keeps what the person writes about a transaction.
func (m *money) note(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	var form struct {
		Note string `form:"note"`
	}
	ctx, who := c.Request().Context(), web.Actor(c)
	if err = web.Bind(c, &form); err == nil {
		err = m.ledger.SetNote(ctx, who, id, form.Note)
	}
	if f, status, ok := again(c, err, map[string]string{"note": form.Note}); ok {
		t, err := m.ledger.Transaction(ctx, who, id)
		if err != nil {
			return err
		}
		return m.transactionPage(c, status, t, f)
	}
	if err != nil {
		return err
	}
	web.Flash(c, web.OK, "Your note is saved.")
	return web.Redirect(c, "/transactions/"+id.String())
}

func (m *money) transactionPage(c echo.Context, status int, t ledger.Transaction, note pages.Fields) error {
	v := pages.Transaction{Transaction: t, Form: note, Now: web.Now(c)}
	return web.Page(c, status, web.Meta{Title: v.Title(), Nav: "transactions"}, pages.TransactionPage(v))
}
