package syncer_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
	"dashtam/services/syncer"
)

// BenchmarkFirstSync is a first sync of 100,000 transactions from beginning to end: 200 pages over HTTP, decoded, staged,
// merged, every step a job's. The bank is in the same process, and counts for its peak of memory.
func BenchmarkFirstSync(b *testing.B) {
	for b.Loop() {
		s := openFor(b, func(p *providers.Profile) { p.HistoryDays = 80 })
		const all, page = 100_000, 500
		s.pages("chk", func(w http.ResponseWriter, r *http.Request) {
			at := 0
			_, _ = fmt.Sscanf(r.URL.Query().Get("pageKey"), "k%d", &at)
			items := make([]string, page)
			for i := range items {
				n := at + i
				items[i] = fmt.Sprintf(`{"transactionId":"2026-txn-%08d","postedTimestamp":"%s","transactionTimestamp":"%[2]s","description":"POS PURCHASE %d","payee":"Payee %d","debitCreditMemo":"DEBIT","status":"POSTED","amount":%d.%02d,"category":"Groceries"}`,
					n, today.Add(-time.Duration(n)*time.Minute).Format(time.RFC3339), n%37, n%400, n%90+1, n%100)
			}
			next := ""
			if at+page < all {
				next = fmt.Sprintf(`"page":{"nextPageKey":"k%d"},`, at+page)
			}
			banktest.Raw(w, `{`+next+`"transactions":[`+strings.Join(items, ",")+`]}`)
		})
		begin := time.Now()
		s.work()
		took := time.Since(begin)
		if r := s.progress(); r.State != syncer.Done || r.Added != all {
			b.Fatalf("run %+v", r)
		}
		b.ReportMetric(took.Seconds(), "s-first")
		b.ReportMetric(all/took.Seconds(), "rows/s")
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			b.Fatal(err)
		}
		_, after, _ := strings.Cut(string(status), "VmHWM:")
		var kb float64
		_, _ = fmt.Sscan(after, &kb)
		b.ReportMetric(kb/1024, "MB-peak")
	}
}
