package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/ledger"
	"dashtam/views/pages"
)

// money is what a person sees of their accounts.
type money struct{ ledger *ledger.Service }

// overview is net worth on one page.
func (m *money) overview(c echo.Context) error {
	now, span := web.Now(c), ledger.ParseRange(c.QueryParam("range"), ledger.SixMonths)
	o, err := m.ledger.Overview(c.Request().Context(), web.Actor(c), span, now)
	if err != nil {
		return err
	}
	return web.Page(c, http.StatusOK, web.Meta{Title: "Overview", Nav: "overview"}, pages.OverviewPage(pages.Overview{Overview: o, Range: span, Now: now}))
}

// accounts lists the accounts.
func (m *money) accounts(c echo.Context) error {
	now := web.Now(c)
	list, err := m.ledger.Accounts(c.Request().Context(), web.Actor(c), now)
	if err != nil {
		return err
	}
	return web.Page(c, http.StatusOK, web.Meta{Title: "Accounts", Nav: "accounts"}, pages.AccountsPage(pages.Accounts{Accounts: list, Now: now}))
}

// account shows one account.
func (m *money) account(c echo.Context) error {
	id, err := web.ID(c, "id")
	if err != nil {
		return err
	}
	now, span := web.Now(c), ledger.ParseRange(c.QueryParam("range"), ledger.ThreeMonths)
	s, err := m.ledger.Account(c.Request().Context(), web.Actor(c), id, span, now)
	if err != nil {
		return err
	}
	return web.Page(c, http.StatusOK, web.Meta{Title: s.Account.Name, Nav: "accounts"}, pages.AccountPage(pages.Account{Statement: s, Range: span, Now: now}))
}

// holdings lists what the person holds.
func (m *money) holdings(c echo.Context) error {
	list, err := m.ledger.Holdings(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	return web.Page(c, http.StatusOK, web.Meta{Title: "Holdings", Nav: "accounts"}, pages.HoldingsPage(pages.Portfolios{List: list, Now: web.Now(c)}))
}
