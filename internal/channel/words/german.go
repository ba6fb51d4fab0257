package words

import (
	"fmt"

	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// german begins its sentences with capitals after a colon, too.
var german = &vocabulary{
	tag:   language.German,
	brief: names{days: [7]string{"So.", "Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa."}},
	full: names{
		[7]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
		[12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
	},
	when: func(t moment, _ manner) string {
		day := fmt.Sprintf("%d.%d.%d", t.Date.Day, t.Date.Month, t.Date.Year)
		if t.month != "" {
			day = fmt.Sprintf("%d. %s %d", t.Date.Day, t.month, t.Date.Year)
		}
		return fmt.Sprintf("%s, %s um %s Uhr", t.weekday, day, clock24(t.Time))
	},
	day:  func(t moment, _ manner) string { return fmt.Sprintf("%d.%d.", t.Date.Day, t.Date.Month) },
	zone: " (Ortszeit {city})",
	places: map[clinic.Modality]string{
		clinic.Home: "bei Ihnen zu Hause", clinic.InPerson: "Ort: {location}", clinic.Phone: "per Telefon", clinic.Video: "per Video",
	},
	sentences: map[sentence]string{
		booked:      "Ihr Termin ist gebucht: {when}{place}.",
		changed:     "Ihr Termin hat sich geändert. Er ist nun am {when}{place}.",
		ourCancel:   "Leider mussten wir Ihren Termin absagen: {when}{place}.",
		theirCancel: "Wie gewünscht haben wir Ihren Termin abgesagt: {when}{place}.",
		reminding:   "Ihr Termin ist am {when}{place}.",
		offering:    "Ein Termin ist frei geworden: {when}{place}. Wir halten ihn für Sie frei bis {until}.",
		exchanging:  "Leider kann Ihr Termin am {was} nicht stattfinden. Unser Vorschlag: {when}{place}, für Sie frei bis {until}. Sonst melden wir uns.",
		orOff:       "Leider kann Ihr Termin am {was} nicht stattfinden. Unser Vorschlag: {when}{place}, für Sie frei bis {until}. Sonst ist er abgesagt.",
		impossible:  "Leider kann Ihr Termin nicht stattfinden: {was}.",
		requested:   "Wir haben Ihre Anfrage erhalten: {when}{place}. Der Termin ist noch nicht gebucht, wir melden uns.",
		declined:    "Leider können wir Ihnen den gewünschten Termin nicht anbieten: {when}{place}.",
		lapsed:      "Leider konnten wir Ihre Anfrage nicht rechtzeitig bestätigen: {when}{place}. Der Termin findet nicht statt.",
	},
	subjects: map[reminder.Kind]string{
		reminder.Confirmation: "{organization}: Ihr Termin am {when}",
		reminder.Change:       "{organization}: Ihr Termin hat sich geändert",
		reminder.Cancellation: "{organization}: Ihr Termin am {when} ist abgesagt",
		reminder.Remind:       "{organization}: Ihr Termin am {when}",
		reminder.Offer:        "{organization}: Ein Termin ist frei geworden",
		reminder.Request:      "{organization}: Ihre Anfrage für {when}",
	},
	displaced: "{organization}: Ihr Termin am {was} kann nicht stattfinden",
	refused:   "{organization}: kein Termin am {when}",
	replies: map[reminder.Kind]string{
		reminder.Confirmation: "Antworten: 2 verlegen, 3 absagen.",
		reminder.Change:       "Antworten: 1 bestätigen, 2 verlegen, 3 absagen.",
		reminder.Remind:       "Antworten: 1 bestätigen, 2 verlegen, 3 absagen.",
		reminder.Offer:        "Antworten: 1 {reference} nehmen, 3 {reference} ablehnen.",
		reminder.Request:      "Antworten: 2 verlegen, 3 absagen.",
	},
	exchange:  "Antworten: 1 {reference} nehmen, 3 {reference} ablehnen.",
	again:     "Neuer Termin: {phone}.",
	questions: "Fragen? Rufen Sie an: {phone}.",
	reference: "Ref {reference}.",
	stop:      "STOP beendet SMS.",
	links:     labels{"Termin bestätigen", "Termin verlegen", "Termin absagen", "Keine solchen E-Mails mehr", "Diesen Termin nehmen", "Nein, danke"},
}
