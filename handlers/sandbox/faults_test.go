package sandbox_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// fault asks the bank for one; a customer may be named.
func (b *theBank) fault(name, value string, more ...string) {
	b.t.Helper()
	form := url.Values{"fault": {name}, "value": {value}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	if res := b.post("/faults", form); res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %d %s", name, res.StatusCode, res.body)
	}
}

// refreshed posts a refresh token that must work and gives the new one.
func (b *theBank) refreshed(token string) string {
	b.t.Helper()
	status, out := b.refresh(token)
	if status != http.StatusOK {
		b.t.Fatalf("refresh: %d %v", status, out)
	}
	next, _ := out["refresh_token"].(string)
	return next
}

func (b *theBank) accountIDs(token string) (ids []string) {
	b.t.Helper()
	var list struct {
		Accounts []struct {
			ID string `json:"accountId"`
		}
	}
	b.api(token, "/accounts", &list)
	for _, a := range list.Accounts {
		ids = append(ids, a.ID)
	}
	return ids
}

func TestFaults_Rotation(t *testing.T) {
	b := open(t)
	for mode, wants := range map[string]struct{ given, oldWorks bool }{
		"none": {false, true}, "reusable": {true, true}, "grace": {true, true}, "strict": {true, false},
	} {
		b.fault("rotation", mode, "user", mode)
		first := b.connect(b.app(), mode).RefreshToken
		next := b.refreshed(first)
		if (next != "") != wants.given || mode == "reusable" && next != first {
			t.Errorf("%s gives %q after %q", mode, next, first)
		}
		if status, _ := b.refresh(first); (status == http.StatusOK) != wants.oldWorks {
			t.Errorf("%s: the old token answers %d", mode, status)
		}
	}
	b.fault("rotation", "grace", "user", "late")
	first := b.connect(b.app(), "late").RefreshToken
	second := b.refreshed(first)
	b.refreshed(second)
	if status, _ := b.refresh(first); status == http.StatusOK {
		t.Error("grace goes on after the new token was used")
	}
	if status, _ := b.refresh(second); status == http.StatusOK {
		t.Error("the family did not end")
	}
}

// An answer that is lost has rotated the token, as it is with a real bank.
func TestFaults_LostAnswers(t *testing.T) {
	b := open(t)
	post := func(token string) ([]byte, error) {
		form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"dashtam"}, "refresh_token": {token}}
		res, err := http.DefaultClient.Do(b.request("POST", "/oauth/token", form.Encode()))
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		return io.ReadAll(res.Body)
	}
	for name, value := range map[string]string{"drop_answer": "", "cut_at": "17"} {
		token := b.connect(b.app(), name).RefreshToken
		before := b.stats().TokenPosts
		b.fault(name, value, "count", "1", "user", name)
		got, err := post(token)
		if err == nil || name == "cut_at" && len(got) != 17 || name == "drop_answer" && got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if n := b.stats().TokenPosts - before; n != 1 {
			t.Errorf("%s: %d token requests", name, n)
		}
		if status, out := b.refresh(token); status != http.StatusBadRequest || out["error"] != "invalid_grant" {
			t.Errorf("%s: the token was not rotated: %d %v", name, status, out)
		}
	}
}

func TestFaults_OfAnswers(t *testing.T) {
	b := open(t)
	token := b.connect(b.app(), "ada")
	ask := func() answered { return b.api(token.AccessToken, "/accounts", nil) }
	b.fault("rate_limit", "90", "count", "1")
	if res := ask(); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "90" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	b.fault("html_error", "", "count", "2")
	if res := ask(); res.StatusCode != http.StatusBadGateway || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") || !strings.Contains(res.body, "Access Denied") {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"dashtam"}, "refresh_token": {token.RefreshToken}}
	if res := b.post("/oauth/token", form); res.StatusCode != http.StatusBadGateway || !strings.Contains(res.body, "Access Denied") {
		t.Errorf("the token endpoint: %d %s", res.StatusCode, res.body)
	}
	b.fault("hang", "1", "count", "1")
	begin := time.Now()
	once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // on a used connection it would ask again by itself
	if res, err := once.Do(b.request("GET", "/fdx/v6/accounts", "", "Authorization", "Bearer "+token.AccessToken)); err == nil {
		res.Body.Close()
		t.Error("an answer came")
	} else if time.Since(begin) < 900*time.Millisecond {
		t.Errorf("it did not hang: %v", err)
	}
	if res := ask(); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards %d", res.StatusCode)
	}
}

