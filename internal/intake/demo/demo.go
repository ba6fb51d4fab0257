// Package demo is a shelf of the loading bay: a real publication, carried inside the program.
package demo

import (
	"embed"
	"io/fs"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

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

// published is the day on which the publication begins, a Friday.
var published = civil.Date{Year: 2023, Month: 3, Day: 24}

// Order imports the publication into an organisation, moved to begin on the first Friday from today on, so that it keeps its
// weekdays, with weekly hours of its pattern before and after, so that the demo never runs dry. The publication's first day
// is full, as it was published.
func Order(organization uuid.UUID, today civil.Date, progress func(intake.Progress)) intake.Order {
	begin := today.AddDays((published.DaysSince(today)%7 + 7) % 7)
	return intake.Order{
		From: Publication(), Organization: organization, ShiftTo: begin, WeeklyHours: true, WeeklyFrom: today, Progress: progress,
	}
}
