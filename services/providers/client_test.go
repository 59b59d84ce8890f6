package providers_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

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

func TestObserved(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Path[1:])
		w.WriteHeader(status)
	}))
	defer server.Close()
	var results []string
	client := providers.Observed(providers.NewClient(true), func(result string, took time.Duration) {
		if took <= 0 {
			t.Errorf("%s took %v", result, took)
		}
		results = append(results, result)
	})
	for _, place := range []string{server.URL + "/200", server.URL + "/302", server.URL + "/404", server.URL + "/503", "ftp://example.com"} {
		if r, err := client.Get(place); err == nil {
			_ = r.Body.Close()
		}
	}
	if want := []string{"ok", "refused", "refused", "failed", "unreachable"}; !slices.Equal(results, want) {
		t.Errorf("observed %v, want %v", results, want)
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
