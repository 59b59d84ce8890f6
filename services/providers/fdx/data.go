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

// The bounds of one listing: what a person can have, generously, and what a broken bank can make us ask.
const (
	pageSize       = 500
	mostPages      = 1000
	mostItems      = 200_000
	mostIdle       = 3 // pages in a row that bring nothing new
	longestNext    = 4096
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
	err := a.each(ctx, access, "/accounts", url.Values{"resultType": {"details"}}, "Account", func(raw json.RawMessage) (string, error) {
		var f account
		if err := json.Unmarshal(raw, &f); err != nil {
			return "", errShape
		}
		b, err := f.toLedger(a.c.Now())
		if errors.Is(err, errNoBalance) {
			b, err = a.detail(ctx, access, f.AccountID)
		}
		if err != nil {
			return "", err
		}
		if b.NumberHash == nil {
			b.NumberHash = a.numberHash(string(f.AccountNumber))
		}
		list = append(list, b)
		return f.AccountID, nil
	})
	return list, err
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

// Transactions reads all pages of the window into account.
func (a *Adapter) Transactions(ctx context.Context, access encryption.Secret, account ledger.BankAccount, from, to time.Time) (ledger.BankAccount, error) {
	query := url.Values{"startTime": {from.Format(time.DateOnly)}, "endTime": {to.Format(time.DateOnly)}}
	account.From, account.To, account.Transactions = from, to, nil
	place := "/accounts/" + url.PathEscape(account.ExternalID) + "/transactions"
	err := a.each(ctx, access, place, query, "Transaction", func(raw json.RawMessage) (string, error) {
		var f transaction
		if err := json.Unmarshal(raw, &f); err != nil {
			return "", errShape
		}
		t, ok, err := f.toLedger(account.Balance.Currency)
		if ok {
			account.Transactions = append(account.Transactions, t)
		}
		return f.TransactionID, err
	})
	return account, err
}

// each walks the pages of a listing and calls item for everything on them, with what v5 wraps taken out. item returns the
// item's id. A walk that does not end is a failure: a page asked for twice, pages that bring nothing new, too many pages.
func (a *Adapter) each(ctx context.Context, access encryption.Secret, path string, query url.Values, suffix string, item func(json.RawMessage) (string, error)) error {
	query.Set("limit", strconv.Itoa(pageSize))
	place := a.c.Profile.API + path + "?" + query.Encode()
	asked, seen, idle := map[string]bool{}, map[string]bool{}, 0
	for pages := 0; place != ""; pages++ {
		if asked[place] || idle > mostIdle || pages == mostPages || len(seen) > mostItems {
			return &providers.Failure{Class: providers.Nonsense, Code: "endless_pages"}
		}
		asked[place] = true
		var l listing
		if err := a.get(ctx, place, access.Reveal(), providers.DataBytes, &l); err != nil {
			return err
		}
		known := len(seen)
		for _, raw := range append(l.Accounts, l.Transactions...) {
			id, err := item(unwrap(raw, suffix))
			if err != nil {
				return nonsense(err)
			}
			seen[id] = true
		}
		if idle++; len(seen) > known {
			idle = 0
		}
		var err error
		if place, err = a.next(path, query, l); err != nil {
			return err
		}
	}
	return nil
}

// next is the URL of the page that follows, empty after the last. Keys are opaque. A link is followed only where the API
// is: the request carries the access token (OA-16).
func (a *Adapter) next(path string, query url.Values, l listing) (string, error) {
	follow := url.Values{}
	for k, v := range query {
		follow[k] = v
	}
	switch {
	case len(l.Page.NextPageKey)+len(l.Page.NextOffset)+len(l.Links.Next.Href) > longestNext:
		return "", &providers.Failure{Class: providers.Nonsense, Code: "endless_pages"}
	case l.Page.NextPageKey != "":
		follow.Set("pageKey", string(l.Page.NextPageKey))
	case l.Page.NextOffset != "":
		follow.Set("offset", string(l.Page.NextOffset))
	case l.Links.Next.Href != "":
		return a.link(l.Links.Next.Href)
	default:
		return "", nil
	}
	return a.c.Profile.API + path + "?" + follow.Encode(), nil
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
