package main

import (
	"context"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

const accountsHelp = `Makes the first account of an organisation, or of the platform: whoever has it invites others. They set up a second factor when they
first sign in. Configured by environment variables (name, default, meaning):

`

func accountsCommand() *cli.Command {
	return &cli.Command{
		Name: "accounts", Usage: "make somebody who can sign in", Description: accountsHelp + app.Describe[app.WorkSettings](),
		Commands: []*cli.Command{accountsCreate()},
	}
}

func accountsCreate() *cli.Command {
	var n app.NewAccount
	return &cli.Command{
		Name: "create", Usage: "make an account and show its password, unless one is given",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "organization", Usage: "`ID` of the organisation; left out: the platform", Destination: &n.Organization},
			&cli.StringFlag{Name: "role", Usage: "`ROLE`, such as ADMIN; of the platform PLATFORM_ADMIN", Required: true, Destination: &n.Role},
			&cli.StringFlag{Name: "email", Usage: "`ADDRESS` to sign in with", Required: true, Destination: &n.Email},
			&cli.StringFlag{Name: "locale", Value: "en", Usage: "`LANGUAGE` that they are written to in", Destination: &n.Locale},
			&cli.BoolFlag{Name: "password-stdin", Usage: "the password is the first line of standard input", Destination: &n.Given},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.CreateAccount(ctx, os.Environ(), n, os.Stdin, os.Stdout, os.Stderr)
		},
	}
}
