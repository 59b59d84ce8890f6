package jwt_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	lib "github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"dashtam/services/errs"
	"dashtam/services/jwt"
)

const issuer = "https://money.example.org"

var (
	key  = []byte("0123456789abcdef0123456789abcdef")
	noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	ada  = jwt.Subject{UserID: uuid.MustParse("0192f000-0000-7000-8000-000000000001"), Email: "ada@example.org", Epoch: 1700000000, SessionFamily: uuid.MustParse("0192f000-0000-7000-8000-000000000002")}
)

func at(now time.Time) *jwt.Service {
	return jwt.New(key, issuer, func() time.Time { return now })
}

func create(t testing.TB, s *jwt.Service) string {
	t.Helper()
	token, _, err := s.CreateAccessToken(ada)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSeed_JWT_CreateAndVerify(t *testing.T) {
	s := at(noon)
	token, expires, err := s.CreateAccessToken(ada)
	if err != nil || !expires.Equal(noon.Add(15*time.Minute)) {
		t.Fatalf("expires %v, %v", expires, err)
	}
	if got, err := s.VerifyAccessToken(token); err != nil || got != ada {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSeed_JWT_Concurrent(t *testing.T) {
	s := at(noon)
	shared := create(t, s)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			own, _, err := s.CreateAccessToken(ada)
			if err != nil {
				t.Error(err)
			}
			for _, token := range []string{own, shared} {
				if got, err := s.VerifyAccessToken(token); err != nil || got != ada {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

// Break AP-2: jwt.go: Lifetime = 24 * time.Hour.
func TestVerify_AP2_Time(t *testing.T) {
	token := create(t, at(noon))
	for after, good := range map[time.Duration]bool{0: true, 15*time.Minute - time.Second: true, 15*time.Minute + 6*time.Second: false, -time.Minute: false, 24 * time.Hour: false} {
		if _, err := at(noon.Add(after)).VerifyAccessToken(token); (err == nil) != good {
			t.Errorf("%v after it was made: %v", after, err)
		}
	}
}

// Break AP-2: jwt.go: drop jwt.WithAudience(audience).
func TestVerify_AP2_HeadersAndClaims(t *testing.T) {
	good := claims()
	header := map[string]any{"typ": "at+jwt", "alg": "HS256"}
	if _, err := at(noon).VerifyAccessToken(sign(t, header, good)); err != nil {
		t.Fatalf("the unchanged token: %v", err)
	}
	wrong := map[string]string{}
	for name, value := range map[string]any{
		"typ": "JWT", "alg": "HS384", "kid": "1", "kid path": "../../dev/null", "kid SQL": "1' OR '1'='1", "jku": "https://evil.example/keys",
		"jwk": map[string]any{"kty": "oct", "k": "AAAA"}, "x5u": "https://evil.example/cert", "x5c": []string{"AAAA"}, "crit": []string{"exp"}, "b64": false, "cty": "JWT", "zip": "DEF",
	} {
		changed := maps.Clone(header)
		changed[strings.Fields(name)[0]] = value
		wrong["header "+name] = sign(t, changed, good)
	}
	for _, name := range []string{"iss", "aud", "exp", "nbf", "iat", "sub"} {
		changed := maps.Clone(good)
		delete(changed, name)
		wrong["no "+name] = sign(t, header, changed)
	}
	for name, value := range map[string]any{
		"iss": "https://evil.example", "aud": "another-api", "sub": "ada", "exp": "tomorrow", "nbf": noon.Add(time.Hour).Unix(), "iat": noon.Add(time.Hour).Unix(),
		"exp passed": noon.Add(-time.Hour).Unix(), "exp nil": nil, "sub nil": uuid.Nil.String(), "aud list": []string{"another-api"}, "pwd": "x", "sid": "x",
	} {
		changed := maps.Clone(good)
		changed[strings.Fields(name)[0]] = value
		wrong["claim "+name] = sign(t, header, changed)
	}
	refuseAll(t, wrong)
}

// Break AP-2: jwt.go: return nil at the top of unique.
func TestVerify_AP2_Form(t *testing.T) {
	token := create(t, at(noon))
	parts := strings.Split(token, ".")
	head, body, sig := parts[0], parts[1], parts[2]
	text, err := json.Marshal(claims())
	if err != nil {
		t.Fatal(err)
	}
	twice := strings.Replace(string(text), "{", `{"sub":"0192f000-0000-7000-8000-00000000000f",`, 1)
	twiceUpper := strings.Replace(string(text), "{", `{"SUB":"0192f000-0000-7000-8000-00000000000f",`, 1)
	refuseAll(t, map[string]string{
		"empty": "", "dots": "..", "one part": head, "two parts": head + "." + body, "no signature": head + "." + body + ".",
		"four parts": token + ".x", "empty fourth": token + ".", "no payload": head + ".." + sig, "no header": "." + body + "." + sig,
		"other signature": head + "." + body + "." + flip(sig), "other payload": head + "." + flip(body) + "." + sig, "other header": flip(head) + "." + body + "." + sig,
		"padding": token + "=", "space": token + " ", "space inside": head + "." + body + ". " + sig, "newline": head + ".\n" + body + "." + sig,
		"unused bits": token[:len(token)-1] + string(unused(token[len(token)-1])), "JSON form": `{"payload":"` + body + `","protected":"` + head + `","signature":"` + sig + `"}`,
		"bearer": "Bearer " + token, "too long": head + "." + strings.Repeat("A", 5000) + "." + sig,
		"claim twice": hmac(t, `{"typ":"at+jwt","alg":"HS256"}`, twice), "claim twice, upper case": hmac(t, `{"typ":"at+jwt","alg":"HS256"}`, twiceUpper),
		"header twice": hmac(t, `{"typ":"at+jwt","alg":"none","alg":"HS256"}`, string(text)), "no object": hmac(t, `{"typ":"at+jwt","alg":"HS256"}`, `"x"`),
	})
	none, err := lib.NewWithClaims(lib.SigningMethodNone, lib.MapClaims(claims())).SignedString(lib.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := lib.NewWithClaims(lib.SigningMethodRS256, lib.MapClaims(claims())).SignedString(pair)
	if err != nil {
		t.Fatal(err)
	}
	foreign, _, err := jwt.New([]byte(strings.Repeat("x", 32)), issuer, func() time.Time { return noon }).CreateAccessToken(ada)
	if err != nil {
		t.Fatal(err)
	}
	refuseAll(t, map[string]string{"alg none": none, "RS256": other, "another key": foreign})
}

func TestNew_RefusesShortKeys(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a key of 31 bytes is accepted")
		}
	}()
	jwt.New(key[:31], issuer, time.Now)
}

func refuseAll(t *testing.T, tokens map[string]string) {
	t.Helper()
	for name, token := range tokens {
		if got, err := at(noon).VerifyAccessToken(token); !errors.Is(err, jwt.ErrToken) || errs.KindOf(err) != errs.Unauthenticated || got != (jwt.Subject{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func claims() map[string]any {
	return map[string]any{
		"iss": issuer, "aud": "dashtam-api", "sub": ada.UserID.String(), "jti": "1", "email": ada.Email, "pwd": ada.Epoch, "sid": ada.SessionFamily.String(),
		"iat": noon.Unix(), "nbf": noon.Unix(), "exp": noon.Add(15 * time.Minute).Unix(),
	}
}

// sign signs with our own key and HMAC-SHA-256, whatever the header says.
func sign(t *testing.T, header, body map[string]any) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return hmac(t, string(h), string(b))
}

func hmac(t *testing.T, header, body string) string {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(body))
	sig, err := lib.SigningMethodHS256.Sign(text, key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func flip(segment string) string {
	b := []byte(segment)
	if b[10] == 'A' {
		b[10] = 'B'
	} else {
		b[10] = 'A'
	}
	return string(b)
}

// unused changes only the bits of a signature's last character that carry nothing (32 bytes are 42 2/3 characters).
func unused(last byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, last)^1]
}

func BenchmarkJWT(b *testing.B) {
	s := at(noon)
	token := create(b, s)
	b.Run("create", func(b *testing.B) {
		for b.Loop() {
			create(b, s)
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.VerifyAccessToken(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
