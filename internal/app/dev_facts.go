package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/devstack"
)

const factsFile = "dev.json"

// devFacts is dev.json: what a script needs to use a running `mediconnect dev`.
type devFacts struct {
	GraphQL  string    `json:"graphqlUrl"`
	Socket   string    `json:"wsUrl"`
	Database string    `json:"databaseUrl"`        // as its owner, who migrates it
	Program  string    `json:"programDatabaseUrl"` // as serve, work and import use it
	Redis    string    `json:"redisUrl"`
	Keys     string    `json:"keys"`         // the folder of keys
	Anchors  string    `json:"auditAnchors"` // the file of anchors
	Mails    string    `json:"mails"`        // the folder of mails that were sent
	Messages string    `json:"messages"`     // the page of messages to patients that were sent
	Tokens   devTokens `json:"tokens"`

	OverrideKey string `json:"flagOverrideKey"` // which mediconnect flags override signs with
}

type devTokens struct {
	Patient     string `json:"patient"`
	Caregiver   string `json:"caregiver"`
	Provider    string `json:"provider"`
	FrontDesk   string `json:"frontDesk"`
	ClinicAdmin string `json:"clinicAdmin"`
	Auditor     string `json:"auditor"`
	Admin       string `json:"admin"` // of the platform
}

// newFacts are those that are known before the demo data are there: all but the tokens.
func newFacts(address string, servers *devstack.Postgres, redis string, place *devstack.Place) devFacts {
	return devFacts{
		GraphQL: "http://" + address + "/graphql", Socket: "ws://" + address + "/graphql",
		Database: servers.URL(), Program: servers.ProgramURL(), Redis: redis,
		Keys: place.ServersPath(devKeys), Anchors: place.Path(devAnchors), Mails: place.Path(devMails),
	}
}

// writeFacts lets nobody see half a file, nor another user any of it.
func writeFacts(place *devstack.Place, facts devFacts) error {
	text, err := json.MarshalIndent(facts, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", factsFile, err)
	}
	unfinished := place.Path(factsFile + ".new")
	if err := os.WriteFile(unfinished, append(text, '\n'), 0o600); err != nil {
		return devstack.FileProblem(unfinished, err)
	}
	return os.Rename(unfinished, place.Path(factsFile))
}

func removeFacts(place *devstack.Place) error {
	if err := os.Remove(place.Path(factsFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return devstack.FileProblem(place.Path(factsFile), err)
	}
	return nil
}

// tell prints the facts for a person.
func (f devFacts) tell(out io.Writer, place *devstack.Place, elapsed time.Duration) error {
	var text strings.Builder
	fmt.Fprintf(&text, "\nMediConnect is ready after %.1f s.\n\n", elapsed.Seconds())
	for _, line := range [][2]string{
		{"GraphQL", f.GraphQL},
		{"GraphiQL", strings.TrimSuffix(f.GraphQL, "/graphql") + "/graphiql"},
		{"WebSocket", f.Socket},
		{"PostgreSQL", f.Program},
		{"as its owner", f.Database},
		{"Redis", f.Redis},
		{"Keys", f.Keys},
		{"Anchors", f.Anchors},
		{"Mails", f.Mails},
		{"Messages", f.Messages},
		{"For scripts", place.Path(factsFile)},
	} {
		fmt.Fprintf(&text, "  %-12s %s\n", line[0], line[1])
	}
	text.WriteString("\nTokens, accepted by this data folder's `dev` alone (send one as `Authorization: Bearer …`):\n")
	for _, line := range [][2]string{
		{"patient", f.Tokens.Patient}, {"caregiver", f.Tokens.Caregiver}, {"provider", f.Tokens.Provider}, {"front desk", f.Tokens.FrontDesk},
		{"clinic admin", f.Tokens.ClinicAdmin}, {"auditor", f.Tokens.Auditor}, {"admin", f.Tokens.Admin},
	} {
		fmt.Fprintf(&text, "\n  %-12s %s\n", line[0], line[1])
	}
	text.WriteString("\nCtrl-C stops everything and keeps the data.\n")
	_, err := io.WriteString(out, text.String())
	return err
}

// teller prints progress.
type teller struct {
	out   io.Writer
	began time.Time
}

func newTeller(out io.Writer) *teller { return &teller{out: out, began: clock.System{}.Now()} }

// fact prints one line; without a name it belongs to the line above.
func (t *teller) fact(name, text string) { fmt.Fprintf(t.out, "%-12s %s\n", name, text) }

func (t *teller) elapsed() time.Duration { return clock.System{}.Now().Sub(t.began) }
