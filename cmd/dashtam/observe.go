package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"dashtam/services/auth"
	"dashtam/services/profile"
)

// observe gives what tells the profile how long op took.
func (n *node) observe(op profile.Op) func(took time.Duration) {
	return func(took time.Duration) { n.profile.Observe(op, took) }
}

// operation passes on to the metrics what the profile was told.
func (n *node) operation(op string, took time.Duration) { n.metrics.Operation(op, took) }

// hashed is told about every hash. The wait before it is in the stages of a login.
func (n *node) hashed(op string, _, took time.Duration) {
	if op == "hash" {
		n.profile.Observe(profile.Hash, took)
	} else {
		n.profile.Observe(profile.Verify, took)
	}
}

// observeLogin is told about every login that was answered. The stages of one that was refused before the hash say
// nothing, so the profile hears of those that worked.
func (n *node) observeLogin(outcome string, s auth.Spans) {
	for span, took := range map[string]time.Duration{"find": s.Find, "wait": s.Wait, "verify": s.Verify, "start": s.Start, "write": s.Write} {
		n.metrics.Login(outcome, span, took)
	}
	if outcome != "ok" {
		return
	}
	for op, took := range map[profile.Op]time.Duration{
		profile.LoginFind: s.Find, profile.LoginWait: s.Wait, profile.LoginVerify: s.Verify, profile.LoginStart: s.Start, profile.LoginWrite: s.Write,
	} {
		n.profile.Observe(op, took)
	}
}

// mailed is told about every try at sending a mail.
func (n *node) mailed(purpose string, failed bool, took time.Duration) {
	n.metrics.Mail(purpose, failed, took)
	n.profile.Observe(profile.Mail, took)
}

// commanded is told about every command to Redis.
func (n *node) commanded(command string, failed bool, took time.Duration) {
	n.metrics.Redis(command, failed, took)
	n.profile.Observe(profile.Redis, took)
}

// answered is told about every answered request.
func (n *node) answered(method, route string, status int, took time.Duration) {
	n.metrics.Request(method, route, status, took)
	hashes := n.hashes.Stats()
	n.profile.Level(profile.Waiting, hashes.WaitingKnown+hashes.WaitingNew)
	if isPage(method, route) {
		n.profile.PageTook(took, hashes.Busy > 0)
	}
}

// isPage says whether a request waits for nothing but us: a page or a list of the API that was read. Signing in waits
// for its own hash, and what talks to a bank or exports for years waits for that.
func isPage(method, route string) bool {
	switch {
	case method != http.MethodGet, route == "", route == "/static/", route == "/livez", route == "/readyz":
		return false
	}
	return !strings.HasSuffix(route, ".csv") && !strings.HasSuffix(route, "/continue") && !strings.HasSuffix(route, "/callback")
}

// learn takes over which banks administrators added or switched off, here or on another node.
func (n *node) learn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, learnEvery)
	defer cancel()
	if err := n.banks.Load(ctx); err != nil {
		n.app.log.DebugContext(ctx, "the list of banks was not read", "error", err)
	}
}

// look measures the queue and the review criteria.
func (n *node) look(ctx context.Context) {
	hashes := n.hashes.Stats()
	n.profile.Level(profile.Waiting, hashes.WaitingKnown+hashes.WaitingNew)
	ctx, cancel := context.WithTimeout(ctx, lookEvery/2)
	defer cancel()
	if err := n.review.Evaluate(ctx); err != nil {
		n.app.log.WarnContext(ctx, "the review criteria were not noted", "error", err)
	}
}
