package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/flags"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// SwitchSettings are those of `mediconnect flags`.
type SwitchSettings struct {
	Flags     FlagSettings
	Overrides OverrideSettings
}

func (s *SwitchSettings) check() []fault {
	return slices.Concat(s.Flags.check(), s.Overrides.check())
}

// ListFlags is `mediconnect flags list`: every switch of the program, and what Unleash says of it now, if environ names one.
func ListFlags(ctx context.Context, environ []string, out io.Writer) error {
	settings, err := Load[SwitchSettings](environ)
	if err != nil {
		return err
	}
	known, err := askFlags(ctx, settings.Flags)
	if err != nil {
		return err
	}
	defer known.Close()
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FLAG\tCAN BE\tDEFAULT\tSTICKS TO\tOWNER\tEXPIRES\tNOW\tGATES")
	for _, s := range flags.All() {
		ways := s.Variants()
		if len(ways) == 0 {
			ways = []string{flags.Off, flags.On}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Key(), strings.Join(ways, ", "), s.Default(), s.StickTo(), s.Owner(), s.Expires(), known.Told(s), s.Gates())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	is := known.State()
	if is.Why != "" {
		return fmt.Errorf("what Unleash says could not be asked (%s): NOW is what holds without it", is.Why)
	}
	_, err = fmt.Fprintf(out, "\nNOW is from: %s\n", is.From)
	return err
}

// askFlags asks Unleash once, and keeps nothing on disk.
func askFlags(ctx context.Context, settings FlagSettings) (*flags.Flags, error) {
	asked := make(chan struct{}, 1)
	opts := settings.options(slog.New(slog.DiscardHandler))
	opts.Dir, opts.Heard = "", func() {
		select {
		case asked <- struct{}{}:
		default:
		}
	}
	known, err := flags.New(opts)
	if err != nil || !known.Asks() {
		return known, err
	}
	select {
	case <-asked:
	case <-ctx.Done():
	case <-time.After(2 * resilience.PolicyOf(resilience.Unleash).Call): // its calls end before
	}
	return known, nil
}

// CheckFlags is `mediconnect flags check`: it fails when a switch has expired, as one that stays is a second program that nobody tests.
func CheckFlags(out io.Writer) error { return checkFlags(civil.DateOf(clock.System{}.Now()), out) }

func checkFlags(today civil.Date, out io.Writer) error {
	over := flags.Expired(today)
	for _, s := range over {
		fmt.Fprintf(out, "%s has expired on %s: %s takes it, and what it replaced, out of the program\n", s.Key(), s.Expires(), s.Owner())
	}
	if len(over) > 0 {
		return fmt.Errorf("%d of %d flags have expired", len(over), len(flags.All()))
	}
	_, err := fmt.Fprintf(out, "None of %d flags has expired.\n", len(flags.All()))
	return err
}

// OverrideOptions are the arguments of `mediconnect flags override`.
type OverrideOptions struct {
	Flags        []string // key=variant, or key=on or key=off
	Organization string   // id, as the API gives it, or UUID; empty: any
	For          time.Duration
}

// OverrideFlags is `mediconnect flags override`: it signs a tester's wish with the key that environ has, and writes the token to out.
func OverrideFlags(environ []string, opts OverrideOptions, out, notes io.Writer) error {
	settings, err := Load[SwitchSettings](environ)
	if err != nil {
		return err
	}
	if settings.Overrides.Key.bytes == nil {
		return errors.New(settingPrefix + "FLAG_OVERRIDE_KEY must be set: overrides are signed with it")
	}
	wish := flags.Wish{Flags: map[string]string{}, For: opts.For}
	for _, one := range opts.Flags {
		key, value, ok := strings.Cut(one, "=")
		if _, twice := wish.Flags[key]; !ok || twice {
			return errors.New("name each flag once, as KEY=VALUE")
		}
		wish.Flags[key] = value
	}
	if opts.Organization != "" {
		if wish.Organization, err = organizationID(opts.Organization); err != nil {
			return err
		}
	}
	token, expires, err := settings.Overrides.overrides().Sign(wish)
	if err != nil {
		return err
	}
	fmt.Fprintf(notes, "Send it as the header MediConnect-Feature-Override; it holds until %s.\n", expires.UTC().Format(time.RFC3339))
	_, err = fmt.Fprintln(out, token)
	return err
}
