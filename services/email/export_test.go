package email

import "crypto/x509"

// Trust makes s believe certificates of roots in place of the system's.
func (s *SMTP) Trust(roots *x509.CertPool) { s.tls.RootCAs = roots }
