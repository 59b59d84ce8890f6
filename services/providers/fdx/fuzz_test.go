package fdx

import (
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"dashtam/services/providers"
)

// FuzzTokenAnswer: whatever a token endpoint says, there is a whole answer or a Failure, and never a word of it.
func FuzzTokenAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r"}`, `{"access_token":"a","access_token":"b","token_type":"Bearer"}`,
		`{"error":"invalid_grant"}`, `[]`, `{`, `{"access_token":"a","token_type":"Bearer"}x`, `{"expires_in":"-1"}`, `null`, "\x00", `{"a":{"a":[{}]}}`,
	} {
		f.Add(seed)
	}
	h := http.Header{"Content-Type": {"application/json"}}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := decodeToken(h, []byte(body))
		if err != nil {
			if fail := providers.FailureOf(err); fail == nil || got.Access != "" || got.Refresh != "" {
				t.Errorf("%v without a class, or with a token", err)
			}
			return
		}
		if got.Access == "" || got.ExpiresIn < 0 || got.ExpiresIn > longestLife {
			t.Errorf("a token answer of %q with life %s", got.Access.Reveal(), got.ExpiresIn)
		}
	})
}

// FuzzAmount: an amount is exactly what was written, or refused. The oracle is math/big's rational numbers.
func FuzzAmount(f *testing.F) {
	for _, seed := range []string{`1`, `-12.34`, `"12.340"`, `1e2`, `1E-2`, `"NaN"`, `0.1`, `99999999999999999999`, `""`, `null`, `"1_0"`, `"0x10"`, `"+1"`, `1e400000000`, `".5"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var item transaction
		if json.Unmarshal([]byte(`{"amount":`+text+`,"postedTimestamp":"2026-11-20","transactionId":"1"}`), &item) != nil {
			return
		}
		got, ok, err := item.toLedger("USD")
		if err != nil || !ok {
			return
		}
		var again struct {
			Amount json.RawMessage `json:"amount"`
		}
		if json.Unmarshal([]byte(`{"amount":`+text+`}`), &again) != nil {
			return // the fuzzer wrote more fields than one
		}
		want, valid := new(big.Rat).SetString(strings.Trim(string(again.Amount), `"`))
		if !valid || want.Mul(want, big.NewRat(100, 1)).Cmp(new(big.Rat).SetInt64(got.Amount.Minor)) != 0 {
			t.Errorf("%s was read as %s", text, got.Amount)
		}
	})
}
