package syncer_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"dashtam/services/connections"
	"dashtam/services/email"
	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
	"dashtam/services/providers/fdx"
	"dashtam/services/syncer"
)

// A bank whose certificate has become worthless, at its token endpoint or its API, is a bank that is away: nothing is sent
// there, the connections pause and try again in hours, nobody is asked to sign in again, the administrator sees the syncs
// that failed, and once the certificate is good again everything goes on with the permission there was.
func TestRun_F17_AWorthlessCertificate(t *testing.T) {
	for _, place := range []string{"token endpoint", "API"} {
		t.Run(place, func(t *testing.T) {
			b := newBundle(t)
			b.work()
			posts := len(b.bank.Posts())
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS() // with a certificate that nobody vouches for; services/providers/fdx tells the others apart
			defer s.Close()

			good, registry := b.bank.Provider(), b.config.Providers
			bad := good.Profile
			if place == "API" {
				bad.API = s.URL + "/fdx/v6"
			} else {
				b.bank.ForgetAccess()
				b.bank.Do(func(bank *banktest.Bank) { bank.Metadata = map[string]any{"token_endpoint": s.URL + "/token"} })
			}
			b.config.Providers = providers.NewRegistry(fdx.New(fdx.Config{
				Profile: bad, RedirectURI: banktest.Redirect, Client: providers.NewClient(true), Private: true,
			}))
			b.service = syncer.New(b.config)
			if err := b.service.SyncNow(t.Context(), b.who, b.id); err != nil {
				t.Fatal(err)
			}
			for try := 1; try <= 4; try++ {
				if err := b.service.Work(t.Context(), b.job(), try); (err == nil) != (try == 4) {
					t.Errorf("try %d: %v", try, err)
				}
			}
			d := b.get()
			if wait := time.Until(*d.NextSyncAt); d.Status != connections.Paused || d.Cause != connections.CauseBankAway || wait < time.Hour || wait > 3*time.Hour {
				t.Errorf("%s, %s, next in %s", d.Status, d.Cause, wait)
			}
			if n := b.count(`SELECT count(*) FROM river_job WHERE kind = 'mail' AND args->>'purpose' = $1`, email.NeedsYou); n != 0 {
				t.Errorf("%d people are asked to sign in again", n)
			}
			health, err := b.connections.Health(t.Context())
			if h := health[slug]; err != nil || h.Connections[connections.Paused] != 1 || h.Day.Runs-h.Day.Done != 1 {
				t.Errorf("the administrator sees %+v, %v", h, err)
			}
			b.bank.Do(func(bank *banktest.Bank) { bank.Metadata = nil })
			b.config.Providers = registry
			b.service = syncer.New(b.config)
			b.again()
			if d := b.get(); d.Status != connections.Healthy || len(b.bank.Posts()) > posts+1 {
				t.Errorf("afterwards %s, %s, after %d token requests", d.Status, d.Cause, len(b.bank.Posts())-posts)
			}
		})
	}
}
