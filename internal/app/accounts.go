package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// NewAccount is what `mediconnect accounts create` is asked for.
type NewAccount struct {
	Organization string // an id, the API's or the plain one; empty: the platform
	Role, Email  string
	Locale       string
	Given        bool // the password is the first line of in; else one is made and shown
}

const longestLine = 1024

// CreateAccount is `mediconnect accounts create`: somebody who can sign in, before there is anybody to invite them.
func CreateAccount(ctx context.Context, environ []string, n NewAccount, in io.Reader, out, logs io.Writer) error {
	settings, err := Load[WorkSettings](environ)
	if err != nil {
		return err
	}
	organization := uuid.Nil
	if n.Organization != "" {
		if organization, err = organizationOf(n.Organization); err != nil {
			return fmt.Errorf("--organization: %w", err)
		}
	}
	password := access.Private(strings.ToLower(rand.Text()))
	if n.Given {
		if password, err = firstLine(in); err != nil {
			return err
		}
	}
	a, err := enter(ctx, Frame{Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Log: settings.Log.Logger(logs)})
	if err != nil {
		return err
	}
	defer a.Close()
	made, err := a.people.Create(ctx, access.Actor{Kind: access.System, Client: "mediconnect accounts", RequestID: newID().String()}, identity.Create{
		Organization: organization, Role: access.Role(n.Role), Email: access.Private(n.Email), Password: password, Locale: n.Locale,
	})
	if e, ok := errors.AsType[*errs.Error](err); ok && e.Kind == errs.InvalidInput {
		return fmt.Errorf("--%s: %s", strings.Join(e.Path, "."), e.Message)
	}
	if err != nil {
		return inOneSentence(err)
	}
	fmt.Fprintf(out, "account %s\n", made.ID)
	if !n.Given {
		fmt.Fprintf(out, "password %s\n", password.Reveal())
	}
	return nil
}

// firstLine is a password that is piped in.
func firstLine(in io.Reader) (access.Private, error) {
	lines := bufio.NewScanner(io.LimitReader(in, longestLine))
	if !lines.Scan() || lines.Text() == "" {
		return "", errors.New("the password is read from standard input, and there was none")
	}
	return access.Private(lines.Text()), nil
}
