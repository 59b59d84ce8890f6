package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What the bank knows: three accounts, one of them on the second page, and a long list of transactions on the first.
const (
	accountsOnPage = 2
	moves          = 120
)

type object = map[string]any

func accounts() []object {
	usd := object{"currencyCode": "USD"}
	return []object{
		{"depositAccount": object{
			"accountId": "n-100", "accountCategory": "DEPOSIT_ACCOUNT", "accountType": "CHECKING", "accountNumberDisplay": "xxxx7788", "productName": "Northern Checking",
			"status": "OPEN", "currency": usd, "currentBalance": 1204.11, "availableBalance": 1100.00, "balanceAsOf": "2026-11-20T08:00:00Z",
		}},
		{"locAccount": object{
			"accountId": "n-200", "accountCategory": "LOC_ACCOUNT", "accountType": "CREDITCARD", "accountNumberDisplay": "xxxx1199", "productName": "Northern Card",
			"status": "OPEN", "currency": usd, "currentBalance": 84.27, "availableCredit": 915.73, "creditLine": 1000,
		}},
		{"investmentAccount": object{
			"accountId": "n-300", "accountCategory": "INVESTMENT_ACCOUNT", "accountType": "BROKERAGEPRODUCT", "accountNumberDisplay": "xxxx4410", "productName": "Northern Broker",
			"status": "OPEN", "currency": usd, "currentValue": 5150.25, "availableCashBalance": 150.25, "balanceAsOf": "2026-11-20T08:00:00Z",
			"holdings": []object{{"holdingId": "h1", "symbol": "NRTH", "holdingName": "Northern Fund", "units": 12.5, "currentUnitPrice": 400, "marketValue": 5000}},
		}},
	}
}

// day is when a transaction was posted: every other day, the first the day before yesterday.
func day(n int) string { return time.Now().UTC().AddDate(0, 0, -2*n).Format(time.DateOnly) }

func transaction(n int) object {
	t := object{
		"transactionId": fmt.Sprint("move-", n), "postedTimestamp": day(n) + "T12:00:00Z", "description": fmt.Sprint("PURCHASE ", n),
		"debitCreditMemo": "DEBIT", "status": "POSTED", "amount": float64(n) + 0.5, "payee": "Corner Shop",
	}
	if n%10 == 0 {
		t["debitCreditMemo"], t["payee"] = "CREDIT", "Employer"
	}
	return object{"depositTransaction": t}
}

// api answers as FDX v5 does: items wrapped in what they are, pages by nextPageKey, errors with a code. known tells whether
// a bearer token is good.
func api(known func(r *http.Request, token string) bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fdx/v5/accounts", func(w http.ResponseWriter, r *http.Request) {
		list, next := page(r, accounts(), accountsOnPage)
		say(w, http.StatusOK, object{"page": next, "accounts": list})
	})
	mux.HandleFunc("GET /fdx/v5/accounts/{id}/transactions", func(w http.ResponseWriter, r *http.Request) {
		all, q := []object{}, r.URL.Query()
		for n := 1; n <= moves && r.PathValue("id") == "n-100"; n++ {
			if day(n) >= q.Get("startTime") && day(n) <= q.Get("endTime") {
				all = append(all, transaction(n))
			}
		}
		list, next := page(r, all, 50)
		say(w, http.StatusOK, object{"page": next, "transactions": list})
	})
	mux.HandleFunc("/fdx/v5/", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusNotFound, object{"code": "701", "message": "There is no such account."})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !known(r, token) {
			say(w, http.StatusUnauthorized, object{"code": "602", "message": "Customer not authorized."})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// page cuts a list to what r asks for, and says what stands in "page".
func page(r *http.Request, all []object, most int) ([]object, object) {
	begin, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Query().Get("pageKey"), "from "))
	if limit, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil {
		most = min(most, limit)
	}
	end := min(begin+most, len(all))
	about := object{"totalElements": len(all)}
	if end < len(all) {
		about["nextPageKey"] = fmt.Sprint("from ", end)
	}
	return all[min(begin, end):end], about
}

func say(w http.ResponseWriter, status int, what object) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(what) // whoever asked is gone
}
