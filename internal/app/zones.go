package app

import (
	"context"
	"fmt"
	"io"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// Zones is `mediconnect zones`: it lists upcoming visits that the zone data in use put at another time than they were booked
// under, and with apply brings them up to date.
func Zones(ctx context.Context, environ []string, apply bool, out, logs io.Writer) error {
	settings, err := Load[WorkSettings](environ)
	if err != nil {
		return err
	}
	a, err := enter(ctx, Frame{Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Log: settings.Log.Logger(logs)})
	if err != nil {
		return err
	}
	defer a.Close()
	affected, clashing := 0, 0
	err = a.appointments.Rezone(ctx, apply, func(r appointment.Rezoned) {
		affected++
		if r.Clash != nil {
			clashing++
		}
		fmt.Fprintln(out, describe(r))
	})
	if err != nil {
		return inOneSentence(err)
	}
	_, err = fmt.Fprintf(out, "Zone data %s: %d upcoming visits affected, %d clashes.\n", clock.ZoneVersion(), affected, clashing)
	return err
}

func describe(r appointment.Rezoned) string {
	line := fmt.Sprintf("%s %s %s (%s) -> %s (%s)", r.Before.ID, r.Before.TimeZone,
		r.Before.Start.Format("2006-01-02T15:04Z"), r.Before.LocalStart, r.After.Start.Format("2006-01-02T15:04Z"), r.After.LocalStart)
	if r.Clash != nil {
		return line + " CLASH: " + r.Clash.Error()
	}
	return line
}
