package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/acme/autocert"
)

// tlsConfig is nil when TLS is off.
func (a *app) tlsConfig() (*tls.Config, error) {
	c := a.config
	switch c.TLS {
	case "files":
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("the certificate: %w", err)
		}
		return withCertificate(pair), nil
	case "self":
		pair, err := selfSigned(filepath.Join(c.DataDir, "self-signed.pem"), c.BaseURL.Hostname())
		if err != nil {
			return nil, fmt.Errorf("the self-signed certificate: %w", err)
		}
		return withCertificate(pair), nil
	case "auto":
		manager := &autocert.Manager{
			Prompt:     autocert.AcceptTOS,
			Cache:      autocert.DirCache(filepath.Join(c.DataDir, "acme")),
			HostPolicy: autocert.HostWhitelist(c.BaseURL.Hostname()),
		}
		config := manager.TLSConfig() // answers the challenge on this port, by TLS-ALPN
		config.MinVersion = tls.VersionTLS12
		return config, nil
	default:
		return nil, nil
	}
}

func withCertificate(pair tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
}

// selfSigned reads the certificate kept at path, or makes one for host. It is kept so that the exception a person made
// in their browser lasts.
func selfSigned(path, host string) (tls.Certificate, error) {
	if pair, err := tls.LoadX509KeyPair(path, path); err == nil && pair.Leaf.VerifyHostname(host) == nil && time.Until(pair.Leaf.NotAfter) > 30*24*time.Hour {
		return pair, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Dashtam, self-signed"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	} else {
		template.DNSNames = append(template.DNSNames, host)
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return tls.Certificate{}, err
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return tls.Certificate{}, err
	}
	return tls.LoadX509KeyPair(path, path)
}
