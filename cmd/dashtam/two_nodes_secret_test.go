package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dashtam/services/providers/banktest"
)

// A bank that an administrator adds at one node is connected at the other, which proves itself by the client secret written
// there, and by the next one within five seconds; so soon it also rests when it is switched off. The bank knows which secret
// came with a code, and only the node that the browser comes back to sends that.
func TestTwoNodes_ASecretWrittenAtOneIsUsedByTheOther(t *testing.T) {
	n, bank := twoNodes(t), banktest.New(t)
	ada := n.administrator(t)
	const first, second = "canary: s/cret & 100%", "canary: the next one"
	var right atomic.Value
	right.Store(first)
	bank.Do(func(b *banktest.Bank) {
		b.Back = n.front + "/connections/alder/callback"
		b.Token = func(w http.ResponseWriter, r *http.Request) {
			_, escaped, _ := r.BasicAuth()
			if secret, err := url.QueryUnescape(escaped); err != nil || secret != right.Load() {
				banktest.JSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"}) // on which nobody rests
				return
			}
			b.Answer(w, r)
		}
	})
	form := url.Values{
		"slug": {"alder"}, "name": {"Alder Bank"}, "kind": {"fdx"}, "issuer": {bank.URL}, "api_base_url": {bank.URL + "/fdx/v6"}, "client_id": {"dashtam"},
		"client_secret": {first}, "scopes": {"openid offline_access fdx:transactions:read"},
	}
	wantAnswer(t, ada, n.a+"/admin/providers", form, 303, "/admin/providers")
	within(t, "the new bank is known", func() bool {
		status, _, err := ask(ada, n.b+"/connections/alder/about", nil)
		return status == http.StatusOK && err == nil
	})
	connect := func() bool {
		wantAnswer(t, ada, n.b+"/connections/alder/connect", url.Values{}, 303, "/connections/alder/continue")
		away, _ := page(t, ada, n.b+"/connections/alder/continue", nil, n.b)
		status, led, err := ask(ada, n.b+"/connections/alder/callback?"+bank.Consent(t, away.Find("a#continue").AttrOr("href", "")).Encode(), nil)
		if status != http.StatusSeeOther || err != nil {
			t.Fatalf("back from the bank: %d to %q, %v", status, led, err)
		}
		return led != "/connections/new"
	}
	if !connect() {
		t.Error("the other node does not prove itself by the secret")
	}

	right.Store(second)
	if connect() {
		t.Error("a secret that the bank knows no more still opens it")
	}
	form.Set("client_secret", second)
	wantAnswer(t, ada, n.a+"/admin/providers/alder/change", form, 303, "/admin/providers/alder")
	within(t, "the new secret is used", connect)

	wantAnswer(t, ada, n.a+"/admin/providers/alder/off", url.Values{}, 303, "/admin/providers/alder")
	within(t, "the bank rests", func() bool {
		status, led, err := ask(ada, n.b+"/connections/alder/connect", url.Values{})
		return status == http.StatusSeeOther && led == "/connections/new" && err == nil
	})
	if all := n.read("a.log") + n.read("b.log") + n.read("a.out") + n.read("b.out"); strings.Contains(all, "canary") {
		t.Error("the secret stands in a log")
	}
}

// within asks until is, and fails when it is not so five seconds after it was called: what then begins must find it so. It
// takes its time, because a person can begin to connect sixty times an hour.
func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(250 * time.Millisecond) {
		asked := time.Now()
		if is() {
			return
		}
		if asked.Sub(begin) > 5*time.Second {
			t.Fatalf("after five seconds it is not so that %s", what)
		}
	}
}
