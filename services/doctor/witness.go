package doctor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"strings"
)

// The headers in which a doctor asks the address everybody uses, and the Dashtam there answers. Only who has the keys can
// ask, and only who has them can answer: so an answer proves that this installation is behind the address.
const (
	AskHeader    = "Dashtam-Doctor"
	AnswerHeader = "Dashtam-Doctor-Answer"
)

// Seen is how a request arrived.
type Seen struct {
	Peer    netip.Addr // of the connection
	TLS     bool       // the connection itself is encrypted
	Host    string
	For     string // X-Forwarded-For as it arrived
	Proto   string // X-Forwarded-Proto
	Trusted bool   // Peer is a proxy of ours; Answer says that
}

// Answer answers what stands in AskHeader with how the request arrived; not if a stranger asks.
func (s *Service) Answer(ask string, seen Seen) (string, bool) {
	nonce, proof, _ := strings.Cut(ask, ".")
	if len(s.c.Key) == 0 || !hmac.Equal([]byte(proof), []byte(s.mac("ask", nonce))) {
		return "", false
	}
	for _, p := range s.c.Proxies {
		seen.Trusted = seen.Trusted || p.Contains(seen.Peer)
	}
	text, _ := json.Marshal(seen) // strings, booleans and addresses always can
	body := base64.RawURLEncoding.EncodeToString(text)
	return body + "." + s.mac("answer", nonce, body), true
}

// ask is a fresh question, and the number by which its answer is known.
func (s *Service) ask() (header, nonce string) {
	nonce = rand.Text()
	return nonce + "." + s.mac("ask", nonce), nonce
}

// read opens the answer to nonce; false if it is nobody's who has our keys.
func (s *Service) read(answer, nonce string) (seen Seen, ok bool) {
	body, proof, _ := strings.Cut(answer, ".")
	if len(s.c.Key) == 0 || !hmac.Equal([]byte(proof), []byte(s.mac("answer", nonce, body))) {
		return Seen{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(body)
	return seen, err == nil && json.Unmarshal(text, &seen) == nil
}

func (s *Service) mac(parts ...string) string {
	m := hmac.New(sha256.New, s.c.Key)
	m.Write([]byte(strings.Join(parts, "|"))) // none of them holds one
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}
