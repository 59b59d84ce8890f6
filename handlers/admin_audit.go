package handlers

import (
	"encoding/csv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	administration "dashtam/services/admin" // admin is an access level here
	"dashtam/services/errs"
	"dashtam/views/pages"
)

// eventsPage is how many lines of the audit log a page holds.
const eventsPage = 50

// eventTerms are the search as it stands in the address.
func eventTerms(c echo.Context) administration.EventTerms {
	return administration.EventTerms{
		Person: c.QueryParam("person"), Act: c.QueryParam("act"), From: c.QueryParam("from"), To: c.QueryParam("to"),
		Result: c.QueryParam("result"), Cursor: c.QueryParam("before"),
	}
}

// audit is a page of the audit log. What cannot be searched for is asked again.
func (o *office) audit(c echo.Context) error {
	p := pages.AdminAudit{Terms: eventTerms(c), Now: web.Now(c)}
	list, more, err := o.admin.Events(c.Request().Context(), web.Actor(c), p.Terms, p.Now.Location(), eventsPage)
	status := http.StatusOK
	if p.Wrong = errs.FieldsOf(err); p.Wrong != nil {
		status = http.StatusUnprocessableEntity
	} else if err != nil {
		return err
	}
	p.List = list
	if more {
		p.Older = p.With("/admin/audit", "before", strconv.FormatInt(list[len(list)-1].ID, 10))
	}
	return web.Page(c, status, web.Meta{Title: "Audit", Nav: "admin"}, pages.AdminAuditPage(p))
}

var auditHead = []string{"id", "at_utc", "actor", "who", "whose", "act", "target", "result", "ip", "user_agent", "request_id", "detail"}

// exportAudit sends every line of a search as CSV, page by page as the database gives them.
func (o *office) exportAudit(c echo.Context) error {
	w := csv.NewWriter(c.Response())
	w.UseCRLF = true
	begin := func() error { return beginCSV(c, w, "audit", auditHead) }
	if c.Request().Method == http.MethodHead {
		return begin()
	}
	err := o.admin.ExportEvents(c.Request().Context(), web.Actor(c), eventTerms(c), web.Now(c).Location(), func(e administration.Event) error {
		if err := begin(); err != nil {
			return err
		}
		return w.Write(auditRow(e))
	})
	if err == nil {
		err = begin() // nothing matched: the head alone
	}
	if err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

// auditRow is an event as a line. What browsers and people wrote is made inert (XS-3).
func auditRow(e administration.Event) []string {
	var details []string
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		details = append(details, key+"="+e.Detail[key])
	}
	ip := ""
	if e.IP != nil {
		ip = e.IP.String()
	}
	return []string{
		strconv.FormatInt(e.ID, 10), e.At.UTC().Format(time.RFC3339Nano), e.ActorKind, inert(e.Who), inert(e.Whose), e.Act, inert(e.Target),
		string(e.Result), ip, inert(e.UserAgent), inert(e.RequestID), inert(strings.Join(details, " ")),
	}
}
