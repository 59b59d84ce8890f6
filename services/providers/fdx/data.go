package fdx

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dashtam/services/encryption"
	"dashtam/services/ledger"
	"dashtam/services/providers"
)

const (
	pageSize       = 500
	shortestNumber = 6 // characters of a whole account number
)

// listing is one page of accounts or transactions.
type listing struct {
	Page         page              `json:"page"`
	Links        links             `json:"links"`
	Accounts     []json.RawMessage `json:"accounts"`
	Transactions []json.RawMessage `json:"transactions"`
}

// Accounts lists the accounts with balances and holdings. A list that leaves the details out is completed one by one.
func (a *Adapter) Accounts(ctx context.Context, access encryption.Secret) ([]ledger.BankAccount, error) {
	var list []ledger.BankAccount
	var walk providers.Walk
	for cursor := ""; ; {
		var ids []string
		next, err := a.page(ctx, access, "/accounts", url.Values{"resultType": {"details"}}, cursor, "Account", func(raw json.RawMessage) error {
			var f account
			if err := json.Unmarshal(raw, &f); err != nil {
				return errShape
			}
			b, err := f.toLedger(a.c.Now())
			if errors.Is(err, errNoBalance) {
				b, err = a.detail(ctx, access, f.AccountID)
			}
			if b.NumberHash == nil {
				b.NumberHash = a.numberHash(string(f.AccountNumber))
			}
			list, ids = append(list, b), append(ids, f.AccountID)
			return err
		})
		if err == nil {
			err = walk.Read(next, ids)
		}
		if err != nil || next == "" {
			return list, err
		}
		cursor = next
	}
}

// detail asks for one account.
func (a *Adapter) detail(ctx context.Context, access encryption.Secret, id string) (ledger.BankAccount, error) {
	var raw json.RawMessage
	if err := a.get(ctx, a.c.Profile.API+"/accounts/"+url.PathEscape(id), access.Reveal(), providers.DataBytes, &raw); err != nil {
		return ledger.BankAccount{}, err
	}
	var f account
	if err := json.Unmarshal(unwrap(raw, "Account"), &f); err != nil {
		return ledger.BankAccount{}, errShape
	}
	b, err := f.toLedger(a.c.Now())
	b.NumberHash = a.numberHash(string(f.AccountNumber))
	return b, err
}

// numberHash is what is kept of a whole account number: enough to know the account again under another id, and nothing to
// read. What is masked or too short is no whole number.
func (a *Adapter) numberHash(number string) []byte {
	number = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(number))
	if len(a.c.NumberKey) == 0 || len(number) < shortestNumber || strings.Trim(number, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return nil
	}
	mac := hmac.New(sha256.New, a.c.NumberKey)
	mac.Write([]byte(a.c.Profile.Slug + "/" + number))
	return mac.Sum(nil)
}

// Transactions reads one page of the window.
func (a *Adapter) Transactions(ctx context.Context, access encryption.Secret, account providers.Account, from, to time.Time, cursor string) (p providers.Page, err error) {
	query := url.Values{"startTime": {from.Format(time.DateOnly)}, "endTime": {to.Format(time.DateOnly)}}
	place := "/accounts/" + url.PathEscape(account.ID) + "/transactions"
	p.Next, err = a.page(ctx, access, place, query, cursor, "Transaction", func(raw json.RawMessage) error {
		var f transaction
		if err := json.Unmarshal(raw, &f); err != nil {
			return errShape
		}
		t, ok, err := f.toLedger(account.Currency)
		if ok && err == nil {
			p.Transactions = append(p.Transactions, t)
		}
		return err
	})
	return p, err
}

// page reads the page of a listing at cursor and calls item for everything on it, with what v5 wraps taken out. next is the
// cursor of the page that follows: how the bank named it, a key, an offset or a link, and the name.
func (a *Adapter) page(ctx context.Context, access encryption.Secret, path string, query url.Values, cursor, suffix string, item func(json.RawMessage) error) (next string, err error) {
	place, err := a.place(path, query, cursor)
	if err != nil {
		return "", err
	}
	var l listing
	if err := a.get(ctx, place, access.Reveal(), providers.DataBytes, &l); err != nil {
		return "", err
	}
	for _, raw := range append(l.Accounts, l.Transactions...) {
		if err := item(unwrap(raw, suffix)); err != nil {
			return "", nonsense(err)
		}
	}
	switch {
	case l.Page.NextPageKey != "":
		return keyCursor + string(l.Page.NextPageKey), nil
	case l.Page.NextOffset != "":
		return offsetCursor + string(l.Page.NextOffset), nil
	case l.Links.Next.Href != "":
		if len(l.Links.Next.Href) <= providers.MostCursor { // a longer one is refused as it is
			_, err = a.link(l.Links.Next.Href)
		}
		return linkCursor + l.Links.Next.Href, err
	}
	return "", nil
}

// How a cursor begins.
const (
	keyCursor    = "k"
	offsetCursor = "o"
	linkCursor   = "l"
)

// place is the URL of the page at cursor. A link is followed only where the API is: the request carries the access token
// (OA-16).
func (a *Adapter) place(path string, query url.Values, cursor string) (string, error) {
	query.Set("limit", strconv.Itoa(pageSize))
	if href, ok := strings.CutPrefix(cursor, linkCursor); ok {
		return a.link(href)
	}
	if key, ok := strings.CutPrefix(cursor, keyCursor); ok {
		query.Set("pageKey", key)
	}
	if offset, ok := strings.CutPrefix(cursor, offsetCursor); ok {
		query.Set("offset", offset)
	}
	return a.c.Profile.API + path + "?" + query.Encode(), nil
}

// link resolves a link to the next page, which FDX gives whole, from the host's root or below the API's base, and refuses
// one that leads away from the API.
func (a *Adapter) link(href string) (string, error) {
	api, err := url.Parse(a.c.Profile.API)
	if err != nil {
		return "", misconfigured(err)
	}
	u, err := url.Parse(href)
	if err == nil && u.Host == "" && !strings.HasPrefix(u.Path, api.Path+"/") {
		u, err = url.Parse(a.c.Profile.API + "/" + strings.TrimPrefix(href, "/"))
	}
	if err == nil {
		u = api.ResolveReference(u)
	}
	if err != nil || !sameOrigin(u, api) || u.User != nil || !strings.HasPrefix(u.Path, api.Path+"/") {
		return "", &providers.Failure{Class: providers.Nonsense, Code: "foreign_link"}
	}
	return u.String(), nil
}

var errShape = errors.New("fdx: an item of another shape")

// nonsense wraps what an item could not be mapped for; a Failure passes.
func nonsense(err error) error {
	if providers.FailureOf(err) != nil {
		return err
	}
	return &providers.Failure{Class: providers.Nonsense, Code: "bad_item", Cause: err}
}
