package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/hashpool"
	"dashtam/services/password"
	"dashtam/services/tokens"
)

// commands is the command line.
type commands struct {
	Serve     serveCommand     `cmd:"" help:"Serve Dashtam, with a database of its own unless DASHTAM_DATABASE_URL names one."`
	Demo      demoCommand      `cmd:"" help:"Serve Dashtam with a person who has three years of data at the sandbox bank."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the database to this version's schema."`
	SetupLink setupLinkCommand `cmd:"" help:"Print a link, good for 24 hours, that makes the first administrator."`
	Admin     adminCommands    `cmd:"" help:"Make and unmake administrators, and start password resets."`
	Audit     auditCommands    `cmd:"" help:"Look after the audit log."`
	Keys      keysCommands     `cmd:"" help:"Look after the key-encryption keys."`
	Doctor    doctorCommand    `cmd:"" help:"Find out which part is wrong when something does not work."`
	Version   versionCommand   `cmd:"" help:"Print the version."`

	HashWorker hashWorkerCommand `cmd:"" hidden:"" help:"Hash passwords for the server that started it; of no use to anybody else."`
}

type hashWorkerCommand struct{}

// Run works until the server ends or closes the pipe. A signal meant for all of them does not stop a worker: the server
// still answers those who came before.
func (hashWorkerCommand) Run(ctx context.Context) error {
	return hashpool.Work(context.WithoutCancel(ctx), password.New(0), os.Stdin, os.Stdout)
}

type migrateCommand struct{}

// Run migrates: every command that opens the database does.
func (migrateCommand) Run(ctx context.Context, a *app) error {
	return a.withDatabase(ctx, func(context.Context, *node) error {
		fmt.Fprintln(a.stdout, "The database is up to date.")
		return nil
	})
}

type setupLinkCommand struct{}

// Run prints a fresh set-up link; those before it stop working.
func (setupLinkCommand) Run(ctx context.Context, a *app) error {
	return a.withDatabase(ctx, func(ctx context.Context, n *node) error { return n.printSetupLink(ctx) })
}

type adminCommands struct {
	Grant  grantCommand  `cmd:"" help:"Make the person with this address an administrator."`
	Revoke revokeCommand `cmd:"" help:"Make the administrator with this address an ordinary person."`
	Reset  resetCommand  `cmd:"" name:"reset-password" help:"Mail the person with this address a link to choose a new password."`
}

type grantCommand struct {
	Email string `arg:"" help:"The person's address."`
}

// Run makes an administrator.
func (c grantCommand) Run(ctx context.Context, a *app) error {
	return a.withDatabase(ctx, func(ctx context.Context, n *node) error {
		u, err := n.auth.GrantAdmin(ctx, actor.ForSystem("admin grant"), c.Email)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s is an administrator now.\n", u.Email)
		return nil
	})
}

type revokeCommand struct {
	Email string `arg:"" help:"The administrator's address."`
}

// Run takes an administrator's role away.
func (c revokeCommand) Run(ctx context.Context, a *app) error {
	return a.withDatabase(ctx, func(ctx context.Context, n *node) error {
		u, err := n.auth.RevokeAdmin(ctx, actor.ForSystem("admin revoke"), c.Email)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s is no administrator any more.\n", u.Email)
		return nil
	})
}

type resetCommand struct {
	Email string `arg:"" help:"The person's address."`
	Print bool   `help:"Print the link in place of mailing it, where mail does not work."`
}

// Run has the link mailed, so that it reaches only the person; --print is for a host whose mail does not work.
func (c resetCommand) Run(ctx context.Context, a *app) error {
	return a.withDatabase(ctx, func(ctx context.Context, n *node) error {
		if c.Print {
			token, err := n.auth.ResetLink(ctx, actor.ForSystem("admin reset-password"), c.Email)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, "reset:", a.config.BaseURL.JoinPath("password", "reset", token))
			return err
		}
		u, err := n.auth.GetUserByEmail(ctx, c.Email)
		if err == nil {
			_, err = n.auth.StartReset(ctx, actor.ForSystem("admin reset-password"), u.ID)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "A link to choose a new password goes to %s, as soon as Dashtam is running, within 45 minutes.\n", u.Email)
		return nil
	})
}

type keysCommands struct {
	Status keysStatusCommand `cmd:"" help:"Say which keys there are and what each opens."`
	Rotate keysRotateCommand `cmd:"" help:"Make a new key and wrap everything under it, while Dashtam runs."`
}

type keysStatusCommand struct{}

// Run lists the keys by id. Key material is never printed.
func (keysStatusCommand) Run(ctx context.Context, a *app) error {
	return a.withDatabase(ctx, func(ctx context.Context, n *node) error {
		uses, err := n.tokens.KeyUses(ctx)
		if err != nil {
			return err
		}
		for _, u := range uses {
			fmt.Fprintln(a.stdout, keyLine(u, n.keys.Current().ID()))
		}
		fmt.Fprintln(a.stdout, backupsAndKeys)
		return nil
	})
}

func keyLine(u tokens.KeyUse, current string) string {
	line := u.ID + ": opens " + u.Opens()
	switch {
	case u.Retired:
		line += ", is retired"
	case u.ID == current:
		line += ", is used for new ones"
	}
	return line
}

const backupsAndKeys = "A backup of the database together with the keys of its time opens the tokens in it; without them it opens none."

type keysRotateCommand struct {
	DestroyOld bool `help:"Take the old keys out of the key file once they open nothing. Backups of before open no token any more."`
}

// Run makes a key, unless the last rotation was stopped on its way, which then goes on.
func (c keysRotateCommand) Run(ctx context.Context, a *app) error {
	if c.DestroyOld && a.config.Keys != "" {
		return errors.New("the keys stand in DASHTAM_KEYS: rotate without --destroy-old, then take the old ones out there")
	}
	return a.withDatabase(ctx, func(ctx context.Context, n *node) error {
		if err := a.newCurrentKey(ctx, n); err != nil {
			return err
		}
		current := n.keys.Current().ID()
		err := n.tokens.Rotate(ctx, actor.ForSystem("keys rotate"), func(done, left int) {
			fmt.Fprintf(a.stdout, "%d connections are under %s now, %d are left\n", done, current, left)
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "Every connection is under %s. %s\n", current, backupsAndKeys)
		if !c.DestroyOld {
			return nil
		}
		if err := a.writeKeys(n.keys.Current()); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, "The old keys are gone from the key file. Destroy its copies, and start Dashtam anew so that no process remembers them.")
		return nil
	})
}

type versionCommand struct{}

// Run prints the version that the build recorded.
func (versionCommand) Run(a *app) error {
	_, err := fmt.Fprintln(a.stdout, "dashtam", version())
	return err
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return strings.Trim(info.Main.Version, "()")
}

// printSetupLink prints the way to the first administrator.
func (n *node) printSetupLink(ctx context.Context) error {
	token, err := n.auth.SetupLink(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(n.app.stdout, "set-up:", n.app.config.BaseURL.JoinPath("setup", token))
	return err
}

// offerSetup is printSetupLink at a start, where an administrator is no error.
func (n *node) offerSetup(ctx context.Context) error {
	err := n.printSetupLink(ctx)
	if errors.Is(err, auth.ErrHasAdmin) {
		return nil
	}
	return err
}
