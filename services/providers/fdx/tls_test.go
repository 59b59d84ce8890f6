package fdx_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
	"dashtam/services/providers/fdx"
)

// authority vouches for the certificates of these tests, and is the only one this process believes: so what the client
// refuses it refuses for what is wrong with the certificate itself.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var vouching authority

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "roots-")
	if err != nil {
		log.Fatal(err)
	}
	roots := filepath.Join(dir, "roots.pem")
	if err := vouching.found(roots); err != nil {
		log.Fatal(err)
	}
	_ = os.Setenv("SSL_CERT_FILE", roots)
	_ = os.Setenv("SSL_CERT_DIR", dir)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// found makes the authority and writes its certificate to path.
func (a *authority) found(path string) (err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority of tests"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, about, about, a.key.Public(), a.key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600)
}

// certificate is one for 127.0.0.1, unless change makes it otherwise.
func (a *authority) certificate(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(about)
	}
	raw, err := x509.CreateCertificate(rand.Reader, about, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// serve serves h with TLS as config says.
func serve(t *testing.T, h http.Handler, config *tls.Config) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = config
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// What is wrong with the TLS of a token endpoint or of an API keeps everything from being sent there, in plain text or
// otherwise, and passes: no refresh counts as lost and no permission as gone. The administrator's test says what is the
// matter. The same server with a good certificate is spoken to.
//
// Break F17: services/providers/client.go: TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10} in NewClient
func TestTLS_F17_CertificatesAndVersions(t *testing.T) {
	good := vouching.certificate(t, nil)
	for name, c := range map[string]struct {
		config *tls.Config
		good   bool
		says   string
	}{
		"good": {&tls.Config{Certificates: []tls.Certificate{good}}, true, ""},
		"an expired certificate": {&tls.Config{Certificates: []tls.Certificate{vouching.certificate(t, func(x *x509.Certificate) {
			x.NotAfter = time.Now().Add(-time.Hour)
		})}}, false, "has a certificate that is over, or not valid yet."},
		"another host's certificate": {&tls.Config{Certificates: []tls.Certificate{vouching.certificate(t, func(x *x509.Certificate) {
			x.IPAddresses, x.DNSNames = nil, []string{"bank.example"}
		})}}, false, "has the certificate of another host."},
		"nothing but TLS 1.0": {&tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, false,
			"does not speak TLS 1.2 or newer."},
	} {
		t.Run(name, func(t *testing.T) {
			b := banktest.New(t)
			g, err := exchange(t, b, b.Provider())
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked++; r.Method != http.MethodPost {
					b.Read(w, r)
				} else if r.ParseForm() == nil {
					b.Answer(w, r)
				}
			}), c.config)
			b.Do(func(b *banktest.Bank) { b.Metadata = map[string]any{"token_endpoint": s.URL + "/token"} })
			profile := b.Provider().Profile
			profile.API = s.URL + "/fdx/v6"
			p := fdx.New(fdx.Config{Profile: profile, RedirectURI: banktest.Redirect, Client: providers.NewClient(true), Private: true})

			_, refused := p.Access.Refresh(t.Context(), g.Refresh)
			_, unread := p.Data.Accounts(t.Context(), g.Access)
			for what, err := range map[string]error{"refresh": refused, "accounts": unread} {
				f := providers.FailureOf(err)
				if c.good && err != nil || !c.good && (f == nil || f.Class != providers.Transient || f.Lost) {
					t.Errorf("%s: %v, want a failure that passes and has lost nothing", what, err)
				}
			}
			if (asked > 0) != c.good {
				t.Errorf("asked %d times", asked)
			}
			if c.good {
				return
			}
			for _, f := range p.Probe(t.Context(), false) {
				if f.Name == "Data" && (f.State == providers.Works || f.Found != profile.API+"/accounts "+c.says) {
					t.Errorf("the administrator is told: %+v", f)
				}
			}
		})
	}
}
