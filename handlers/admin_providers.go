package handlers

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/connections"
	"dashtam/services/encryption"
	"dashtam/services/errs"
	"dashtam/services/providers"
	"dashtam/views/pages"
)

// sources are the banks that people can connect, as administrators see them.
type sources struct {
	banks       *providers.Service
	connections *connections.Service
	base        *url.URL
}

func (s *sources) index(c echo.Context) error {
	health, err := s.connections.Health(c.Request().Context())
	if err != nil {
		return err
	}
	return officePage(c, "Providers", pages.AdminProvidersPage(pages.AdminProviders{
		List: s.connections.Providers(), Health: health, Now: web.Now(c),
	}))
}

func (s *sources) show(c echo.Context) error { return s.page(c, http.StatusOK, nil, "") }

// page is one bank, with what a test found, or why something was refused.
func (s *sources) page(c echo.Context, status int, found []providers.Finding, fault string) error {
	profile, err := s.connections.Provider(c.Param("provider"))
	if err != nil {
		return err
	}
	health, err := s.connections.Health(c.Request().Context())
	if err != nil {
		return err
	}
	p := pages.AdminProvider{
		Profile: profile, Health: health[profile.Slug], Redirect: s.redirect(profile.Slug), Found: found, Fault: fault, Now: web.Now(c),
	}
	return web.Page(c, status, web.Meta{Title: profile.Name, Nav: "admin"}, pages.AdminProviderPage(p))
}

// redirect is the address to which a bank sends people back.
func (s *sources) redirect(slug string) string {
	return s.base.JoinPath("connections", slug, "callback").String()
}

// test tries the bank now, and shows what came of it.
func (s *sources) test(c echo.Context) error {
	found, err := s.banks.Test(c.Request().Context(), web.Actor(c), c.Param("provider"))
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, found, "")
}

// providerForm is what is written about a bank.
type providerForm struct {
	Slug     string `form:"slug"`
	Name     string `form:"name"`
	Kind     string `form:"kind"`
	Issuer   string `form:"issuer"`
	ClientID string `form:"client_id"`
	Secret   string `form:"client_secret"`
	Scopes   string `form:"scopes"`
	API      string `form:"api_base_url"`
	History  string `form:"history_days"`
	Consent  string `form:"consent_days"`
}

func (f providerForm) form() providers.Form {
	return providers.Form{
		Slug: f.Slug, Name: f.Name, Kind: f.Kind, Issuer: f.Issuer, API: f.API, ClientID: f.ClientID, ClientSecret: encryption.Secret(f.Secret),
		Scopes: f.Scopes, HistoryDays: f.History, ConsentDays: f.Consent,
	}
}

// typed is what stands in the form when it is shown again: everything but the secret.
func (f providerForm) typed() map[string]string {
	return map[string]string{
		"slug": f.Slug, "name": f.Name, "kind": f.Kind, "issuer": f.Issuer, "client_id": f.ClientID, "scopes": f.Scopes, "api_base_url": f.API,
		"history_days": f.History, "consent_days": f.Consent,
	}
}

func (s *sources) new(c echo.Context) error {
	return s.formPage(c, http.StatusOK, pages.ProviderForm{Fields: pages.Fields{Values: map[string]string{"scopes": providers.UsualScopes}}})
}

func (s *sources) formPage(c echo.Context, status int, p pages.ProviderForm) error {
	p.Base = s.base.JoinPath("connections").String()
	return web.Page(c, status, web.Meta{Title: p.Title(), Nav: "admin"}, pages.ProviderFormPage(p))
}

func (s *sources) create(c echo.Context) error {
	var form providerForm
	var found []providers.Finding
	err := web.Bind(c, &form)
	if err == nil {
		found, err = s.banks.Add(c.Request().Context(), web.Actor(c), form.form())
	}
	if f, status, ok := again(c, err, form.typed()); ok {
		return s.formPage(c, status, pages.ProviderForm{Fields: f})
	}
	if err != nil {
		return err
	}
	saved(c, form.Name+" can be connected now.", found)
	return web.Redirect(c, pages.ProvidersPath)
}

// saved says that a bank was kept, and the first thing a look at it found.
func saved(c echo.Context, done string, found []providers.Finding) {
	i := slices.IndexFunc(found, func(f providers.Finding) bool { return f.State != providers.Works })
	if i < 0 {
		web.Flash(c, web.OK, done+" It was tried, and answers as it should.")
		return
	}
	web.Flash(c, web.Warn, done+" But look at this: "+found[i].Found+" "+found[i].Do)
}

func (s *sources) edit(c echo.Context) error {
	form, secret, err := s.banks.Form(c.Request().Context(), web.Actor(c), c.Param("provider"))
	if err != nil {
		return err
	}
	now := providerForm{
		Slug: form.Slug, Name: form.Name, Kind: form.Kind, Issuer: form.Issuer, ClientID: form.ClientID, Scopes: form.Scopes, API: form.API,
		History: form.HistoryDays, Consent: form.ConsentDays,
	}
	return s.formPage(c, http.StatusOK, pages.ProviderForm{Slug: form.Slug, Secret: secret, Fields: pages.Fields{Values: now.typed()}})
}

func (s *sources) change(c echo.Context) error {
	var form providerForm
	var found []providers.Finding
	ctx, who, slug := c.Request().Context(), web.Actor(c), c.Param("provider")
	old, secret, err := s.banks.Form(ctx, who, slug)
	if err != nil {
		return err
	}
	if err = web.Bind(c, &form); err == nil {
		found, err = s.banks.Change(ctx, who, slug, form.form())
	}
	form.Slug, form.Kind = old.Slug, old.Kind
	if f, status, ok := again(c, err, form.typed()); ok {
		return s.formPage(c, status, pages.ProviderForm{Slug: slug, Secret: secret, Fields: f})
	}
	if err != nil {
		return err
	}
	saved(c, "The changes are kept.", found)
	return web.Redirect(c, pages.ProviderPath(slug, ""))
}

// turn makes a handler that switches a bank off or on.
func (s *sources) turn(off bool, done string) echo.HandlerFunc {
	return func(c echo.Context) error {
		slug := c.Param("provider")
		if err := s.banks.Switch(c.Request().Context(), web.Actor(c), slug, off); err != nil {
			return err
		}
		web.Flash(c, web.OK, done)
		return web.Redirect(c, pages.ProviderPath(slug, ""))
	}
}

func (s *sources) askRemove(c echo.Context) error {
	profile, err := s.connections.Provider(c.Param("provider"))
	if err != nil {
		return err
	}
	if !profile.Added {
		return providers.ErrBuiltIn
	}
	return web.Page(c, http.StatusOK, web.Meta{Title: "Remove " + profile.Name, Nav: "admin"}, pages.ProviderRemovePage(profile))
}

func (s *sources) remove(c echo.Context) error {
	err := s.banks.Remove(c.Request().Context(), web.Actor(c), c.Param("provider"))
	if errs.KindOf(err) == errs.Conflict {
		return s.page(c, http.StatusConflict, nil, errs.Message(err))
	}
	if err != nil {
		return err
	}
	web.Flash(c, web.OK, "The bank is removed, and its client secret erased.")
	return web.Redirect(c, pages.ProvidersPath)
}
