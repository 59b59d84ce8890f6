package fdx_test

import (
	"fmt"
	"strings"
	"testing"

	"dashtam/services/providers/banktest"
)

var dialect = banktest.Dialect{
	Adapter: (*banktest.Bank).Provider,
	Move: func(id, amount, day string) string {
		return fmt.Sprintf(`{"transactionId":"%s","postedTimestamp":"%s","status":"POSTED","amount":%s}`, id, day, amount)
	},
	Page: func(moves []string, next string) string {
		page := ""
		if next != "" {
			page = fmt.Sprintf(`,"page":{"nextPageKey":%q}`, next)
		}
		return `{"transactions":[` + strings.Join(moves, ",") + `]` + page + `}`
	},
	Account: func(id, currency, balance string) string {
		return fmt.Sprintf(`{"accountCategory":"DEPOSIT_ACCOUNT","accountId":"%s","accountType":"CHECKING","currency":{"currencyCode":"%s"},"currentBalance":%s}`, id, currency, balance)
	},
	List: func(accounts []string) string { return `{"accounts":[` + strings.Join(accounts, ",") + `]}` },
}

// Two walls stand before a second token request: AuthStyle is set, and the judge sends one request only.
//
// Break OA-10: services/providers/fdx/answer.go: in RoundTrip, send the request once more after an answer that is not 200
// Break OA-10: services/providers/fdx/answer.go: in lifetime, leave out n <= 0
// Break OA-11: services/providers/fdx/answer.go: in oauthFailure, class invalid_client Permanent
// Break OA-11: services/providers/fdx/failures.go: in refusal, class 401 Permanent
// Break OA-16: services/providers/client.go: leave CheckRedirect out
// Break OA-22: services/providers/pages.go: in Read, drop w.places[place] and w.idle > mostIdle
// Break AU-3: services/providers/fdx/answer.go: in oauthFailure, use code instead of "unexplained_refusal"
func TestConform_OA10_OA11_OA16_OA22_AU3_F13_F14_F15_F16(t *testing.T) { banktest.Conform(t, dialect) }
