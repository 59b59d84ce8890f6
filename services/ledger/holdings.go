package ledger

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"dashtam/services/actor"
	"dashtam/services/money"
)

// Portfolio is an investment account with what it holds, the largest position first.
type Portfolio struct {
	Account  Account
	Holdings []Holding
}

// Uninvested is the part of the account's balance that no holding explains: cash, when the bank counts it in.
func (p Portfolio) Uninvested() money.Amount {
	left := p.Account.Balance
	for _, h := range p.Holdings {
		if h.Value.Currency == left.Currency {
			left.Minor -= h.Value.Minor
		}
	}
	return left
}

const holdingSelect = `
	SELECT h.account_id, CASE WHEN a.name = '' THEN a.bank_name ELSE a.name END AS account_name, h.symbol, h.name, h.quantity,
		h.price, h.value_minor, h.cost_basis_minor, h.currency, h.as_of
	FROM holdings h JOIN accounts a ON a.user_id = h.user_id AND a.id = h.account_id
	WHERE h.user_id = @user`

const largestFirst = ` ORDER BY h.value_minor DESC, h.external_id`

type holdingRow struct {
	AccountID      uuid.UUID
	AccountName    string
	Symbol         string
	Name           string
	Quantity       decimal.Decimal
	Price          *decimal.Decimal
	ValueMinor     int64
	CostBasisMinor *int64
	Currency       string
	AsOf           time.Time
}

func (r holdingRow) holding() Holding {
	return Holding{
		AccountID: r.AccountID, AccountName: r.AccountName, Symbol: r.Symbol, Name: r.Name, Quantity: r.Quantity, Price: r.Price,
		Value: money.Amount{Minor: r.ValueMinor, Currency: r.Currency}, CostBasis: amountOf(r.CostBasisMinor, r.Currency), AsOf: r.AsOf,
	}
}

func holdingsOf(rows []holdingRow) []Holding {
	var list []Holding
	for _, r := range rows {
		list = append(list, r.holding())
	}
	return list
}

// Holdings reads what who holds, account by account. Investment accounts without a position are there too, those of a
// connection that has ended are not.
func (s *Service) Holdings(ctx context.Context, who actor.Actor) ([]Portfolio, error) {
	var b pgx.Batch
	var accounts []accountRow
	var rows []holdingRow
	args := pgx.NamedArgs{"user": who.UserID}
	ask(&b, &accounts, accountSelect+` AND a.closed_at IS NULL AND a.gone_at IS NULL AND c.status <> 'disconnected' ORDER BY a.id`, args)
	ask(&b, &rows, holdingSelect+largestFirst, args)
	if err := s.read(ctx, "holdings", &b); err != nil {
		return nil, err
	}
	held := map[uuid.UUID][]Holding{}
	for _, r := range rows {
		held[r.AccountID] = append(held[r.AccountID], r.holding())
	}
	var list []Portfolio
	for _, a := range accounts {
		if a.Kind.Group() == Investments || len(held[a.ID]) > 0 {
			list = append(list, Portfolio{Account: a.account(), Holdings: held[a.ID]})
		}
	}
	return list, nil
}
