package main

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestDemo_APersonWithThreeYearsOfData(t *testing.T) {
	getenv := environmentFor(t)
	p := start(t, getenv, "demo")
	words := strings.Fields(p.sign)
	jar, _ := cookiejar.New(nil)
	r, err := (&http.Client{Jar: jar}).PostForm(p.base+"/login", url.Values{"email": {words[3]}, "password": {words[len(words)-1]}})
	if err != nil || r.StatusCode != http.StatusOK || r.Request.URL.Path != "/overview" {
		t.Fatalf("%q does not sign in: %v, %v", p.sign, r, err)
	}
	r.Body.Close()
	conn, err := pgx.Connect(t.Context(), getenv("DASHTAM_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var accounts, transactions int
	var first time.Time
	err = conn.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM accounts), count(*), min(booked_on) FROM transactions").Scan(&accounts, &transactions, &first)
	if err != nil || accounts < 8 || transactions < 1000 || time.Since(first) < 1000*24*time.Hour {
		t.Errorf("%d accounts, %d transactions since %s, %v", accounts, transactions, first, err)
	}
	if err := p.end(t); err != nil {
		t.Fatal(err)
	}
	if again := start(t, getenv, "demo"); again.sign != p.sign {
		t.Errorf("the second start says %q after %q", again.sign, p.sign)
	}
}

func TestDemo_IsForOnesOwnMachineOnly(t *testing.T) {
	if _, err := command(t, public(), "demo"); !errors.Is(err, errDemoPublic) {
		t.Errorf("%v", err)
	}
}
