package providers_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"dashtam/services/providers"
)

// Break OA-20: services/providers/client.go: leave ControlContext out
func TestClient_OA20_PrivateAddresses(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{
		server.URL, "https://localhost:" + u.Port(), "https://[::1]:1", "https://10.0.0.1", "https://192.168.1.1", "https://172.16.0.1", "https://169.254.169.254",
		"https://100.64.0.1", "https://0.0.0.0", "https://[fd00::1]", "https://[fe80::1]", "https://[::ffff:127.0.0.1]", "https://[64:ff9b::7f00:1]",
		"https://[2002:7f00:1::]", "https://224.0.0.1", "https://255.255.255.255", "https://240.0.0.1",
		"http://example.com", "ftp://example.com", "https://user@example.com",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, place, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := providers.NewClient(false).Do(r); !errors.Is(err, providers.ErrRefusedAddress) {
			t.Errorf("%s: %v, want ErrRefusedAddress", place, err)
		}
	}
}

func TestRegistry(t *testing.T) {
	r := providers.NewRegistry(providers.Provider{Profile: providers.Sandbox("http://127.0.0.1:8081")})
	if p, err := r.Get("sandbox"); err != nil || p.Profile.API != "http://127.0.0.1:8081/fdx/v6" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := r.Get("other"); !errors.Is(err, providers.ErrUnknown) {
		t.Errorf("%v, want ErrUnknown", err)
	}
}
