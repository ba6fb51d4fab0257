package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"
)

// gate is the program's command line.
func gate() *cli.Command {
	root := &cli.Command{
		Name:           "mediconnect",
		Usage:          "GraphQL scheduling for healthcare",
		Commands:       []*cli.Command{devCommand(), serveCommand(), workCommand(), migrateCommand(), keysCommand(), importCommand(), demoCommand(), schemaCommand(), zonesCommand(), auditCommand(), accountsCommand(), deadLettersCommand(), flagsCommand()},
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // main tells errors
	}
	settle(root)
	return root
}

// settle gives all commands the same manners: a mistake is told in one line, a command that needs another word says so.
func settle(command *cli.Command) {
	command.HideHelpCommand = true
	command.OnUsageError = func(_ context.Context, cmd *cli.Command, err error, _ bool) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.FullName())
	}
	if command.Action == nil {
		command.Action = func(_ context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return cli.ShowSubcommandHelp(cmd)
		}
	}
	for _, each := range command.Commands {
		settle(each)
	}
}

// noArguments refuses words that would be ignored: a mistyped subcommand, a flag without its dashes.
func noArguments(cmd *cli.Command) error {
	if cmd.Args().Present() {
		return fmt.Errorf("%s doesn't know %q; see %s --help", cmd.FullName(), cmd.Args().First(), cmd.FullName())
	}
	return nil
}
