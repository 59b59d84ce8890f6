package fdx

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"mime"
	"net"
	"net/http"
	"strings"

	"dashtam/services/providers"
)

// unreachable is a request that got no answer. spent says that it went out with something which works once. The URL is cut off the error: a next page's may hold more than is known.
func unreachable(err error, spent bool) error {
	if f := providers.FailureOf(err); f != nil { // our own reason not to send it
		return f
	}
	f := &providers.Failure{Class: providers.Transient, Code: "unreachable"}
	switch dial := (*net.OpError)(nil); {
	case errors.Is(err, providers.ErrRefusedAddress):
		f.Class, f.Code, f.Cause = providers.Config, "refused_address", providers.ErrRefusedAddress
	case errors.As(err, &dial) && dial.Op == "dial":
		f.Cause = dial.Err
	default:
		f.Lost = spent
		if code := tlsFault(err); code != "" {
			f.Code = code
		}
	}
	return f
}

// tlsFault is what is wrong with a server's TLS, so that an administrator is not left with "cannot be reached" (F17); empty
// for anything else.
func tlsFault(err error) string {
	var over x509.CertificateInvalidError
	var other x509.HostnameError
	var unverified *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var alert *net.OpError
	switch {
	case errors.As(err, &over) && over.Reason == x509.Expired:
		return "certificate_over"
	case errors.As(err, &other):
		return "certificate_of_another"
	case errors.As(err, &unverified):
		return "certificate_unknown"
	case errors.As(err, &plain), errors.As(err, &alert) && alert.Op == "remote error":
		return "no_common_tls"
	}
	return ""
}

// refusal turns a status of the data API, the keys or metadata into a Failure. Bodies are not read: their words are not
// needed, and must not be repeated.
func (a *Adapter) refusal(answer *http.Response) error {
	switch status := answer.StatusCode; {
	case status == http.StatusUnauthorized:
		return &providers.Failure{Class: providers.Unauthorized, Code: "unauthorized"}
	case status == http.StatusForbidden:
		return &providers.Failure{Class: providers.Permanent, Code: "forbidden"}
	case status == http.StatusTooManyRequests:
		return a.tooMany(answer.Header)
	case status == http.StatusNotFound || status == http.StatusGone:
		return &providers.Failure{Class: providers.Nonsense, Code: "not_found"}
	case status >= 500:
		return &providers.Failure{Class: providers.Transient, Code: "server_error"}
	default: // redirects, which are not followed, and 4xx that say our request is wrong
		return &providers.Failure{Class: providers.Nonsense, Code: "unexpected_status"}
	}
}

func (a *Adapter) tooMany(h http.Header) error {
	return &providers.Failure{Class: providers.RateLimited, Code: "too_many", RetryAfter: providers.RetryAfter(h, a.c.Now())}
}

// isJSON reports whether the content type is application/json or some +json.
func isJSON(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (kind == "application/json" || (strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")))
}
