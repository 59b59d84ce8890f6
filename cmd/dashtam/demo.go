package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/connections"
	"dashtam/services/syncer"
)

const (
	demoEmail = "demo@example.org"
	demoName  = "Demo Person"
	demoWait  = 3 * time.Minute // for three years of data to arrive
)

var (
	errDemoPublic = errors.New("demo is for a Dashtam on your own machine: a localhost DASHTAM_BASE_URL without TLS, and the sandbox bank on")
	errDemoInUse  = errors.New("this data directory belongs to somebody: give the demo one of its own with DASHTAM_DATA_DIR")
)

type demoCommand struct{}

// Run serves like serve, with a person in the database whose bank is the sandbox. Unless told otherwise it keeps apart
// from the data of serve.
func (demoCommand) Run(ctx context.Context, a *app) error {
	getenv := a.getenv
	a.getenv = func(name string) string {
		value := getenv(name)
		if name == "DASHTAM_DATA_DIR" && value == "" {
			return filepath.Join("data", "demo")
		}
		return value
	}
	c, err := readConfig(a.getenv)
	if err != nil {
		return err
	}
	if !isLocal(c.BaseURL) || c.TLS != "off" || c.SandboxAddr == "" {
		return errDemoPublic
	}
	return a.serve(ctx, (*node).demo)
}

// demo makes the person and connects them, as they would by hand, where an earlier run has not done so yet.
func (n *node) demo(ctx context.Context) error {
	password, err := n.demoPassword()
	if err != nil {
		return err
	}
	user, err := n.demoPerson(ctx, password)
	if err != nil {
		return err
	}
	who := actor.Actor{Kind: actor.Admin, UserID: user.ID, RequestID: "demo"}
	list, err := n.connections.List(ctx, who)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintln(n.app.stdout, "Connecting the demo person to the sandbox bank ...")
		if err := connectSandbox(ctx, n.app.config.BaseURL, demoEmail, password); err != nil {
			return fmt.Errorf("connecting the demo person: %w", err)
		}
		if list, err = n.connections.List(ctx, who); err != nil {
			return err
		}
	}
	if err := n.awaitSync(ctx, who, list); err != nil {
		return err
	}
	_, err = fmt.Fprintf(n.app.stdout, "Sign in as %s with the password %s\n", demoEmail, password)
	return err
}

// demoPassword is made by chance once and kept beside the data, so that no two demos share one.
func (n *node) demoPassword() (string, error) {
	path := filepath.Join(n.app.config.DataDir, "demo-password")
	kept, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(kept)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	password := strings.ToLower(rand.Text()[:16])
	return password, os.WriteFile(path, []byte(password+"\n"), 0o600)
}

// demoPerson sets the installation up with the person as its administrator.
func (n *node) demoPerson(ctx context.Context, password string) (auth.User, error) {
	user, err := n.auth.GetUserByEmail(ctx, demoEmail)
	if !errors.Is(err, auth.ErrNotFound) {
		return user, err
	}
	token, err := n.auth.SetupLink(ctx)
	if errors.Is(err, auth.ErrHasAdmin) {
		return auth.User{}, errDemoInUse
	}
	if err != nil {
		return auth.User{}, err
	}
	who := actor.Actor{RequestID: "demo"}
	return n.auth.SetUp(ctx, who, token, auth.Registration{Name: demoName, Email: demoEmail, Password: password})
}

// awaitSync waits until every connection's newest run is over.
func (n *node) awaitSync(ctx context.Context, who actor.Actor, list []connections.Connection) error {
	ctx, cancel := context.WithTimeout(ctx, demoWait)
	defer cancel()
	for _, c := range list {
		for {
			run, _, err := n.syncer.Progress(ctx, who, c.ID)
			if err != nil {
				return fmt.Errorf("waiting for the demo person's data: %w", err)
			}
			if run.State != syncer.Queued && run.State != syncer.Running {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("waiting for the demo person's data: %w", ctx.Err())
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	return nil
}
