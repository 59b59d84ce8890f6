package handlers_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dashtam/handlers/handlertest"
)

// foreignBank starts the bank of .ci/foreign, of which not a line is ours but its data, and gives its issuer.
func foreignBank(t *testing.T, client, secret, redirect string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "foreign")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = "../.ci/foreign"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, "-client", client, "-secret", secret, "-redirect", redirect)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	issuer, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(issuer)
}

// signIn goes to the foreign bank's page at address, says yes, and gives where that leads.
func signIn(t *testing.T, address string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(address, url.Values{"name": {"nora"}})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.Header.Get("Location")
}

// A bank that nobody of us wrote, on an authorization server of other people's and an FDX API of version 5, is added in
// the browser and connected; its tokens are renewed and given back.
func TestForeign_AddedConnectedRenewedRevoked(t *testing.T) {
	app := handlertest.New(t)
	nora, boss := app.SignedIn("Nora Okafor"), app.SignedInAdmin("Ada Eze")
	const secret = "canary: s/cret & 100%"
	issuer := foreignBank(t, "dashtam-at-north", secret, app.URL+"/connections/north/callback")
	asked := func() (seen map[string]int, lives bool) {
		t.Helper()
		answer, err := http.Get(issuer + "/seen")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var said struct {
			Seen  map[string]int
			Lives bool
		}
		if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
			t.Fatal(err)
		}
		return said.Seen, said.Lives
	}

	boss.Post("/admin/providers", "slug", "north", "name", "Northern Bank", "kind", "fdx", "issuer", issuer, "client_id", "dashtam-at-north", "client_secret", secret,
		"scopes", "offline_access accounts transactions", "api_base_url", issuer+"/fdx/v5").WantRedirect("/admin/providers").Follow().WantText("answers as it should")
	boss.Post("/admin/providers/north/test").Want(200).WantText("The test found nothing wrong.").WantText("client_secret_post")

	away := nora.Post("/connections/north/connect").WantRedirect("/connections/north/continue").Follow().Want(200)
	back, ok := strings.CutPrefix(signIn(t, away.WantOne("a#continue").AttrOr("href", "")), app.URL)
	if !ok {
		t.Fatalf("the bank leads to %q", back)
	}
	connection := nora.Get(back).Header.Get("Location")
	app.AwaitSync(nora, connection)
	nora.Get(connection).Want(200).WantOne(".st-chip:contains(Healthy)")
	accounts := nora.Get("/accounts").Want(200).WantText("Northern Checking").WantText("Northern Card").WantText("Northern Broker")
	for _, amount := range []string{"1204.11", "-84.27", "5150.25"} {
		if accounts.Find(`data[value="`+amount+`"]`).Length() == 0 {
			t.Errorf("no account stands at %s", amount)
		}
	}
	if n := row(t, app, `SELECT count(*)::text || ' ' || sum(amount_minor)::text FROM transactions WHERE user_id = $1`, nora.User.ID); n != "120 -574800" {
		t.Errorf("count and sum of transactions: %s", n) // 1.50 to 120.50 were spent, but every tenth came in
	}

	if _, err := app.DB.Exec(t.Context(), `UPDATE connection_tokens SET expires_at = now(), stored_at = now() - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	before, _ := asked()
	nora.Post(connection + "/sync").WantRedirect(connection)
	app.AwaitSync(nora, connection)
	nora.Get(connection).Want(200).WantOne(".st-chip:contains(Healthy)")
	after, lives := asked()
	if after["POST /token 200"] != before["POST /token 200"]+1 || !lives {
		t.Errorf("no renewal: %v, then %v", before, after)
	}

	nora.Post(connection+"/disconnect", "data", "keep").WantRedirect("/connections")
	for deadline := time.Now().Add(20 * time.Second); row(t, app, `SELECT count(*)::text FROM audit_events WHERE act = 'connection.revoked'`) == "0"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the bank is not told")
		}
	}
	if seen, lives := asked(); seen["POST /revoke 200"] == 0 || lives {
		t.Errorf("after disconnecting: %v, and the token lives: %v", seen, lives)
	}
	if strings.Contains(app.Logged(), "canary") {
		t.Error("the secret stands in the log")
	}
}