func TestFaults_OfPermissions(t *testing.T) {
	b := open(t)
	first := b.connect(b.app(), "ada")
	b.fault("new_account_ids", "1", "count", "1", "user", "ada")
	second := b.connect(b.app(), "ada")
	before, after := b.accountIDs(first.AccessToken), b.accountIDs(second.AccessToken)
	if len(after) != len(before) || slices.ContainsFunc(after, func(id string) bool { return slices.Contains(before, id) }) {
		t.Errorf("%v, then %v", before, after)
	}
	if res := b.api(second.AccessToken, "/accounts/"+after[0]+"/transactions", nil); res.StatusCode != http.StatusOK {
		t.Errorf("a new id: %d", res.StatusCode)
	}
	if res := b.api(second.AccessToken, "/accounts/"+before[0], nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("an old id: %d", res.StatusCode)
	}

	b.fault("narrow_scope", "1", "count", "1", "user", "ada")
	narrow := b.connect(b.app(), "ada")
	if scope, _ := narrow.Extra("scope").(string); strings.Contains(scope, "transactions") || !strings.Contains(scope, "accountdetailed") {
		t.Errorf("the answer says %q", scope)
	}
	if res := b.api(narrow.AccessToken, "/accounts/"+b.accountIDs(narrow.AccessToken)[0]+"/transactions", nil); res.StatusCode != http.StatusForbidden {
		t.Errorf("transactions answer %d", res.StatusCode)
	}

	noor := b.connect(b.app(), "noor")
	b.fault("revoke", "", "user", "ada")
	if b.api(first.AccessToken, "/accounts", nil).StatusCode != http.StatusUnauthorized || len(b.stats().Live) != 1 {
		t.Error("ada's permissions live on, or noor's does not")
	}
	b.fault("relogin_after_s", "0")
	if res := b.api(noor.AccessToken, "/accounts", nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("access after the end: %d", res.StatusCode)
	}
	if status, out := b.refresh(noor.RefreshToken); status != http.StatusBadRequest || out["error"] != "invalid_grant" {
		t.Errorf("refresh after the end: %d %v", status, out)
	}
}

func TestFaults_OfBooks(t *testing.T) {
	b := open(t)
	token := b.connect(b.app(), "ada").AccessToken
	read := func(id string) (list fdxTransactions) {
		b.api(token, "/accounts/"+id+"/transactions?limit=1000", &list)
		return list
	}
	var id string
	var before fdxTransactions
	pending := func(l fdxTransactions) (n int) {
		for _, x := range l.Transactions {
			if x.Status == "PENDING" {
				n++
			}
		}
		return n
	}
	for _, id = range b.accountIDs(token) {
		if before = read(id); pending(before) > 0 {
			break
		}
	}
	if pending(before) == 0 {
		t.Fatal("nothing is pending")
	}
	b.fault("pending_to_posted", "1")
	after := read(id)
	if pending(after) != 0 || len(after.Transactions) != len(before.Transactions) {
		t.Errorf("%d of %d are pending, before %d of %d", pending(after), len(after.Transactions), pending(before), len(before.Transactions))
	}
	b.fault("pending_to_posted", "0")
	if pending(read(id)) != pending(before) {
		t.Error("0 does not clear")
	}

	b.fault("twins", "1")
	twins := read(id)
	if twins.Page.TotalElements != before.Page.TotalElements+1 {
		t.Fatalf("%d, before %d", twins.Page.TotalElements, before.Page.TotalElements)
	}
	alike := 0
	for i, x := range twins.Transactions {
		for _, y := range twins.Transactions[i+1:] {
			if x.Posted == y.Posted && x.Posted != "" && x.Amount == y.Amount && x.Payee == y.Payee && x.Memo == y.Memo && x.ID != y.ID {
				alike++
			}
		}
	}
	if alike == 0 {
		t.Error("there are no twins")
	}
}
