package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/money"
)

// conditions are the part of a statement that follows "WHERE t.user_id = @user". Their text is made of this package's
// constants only; whatever a person typed is an argument.
type conditions struct {
	sql  strings.Builder
	args pgx.NamedArgs
}

func (c *conditions) and(condition string) { c.sql.WriteString(" AND " + condition) }

func (c *conditions) andWith(condition, name string, value any) {
	c.and(condition)
	c.args[name] = value
}

// where turns a query into conditions on transactions, called t.
func (q Query) where(user uuid.UUID) (string, pgx.NamedArgs) {
	c := &conditions{args: pgx.NamedArgs{"user": user}}
	if q.Account != uuid.Nil {
		c.andWith("t.account_id = @account", "account", q.Account)
	}
	if !q.From.IsZero() {
		c.andWith("t.booked_on >= @from", "from", q.From)
	}
	if !q.To.IsZero() {
		c.andWith("t.booked_on <= @to", "to", q.To)
	}
	if q.Status != "" {
		c.andWith("t.status = @status", "status", string(q.Status))
	}
	switch q.Flow {
	case "in":
		c.and("t.amount_minor > 0")
	case "out":
		c.and("t.amount_minor < 0")
	}
	q.whereAmount(c)
	q.whereText(c)
	return c.sql.String(), c.args
}

// whereAmount compares sizes, so that 100 finds what came in and what went out; a bound below zero makes both bounds
// mean the signed amount.
func (q Query) whereAmount(c *conditions) {
	amount := "abs(" + wholeUnits + ")"
	if (q.Min != nil && q.Min.IsNegative()) || (q.Max != nil && q.Max.IsNegative()) {
		amount = wholeUnits
	}
	if q.Min != nil {
		c.andWith(amount+" >= @min::text::numeric", "min", q.Min.String())
	}
	if q.Max != nil {
		c.andWith(amount+" <= @max::text::numeric", "max", q.Max.String())
	}
}

func (q Query) whereText(c *conditions) {
	if q.Text == "" {
		return
	}
	found := "t.payee ILIKE @text OR t.description ILIKE @text OR t.category ILIKE @text OR t.note ILIKE @text"
	c.args["text"] = "%" + likeEscape.Replace(q.Text) + "%"
	if size, ok := plainDecimal(q.Text); ok {
		found += " OR abs(" + wholeUnits + ") = @size::text::numeric"
		c.args["size"] = size.Abs().String()
	}
	c.and("(" + found + ")")
}

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// wholeUnits is the SQL for a transaction's amount in whole units of its currency, exactly.
var wholeUnits = func() string {
	sql := "t.amount_minor::numeric / CASE t.currency"
	unusual := money.Unusual()
	for _, currency := range slices.Sorted(maps.Keys(unusual)) {
		sql += fmt.Sprintf(" WHEN '%s' THEN 1e%d", currency, unusual[currency])
	}
	return "(" + sql + " ELSE 100 END)"
}()
