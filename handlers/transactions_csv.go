package handlers

import (
	"encoding/csv"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/ledger"
)

// csvHead is the first line of an export.
var csvHead = []string{"date", "account", "account_number", "payee", "description", "category", "amount", "currency", "status", "note"}

// exportTransactions sends every transaction of a search as CSV (RFC 4180), row by row as the database gives them. The
// answer's head goes out with the first row, so that what can be refused still is.
func (m *money) exportTransactions(c echo.Context) error {
	q, err := terms(c).Query()
	if err != nil {
		return err
	}
	w := csv.NewWriter(c.Response())
	w.UseCRLF = true
	begin := func() error { return beginCSV(c, w, "transactions", csvHead) }
	if c.Request().Method == http.MethodHead {
		return begin()
	}
	err = m.ledger.Export(c.Request().Context(), web.Actor(c), q, func(t ledger.Transaction) error {
		if err := begin(); err != nil {
			return err
		}
		return w.Write(csvRow(t))
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

// beginCSV sends the answer's head and the first line, where that was not done yet.
func beginCSV(c echo.Context, w *csv.Writer, name string, head []string) error {
	if c.Response().Committed {
		return nil
	}
	h := c.Response().Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+"-"+web.Now(c).Format(time.DateOnly)+`.csv"`)
	h.Set("Cache-Control", "no-store")
	c.Response().WriteHeader(http.StatusOK)
	return w.Write(head)
}

// csvRow is a transaction as a line. The amount is a plain number; everything a bank or a person wrote is made inert.
func csvRow(t ledger.Transaction) []string {
	return []string{
		t.BookedOn.Format(time.DateOnly), inert(t.AccountName), inert(t.AccountMask), inert(t.Payee), inert(t.Description), inert(t.Category),
		t.Amount.String(), t.Amount.Currency, string(t.Status), inert(t.Note),
	}
}

// inert puts an apostrophe before text that a spreadsheet would take for a formula (XS-3). Blanks in front do not hide
// one, and full-width signs are read as the plain ones.
func inert(s string) string {
	if strings.ContainsAny(firstRune(s), "\t\r\n") || strings.ContainsAny(firstRune(strings.TrimSpace(s)), "=+-@＝＋－＠") {
		return "'" + s
	}
	return s
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
