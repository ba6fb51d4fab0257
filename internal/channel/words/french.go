package words

import (
	"fmt"
	"strconv"

	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// french writes aout in texts, as the spelling of 1990 allows: û is in no GSM alphabet, and would make them three times as long.
var french = &vocabulary{
	tag:   language.French,
	brief: names{frenchDays, frenchMonths("aout")},
	full:  names{frenchDays, frenchMonths("août")},
	when: func(t moment, _ manner) string {
		day := strconv.Itoa(t.Date.Day)
		if day == "1" {
			day = "1er"
		}
		return fmt.Sprintf("%s %s %s %d à %dh%02d", t.weekday, day, t.month, t.Date.Year, t.Time.Hour, t.Time.Minute)
	},
	day: func(t moment, _ manner) string {
		if t.Date.Day == 1 {
			return "1er " + t.month
		}
		return fmt.Sprintf("%d %s", t.Date.Day, t.month)
	},
	zone: " (heure de {city})",
	places: map[clinic.Modality]string{
		clinic.Home: "à votre domicile", clinic.InPerson: "lieu : {location}", clinic.Phone: "par téléphone", clinic.Video: "par vidéo",
	},
	sentences: map[sentence]string{
		booked:      "votre rendez-vous est réservé pour le {when}{place}.",
		changed:     "votre rendez-vous a changé. Il a maintenant lieu le {when}{place}.",
		ourCancel:   "nous regrettons de devoir annuler votre rendez-vous du {when}{place}.",
		theirCancel: "à votre demande, nous avons annulé votre rendez-vous du {when}{place}.",
		reminding:   "votre rendez-vous a lieu le {when}{place}.",
		offering:    "un rendez-vous s'est libéré : {when}{place}. Nous le gardons pour vous jusqu'au {until}.",
		exchanging:  "votre rendez-vous du {was} ne peut avoir lieu. Nous vous gardons le {when}{place} jusqu'au {until}. Sinon nous vous rappellerons.",
		orOff:       "votre rendez-vous du {was} ne peut avoir lieu. Nous vous gardons le {when}{place} jusqu'au {until}. Sinon il est annulé.",
		impossible:  "nous regrettons que votre rendez-vous du {was} ne puisse avoir lieu.",
		requested:   "nous avons votre demande de rendez-vous pour le {when}{place}. Il n'est pas encore réservé : nous vous le dirons.",
		declined:    "nous regrettons de ne pas pouvoir vous proposer le rendez-vous demandé pour le {when}{place}.",
		lapsed:      "nous regrettons de ne pas avoir pu confirmer à temps votre demande pour le {when}{place}. Le rendez-vous n'aura pas lieu.",
	},
	subjects: map[reminder.Kind]string{
		reminder.Confirmation: "{organization} : votre rendez-vous du {when}",
		reminder.Change:       "{organization} : votre rendez-vous a changé",
		reminder.Cancellation: "{organization} : votre rendez-vous du {when} est annulé",
		reminder.Remind:       "{organization} : votre rendez-vous du {when}",
		reminder.Offer:        "{organization} : un rendez-vous s'est libéré",
		reminder.Request:      "{organization} : votre demande pour le {when}",
	},
	displaced: "{organization} : votre rendez-vous du {was} ne peut avoir lieu",
	refused:   "{organization} : pas de rendez-vous le {when}",
	replies: map[reminder.Kind]string{
		reminder.Confirmation: "Répondez 2 pour déplacer, 3 pour annuler.",
		reminder.Change:       "Répondez 1 pour confirmer, 2 pour déplacer, 3 pour annuler.",
		reminder.Remind:       "Répondez 1 pour confirmer, 2 pour déplacer, 3 pour annuler.",
		reminder.Offer:        "Répondez 1 {reference} pour le prendre, 3 {reference} pour le refuser.",
		reminder.Request:      "Répondez 2 pour déplacer, 3 pour annuler.",
	},
	exchange:  "Répondez 1 {reference} : oui, 3 {reference} : non.",
	again:     "Pour un autre rendez-vous, appelez le {phone}.",
	questions: "Des questions ? Appelez le {phone}.",
	reference: "Réf {reference}.",
	stop:      "STOP pour ne plus recevoir de SMS.",
	links:     labels{"Confirmer le rendez-vous", "Déplacer le rendez-vous", "Annuler le rendez-vous", "Ne plus recevoir ces e-mails", "Prendre ce rendez-vous", "Non, merci"},
}

var frenchDays = [7]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}

func frenchMonths(eighth string) [12]string {
	return [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", eighth, "septembre", "octobre", "novembre", "décembre"}
}
