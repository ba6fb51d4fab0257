package words

import (
	"fmt"

	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

var english = &vocabulary{
	tag: language.English,
	brief: names{
		[7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
		[12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
	},
	full: names{
		[7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		[12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	},
	when: func(t moment, m manner) string {
		clock := clock24(t.Time)
		if m.twelve {
			clock = clock12(t.Time, "AM", "PM")
		}
		if m.monthFirst {
			return fmt.Sprintf("%s, %s %d, %d at %s", t.weekday, t.month, t.Date.Day, t.Date.Year, clock)
		}
		return fmt.Sprintf("%s %d %s %d at %s", t.weekday, t.Date.Day, t.month, t.Date.Year, clock)
	},
	day: func(t moment, m manner) string {
		if m.monthFirst {
			return fmt.Sprintf("%s %d", t.month, t.Date.Day)
		}
		return fmt.Sprintf("%d %s", t.Date.Day, t.month)
	},
	zone: " ({city} time)",
	places: map[clinic.Modality]string{
		clinic.Home: "at your home", clinic.InPerson: "at {location}", clinic.Phone: "by phone", clinic.Video: "by video",
	},
	sentences: map[sentence]string{
		booked:      "your visit is booked for {when}{place}.",
		changed:     "your visit has changed. It is now on {when}{place}.",
		ourCancel:   "we are sorry that we had to cancel your visit on {when}{place}.",
		theirCancel: "as requested, we have cancelled your visit on {when}{place}.",
		reminding:   "your visit is on {when}{place}.",
		offering:    "a time has become free: {when}{place}. We keep it for you until {until}.",
		exchanging:  "we are sorry that your visit on {was} can't take place. We offer {when}{place}, kept for you until {until}. Otherwise we will be in touch.",
		orOff:       "we are sorry that your visit on {was} can't take place. We offer {when}{place}, kept for you until {until}. Otherwise it is cancelled.",
		impossible:  "we are sorry that your visit on {was} can't take place.",
		requested:   "we have your request for a visit on {when}{place}. It isn't booked yet: we will let you know.",
		declined:    "we are sorry that we can't offer you the visit that you asked for on {when}{place}.",
		lapsed:      "we are sorry that we couldn't confirm your request in time: {when}{place}. The visit won't take place.",
	},
	subjects: map[reminder.Kind]string{
		reminder.Confirmation: "{organization}: your visit on {when}",
		reminder.Change:       "{organization}: your visit has changed",
		reminder.Cancellation: "{organization}: your visit on {when} is cancelled",
		reminder.Remind:       "{organization}: your visit on {when}",
		reminder.Offer:        "{organization}: a time has become free",
		reminder.Request:      "{organization}: your request for {when}",
	},
	displaced: "{organization}: your visit on {was} can't take place",
	refused:   "{organization}: no visit on {when}",
	replies: map[reminder.Kind]string{
		reminder.Confirmation: "Reply 2 to move, 3 to cancel.",
		reminder.Change:       "Reply 1 to confirm, 2 to move, 3 to cancel.",
		reminder.Remind:       "Reply 1 to confirm, 2 to move, 3 to cancel.",
		reminder.Offer:        "Reply 1 {reference} to take it, 3 {reference} to decline.",
		reminder.Request:      "Reply 2 to move, 3 to cancel.",
	},
	exchange:  "Reply 1 {reference} to take it, 3 {reference} to decline.",
	again:     "Call {phone} to book again.",
	questions: "Questions? Call {phone}.",
	reference: "Ref {reference}.",
	stop:      "STOP to end texts.",
	links:     labels{"Confirm the visit", "Move the visit", "Cancel the visit", "No more e-mails like this", "Take this time", "No, thank you"},
}
