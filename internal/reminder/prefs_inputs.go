package reminder

import (
	"fmt"
	"slices"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Bounds of what patients and clinics may ask for.
const (
	// MinBefore and MaxBefore bound how long before a visit somebody is reminded of it.
	MinBefore = 15 * time.Minute
	MaxBefore = 60 * 24 * time.Hour
	// MaxReminders is how many there may be of a visit.
	MaxReminders = 5
	// MaxQuiet bounds quiet hours: some of the day has to be left to remind in.
	MaxQuiet = 20 * time.Hour
)

// ChangePreferences changes how a patient is told of visits. What is nil stays as it is.
type ChangePreferences struct {
	Patient         clinic.Ref
	ExpectedVersion *int
	Channels        []ChannelChange // in the patient's order
	Reminders       *bool
	RemindBefore    []time.Duration // empty and not nil: as the clinic's rules say
	Quiet           *QuietHours     // both the same: none
}

// ChannelChange allows or refuses a channel.
type ChannelChange struct {
	Channel ChannelKind
	Allowed bool
}

// StaleVersion reports that the preferences changed since the version that the caller expected.
type StaleVersion struct{ Current Preferences }

func (StaleVersion) Error() string {
	return "The preferences changed meanwhile. Look at them as they are now."
}

func (in ChangePreferences) check() error {
	var check form.Check
	checkChannels(&check, in.Channels)
	check.That(len(in.RemindBefore) <= MaxReminders, atMost, "remindBefore")
	for i, before := range in.RemindBefore {
		checkBefore(&check, before, form.At([]string{"remindBefore"}, i)...)
		check.That(!slices.Contains(in.RemindBefore[:i], before), "This is here twice.", form.At([]string{"remindBefore"}, i)...)
	}
	if in.Quiet != nil {
		in.Quiet.check(&check)
	}
	return check.Err()
}

var atMost = fmt.Sprintf("At most %d reminders of a visit.", MaxReminders)

func checkChannels(check *form.Check, list []ChannelChange) {
	for i, c := range list {
		path := form.At([]string{"channels"}, i, "channel")
		check.That(c.Channel != Voice, "Nobody is called by us. Choose another channel.", path...)
		check.That(slices.Contains(SentBy, c.Channel), "There is no such channel.", path...)
		check.That(!slices.ContainsFunc(list[:i], func(o ChannelChange) bool { return o.Channel == c.Channel }), "This channel is here twice.", path...)
	}
}

func checkBefore(check *form.Check, d time.Duration, path ...string) {
	check.That(d >= MinBefore, "At least 15 minutes before the visit.", path...)
	check.That(d <= MaxBefore, "At most 60 days before the visit.", path...)
	check.That(d%time.Minute == 0, "Whole minutes only.", path...)
}

// checkLocal reads a time of day of whole minutes.
func checkLocal(check *form.Check, t civil.Time, path ...string) {
	check.That(t.IsValid(), "Write a time from 00:00 to 23:59.", path...)
	check.That(t.Second == 0 && t.Nanosecond == 0, "Whole minutes only.", path...)
}

func (q QuietHours) check(check *form.Check) {
	checkLocal(check, q.From, "quietHours", "from")
	checkLocal(check, q.Until, "quietHours", "until")
	check.That(q.length() <= MaxQuiet, "Quiet hours last at most 20 hours. To have no reminders at all, switch them off.", "quietHours")
}

func (q QuietHours) length() time.Duration {
	minutes := Minutes(q.Until) - Minutes(q.From)
	if minutes < 0 {
		minutes += 24 * 60
	}
	return time.Duration(minutes) * time.Minute
}

// Minutes is a local time as minutes of its day.
func Minutes(t civil.Time) int { return 60*t.Hour + t.Minute }

// TimeAt is the local time so many minutes into a day.
func TimeAt(minutes int) civil.Time { return civil.Time{Hour: minutes / 60, Minute: minutes % 60} }

// apply is what the preferences are after a change, and which fields it changes.
func (in ChangePreferences) apply(from Preferences, by choice) (Preferences, []string, error) {
	if in.ExpectedVersion != nil && *in.ExpectedVersion != from.Version {
		return from, nil, StaleVersion{Current: from}
	}
	to := from
	if in.Channels != nil {
		to = to.choose(in.Channels, by)
	}
	if in.Reminders != nil {
		to.Reminders = *in.Reminders
	}
	if in.RemindBefore != nil {
		to.RemindBefore = slices.Clone(in.RemindBefore)
		slices.SortFunc(to.RemindBefore, func(a, b time.Duration) int { return int((b - a) / time.Minute) })
	}
	if in.Quiet != nil {
		to.Quiet = in.Quiet
	}
	fields := differing(from, to)
	if len(fields) > 0 {
		to.Version++
	}
	return to, fields, nil
}

// missing is what is said of a patient who isn't there, or whom the caller may not see.
func missing() error { return errs.Missing("patient", "patientId") }
