// Package demo is the loading bay's own sample: a real publication, carried inside the program.
package demo

import (
	"context"
	"embed"
	"io/fs"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/intake"
)

// Zone is where all sites of the demo are.
const Zone = "America/New_York"

//go:embed riteaid-nj
var files embed.FS

// Publication is the demo's data as they were published. See riteaid-nj/README.md for their source and licence.
func Publication() intake.Source {
	folder, err := fs.Sub(files, "riteaid-nj")
	if err != nil {
		panic(err) // the name is a valid path
	}
	return intake.Folder(folder)
}

// Load imports the publication into an organisation, moved to begin on a day, with weekly hours from its end on, so that
// it never runs dry. A load that was stopped can be begun again, and one that ended changes nothing.
func Load(
	ctx context.Context, into intake.Directory, actor access.Actor, organization uuid.UUID, begin civil.Date, progress func(intake.Progress),
) (intake.Report, error) {
	return intake.Import(ctx, into, actor, intake.Order{
		From: Publication(), Organization: organization, ShiftTo: begin, WeeklyHours: true, Progress: progress,
	})
}
