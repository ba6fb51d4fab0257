package main

import (
	"context"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

const verifyHelp = `Holds the audit events, the chains over them and the anchors outside the database against one another, and names the first
row of each organisation that isn't as it was written. It ends with status 1 when there is one. Configured by environment
variables (name, default, meaning):

`

func auditCommand() *cli.Command {
	var organization string
	return &cli.Command{
		Name:  "audit",
		Usage: "check the record of who saw what",
		Commands: []*cli.Command{{
			Name:        "verify",
			Usage:       "find the first row that isn't as it was written",
			Description: verifyHelp + app.Describe[app.WorkerSettings](),
			Flags:       []cli.Flag{&cli.StringFlag{Name: "organization", Usage: "only this one, by its `ID`", Destination: &organization}},
			Action: func(ctx context.Context, cmd *cli.Command) error {
				if err := noArguments(cmd); err != nil {
					return err
				}
				return app.VerifyAudit(ctx, os.Environ(), organization, os.Stdout)
			},
		}},
	}
}
