package sms

import "github.com/mediconnect/mediconnect/internal/reminder"

// causes of failures that have to do with the recipient or the text, by the codes of https://www.twilio.com/docs/api/errors. Codes from 30000
// on come with reports, the others with answers.
var causes = map[int]reminder.Cause{
	21211: reminder.BadAddress, // no phone number
	21214: reminder.BadAddress, // can't be reached
	21217: reminder.BadAddress, // no phone number
	21265: reminder.BadAddress, // a short code
	21408: reminder.BadAddress, // a country that the account doesn't send to
	21421: reminder.BadAddress, // no phone number
	21610: reminder.OptedOut,   // has sent STOP
	21612: reminder.BadAddress, // no way from our number to this one
	21614: reminder.Landline,   // no mobile number
	21617: reminder.TooLong,
	30005: reminder.BadAddress,
	30006: reminder.Landline,
	30036: reminder.TooLate, // the validity period passed in Twilio's queue
}

func causeOf(code int, otherwise reminder.Cause) reminder.Cause {
	if cause, ok := causes[code]; ok {
		return cause
	}
	return otherwise
}

// fates are Twilio's statuses of texts that we sent.
var fates = map[string]reminder.Fate{
	"accepted": reminder.Taken, "scheduled": reminder.Taken, "queued": reminder.Taken, "sending": reminder.Taken, "sent": reminder.Taken,
	"partially_delivered": reminder.Taken,
	"delivered":           reminder.Arrived, "read": reminder.Arrived,
	"undelivered": reminder.Undelivered, "failed": reminder.Undelivered, "canceled": reminder.Undelivered,
}
