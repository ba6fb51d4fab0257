package postgres

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/provider"
)

// touched is whose openings a change of hours touches, where and when.
type touched struct {
	organization uuid.UUID
	providers    []uuid.UUID
	span         scheduleSpan
	joined       []provider.Exception // capped windows that become theirs by it
}

// record counts anew what starts in windows that were written or joined, and writes the change with its events.
func (t touched) record(ctx context.Context, tx pgx.Tx, c change, written ...provider.Exception) (err error) {
	if c.Counts, err = recount(ctx, tx, t.organization, t.providers, slices.Concat(written, t.joined)); err != nil {
		return err
	}
	return recordFor(ctx, tx, c, t.providers, t.span)
}

// What is done to the hours of a desk, each being how many there are of it before when the provider comes to the location by that, or
// leaves it. Whoever removes several at once names their number.
const (
	adding   = 0 // or replacing some
	removing = 1
)

// lockDesk keeps bookings of the provider out, and changes of the location that all its providers' openings follow from. Who comes to
// a location by a change, or leaves it, is there or gone for whatever is open there to all, or with them everywhere, on any day.
func lockDesk(ctx context.Context, tx pgx.Tx, c changing, at provider.Desk, does int) (touched, error) {
	whole, err := alters(ctx, tx, c, at, does)
	if err != nil {
		return touched{}, err
	}
	if whole {
		c.days = provider.Days{}
	}
	t := touched{
		organization: at.Organization, providers: []uuid.UUID{at.Provider},
		span: scheduleSpan{Location: &at.Location, From: c.days.From, Until: c.days.Until},
	}
	if err := lockProvidersForChange(ctx, tx, c, t.organization, t.providers); err != nil {
		return t, err
	}
	if err := hit(tx.Exec(ctx, shareLocation, at.Organization, at.Location)); err != nil {
		return t, err
	}
	switch again, err := alters(ctx, tx, c, at, does); {
	case err != nil:
		return t, err
	case again != whole:
		return t, errAgain
	case !whole || does >= removing:
		return t, nil
	}
	rows, err := all[wholeExceptionRow](ctx, tx, sharedWindows, at.Organization, at.Provider, at.Location, midnight(c.earliest()))
	for _, r := range rows {
		t.joined = append(t.joined, r.unexplained())
	}
	return t, err
}

// A desk is where hours of any sort are.
const (
	deskHas = `
SELECT (SELECT count(*) FROM (
    SELECT 1 FROM schedules` + ofDesk + ` UNION ALL SELECT 1 FROM date_hours` + ofDesk + ` UNION ALL SELECT 1 FROM schedule_exceptions` + ofDesk + ` LIMIT $5) hours),
  EXISTS (SELECT FROM schedule_exceptions` + openToMore + `)`

	// What is open to all at a location, or with a provider wherever they are.
	openToMore = ` WHERE organization_id = $1 AND (location_id = $3 AND provider_id IS NULL OR provider_id = $2 AND location_id IS NULL)
    AND effect = 'OPEN' AND local_to >= $4`

	sharedWindows = selectExceptions + openToMore + ` AND max_appointments IS NOT NULL`
)

// alters says whether the provider comes to the location or leaves it, while more is open there than the hours of this desk.
func alters(ctx context.Context, tx pgx.Tx, c changing, at provider.Desk, does int) (bool, error) {
	var hours int
	var shared bool
	err := tx.QueryRow(ctx, deskHas, at.Organization, at.Provider, at.Location, midnight(c.earliest()), does+1).Scan(&hours, &shared)
	return shared && hours == does, err
}
