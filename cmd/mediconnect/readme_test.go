package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// The README has a line for each command, in the words of its --help.
func TestReadmeNamesEveryCommand(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var wanted strings.Builder
	wanted.WriteString("| command | what it does |\n| --- | --- |\n")
	describeCommands(&wanted, "mediconnect", gate().Commands)
	if !strings.Contains(string(readme), wanted.String()) {
		t.Errorf("README.md should have this table of commands:\n\n%s", wanted.String())
	}
}

func describeCommands(text *strings.Builder, above string, commands []*cli.Command) {
	for _, c := range commands {
		if len(c.Commands) == 0 || c.Name == "dev" {
			name := strings.TrimSpace(above + " " + c.Name + " " + c.ArgsUsage)
			fmt.Fprintf(text, "| `%s` | %s |\n", strings.ReplaceAll(name, "|", `\|`), c.Usage)
		}
		describeCommands(text, above+" "+c.Name, c.Commands)
	}
}
