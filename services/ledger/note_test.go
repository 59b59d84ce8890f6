package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"dashtam/services/errs"
	"dashtam/services/ledger"
)

func TestSetNote(t *testing.T) {
	b := newBundle(t)
	b.apply(checking(0, posted("Grocer", 2, -1_000)))
	id := b.list(ledger.Terms{})[0].ID
	for written, kept := range map[string]string{
		"  for the party \n":       "for the party",
		strings.Repeat("é", 500):   strings.Repeat("é", 500),
		`<b>"quotes" & 'such'</b>`: `<b>"quotes" & 'such'</b>`,
		"":                         "",
	} {
		if err := b.service.SetNote(t.Context(), b.who, id, written); err != nil {
			t.Errorf("%.20q: %v", written, err)
		}
		if got, err := b.service.Transaction(t.Context(), b.who, id); err != nil || got.Note != kept {
			t.Errorf("%.20q: kept %.20q, %v", written, got.Note, err)
		}
	}
	for _, wrong := range []string{strings.Repeat("é", 501), "a\x00b", "\xff"} {
		if err := b.service.SetNote(t.Context(), b.who, id, wrong); errs.FieldsOf(err)["note"] == "" {
			t.Errorf("%.20q: got %v", wrong, err)
		}
	}
	// Each note leaves one audit row in the same transaction (AU-1), and the row does not repeat it.
	if n := b.count(`SELECT count(*) FROM audit_events WHERE user_id = @user AND act = 'transaction.noted' AND detail = '{}'`); n != 4 {
		t.Errorf("%d audit rows for 4 notes", n)
	}
}

// An export holds what the list holds, in its order, however long, and ends where its reader ends it.
func TestExport(t *testing.T) {
	b := newBundle(t)
	var all []ledger.BankTransaction
	for i := range 120 {
		all = append(all, posted(strings.Repeat("x", i+1), 1+i%20, int64(i)-60))
	}
	b.apply(checking(0, all...))
	terms := ledger.Terms{Flow: "out", Limit: "5"}
	q, err := terms.Query()
	if err != nil {
		t.Fatal(err)
	}
	var exported []ledger.Transaction
	if err := b.service.Export(t.Context(), b.who, q, func(tx ledger.Transaction) error {
		exported = append(exported, tx)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	terms.Limit = "200"
	list := b.list(terms)
	if len(exported) != 60 || len(list) != 60 {
		t.Fatalf("%d exported, %d listed, want 60", len(exported), len(list))
	}
	for i := range list {
		if exported[i].ID != list[i].ID {
			t.Fatalf("row %d is another one", i)
		}
	}
	full := errors.New("the disk is full")
	rows := 0
	err = b.service.Export(t.Context(), b.who, ledger.Query{}, func(ledger.Transaction) error {
		if rows++; rows == 3 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || rows != 3 {
		t.Errorf("after %d rows: %v", rows, err)
	}
	if n := b.count(`SELECT count(*) FROM transactions WHERE user_id = @user`); n != 120 {
		t.Errorf("the connection is not usable after an export that was ended: %d", n)
	}
}
