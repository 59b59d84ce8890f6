package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/ledger"
)

func (a *api) accounts(c echo.Context) error {
	standings, err := a.Ledger.Accounts(c.Request().Context(), web.Actor(c), web.Now(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, listOf(standings, func(s ledger.Standing) account { return accountOf(s.Account) }))
}

func (a *api) account(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	statement, err := a.Ledger.Account(c.Request().Context(), web.Actor(c), id, ledger.Month, web.Now(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, accountOf(statement.Account))
}

// transactions takes the query of the page of that name, and limit.
func (a *api) transactions(c echo.Context) error {
	q, err := ledger.Terms{
		Account: c.QueryParam("account"), From: c.QueryParam("from"), To: c.QueryParam("to"), Text: c.QueryParam("q"),
		Min: c.QueryParam("min"), Max: c.QueryParam("max"), Status: c.QueryParam("status"),
		Cursor: c.QueryParam("cursor"), Limit: c.QueryParam("limit"),
	}.Query()
	if err != nil {
		return err
	}
	page, err := a.Ledger.Transactions(c.Request().Context(), web.Actor(c), q, web.Now(c))
	if err != nil {
		return err
	}
	found := listOf(page.Transactions, transactionOf)
	if !page.Next.IsZero() {
		next := page.Next.String()
		found.NextCursor = &next
	}
	return c.JSON(http.StatusOK, found)
}

func (a *api) holdings(c echo.Context) error {
	portfolios, err := a.Ledger.Holdings(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	var all []ledger.Holding
	for _, p := range portfolios {
		all = append(all, p.Holdings...)
	}
	return c.JSON(http.StatusOK, listOf(all, holdingOf))
}
