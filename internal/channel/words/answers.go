package words

import (
	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// replying is what answers are answered with in a language. Words in braces stand for facts.
type replying struct {
	effects map[reminder.Effect]string
	call    string // goes after what only the clinic can do, if it has a number
	ask     string // in its place, if it has none
	app     string // how to go on in the app
	over    string // of an offer in place of a visit, what OfferOver is answered with
}

// Answer words what came of an answer, for a text of two segments at most unless names are long, or for a page. App is where a new time is
// chosen; empty: nowhere but at the clinic. It tells neither whose visit it is nor when.
func Answer(a reminder.Answered, app string) string {
	v, _ := speaking(a.Facts.Language)
	r, f := replies[v.tag], a.Facts
	said := r.effects[a.Effect] + r.next(a, app)
	if a.Effect == reminder.OfferOver && whole(f.Was) {
		said = r.over // nobody waits for another
	}
	f.Organization = shortened(oneLine(f.Organization), longestSender, "…")
	switch {
	case f.Organization == "":
		said, f.Organization = capital(said), nobody
	case a.Effect != reminder.HelpGiven:
		said = "{organization}: " + said
	}
	return facts{"organization": f.Organization, "phone": oneLine(f.Phone), "app": app}.fill(said)
}

// Visit words when and where a visit is, and nothing else of it.
func Visit(f reminder.Facts) string {
	v, m := speaking(f.Language)
	f.Location = oneLine(f.Location)
	return capital(v.factsOf(cut(f), m, v.full).fill("{when}{place}"))
}

// Until words by when an offer is to be answered.
func Until(f reminder.Facts) string {
	v, m := speaking(f.Language)
	return v.factsOf(f, m, v.full).fill("{until}")
}

// Impossible words that the visit can't take place in whose stead a time is offered; empty: there is none such.
func Impossible(f reminder.Facts) string {
	if !whole(f.Was) {
		return ""
	}
	v, m := speaking(f.Language)
	return capital(v.factsOf(f, m, v.full).fill(v.sentences[impossible]))
}

const (
	longestSender = 40            // the name of a clinic in a text
	nobody        = "MediConnect" // who writes where no clinic is known
)

// next is what to do then, if anything.
func (r replying) next(a reminder.Answered, app string) string {
	switch a.Effect {
	case reminder.AskedMoving:
		if app != "" {
			return " " + r.app
		}
	case reminder.AskedCancelling, reminder.NotConfirmed, reminder.NoVisit, reminder.NotUnderstood, reminder.VisitMoved, reminder.HelpGiven:
	default:
		return ""
	}
	if a.Facts.Phone == "" {
		return " " + r.ask
	}
	return " " + r.call
}

// replies are those of all languages that messages are written in.
var replies = map[language.Tag]replying{
	language.English: {
		effects: map[reminder.Effect]string{
			reminder.AskedCancelling:  "we can't cancel your visit this way, as it may cost a fee. We have noted that you asked.",
			reminder.AskedMoving:      "we have noted that you want another time.",
			reminder.CancelledByReply: "your visit is cancelled.",
			reminder.ConfirmedByReply: "thank you, your visit is confirmed.",
			reminder.HelpGiven:        "We write about visits at {organization}. Reply 1 to confirm, 2 to move, 3 to cancel, STOP to end texts.",
			reminder.NotConfirmed:     "your visit can't be confirmed now.",
			reminder.NotUnderstood:    "we only understand 1 (confirm), 2 (move) and 3 (cancel), with the message's reference if need be.",
			reminder.NoVisit:          "we found no visit ahead that this is meant for.",
			reminder.OfferDeclined:    "we have given the time to others.",
			reminder.OfferOver:        "this offer has ended, or the time can't be had any more. You still wait.",
			reminder.OfferTaken:       "thank you, the time is yours.",
			reminder.Resumed:          "you will get texts about visits again. STOP ends them.",
			reminder.Stopped:          "you will get no more texts. START brings them back.",
			reminder.VisitMoved:       "your visit has changed since that message. Please answer the latest one.",
			reminder.WhichVisit:       "there are several visits. Please answer again with the message's reference, such as 1 K7Q2M9AB.",
		},
		call: "Please call {phone}.", ask: "Please call the clinic.", app: "Choose one here: {app}",
		over: "this offer has ended, or the time can't be had any more.",
	},
	language.German: {
		effects: map[reminder.Effect]string{
			reminder.AskedCancelling:  "so können wir Ihren Termin nicht absagen, da es etwas kosten kann. Ihr Wunsch ist vermerkt.",
			reminder.AskedMoving:      "Ihr Wunsch nach einem anderen Termin ist vermerkt.",
			reminder.CancelledByReply: "Ihr Termin ist abgesagt.",
			reminder.ConfirmedByReply: "danke, Ihr Termin ist bestätigt.",
			reminder.HelpGiven:        "Wir schreiben zu Terminen bei {organization}. Antworten Sie 1 zum Bestätigen, 2 zum Verschieben, 3 zum Absagen, STOP zum Abbestellen.",
			reminder.NotConfirmed:     "Ihr Termin kann jetzt nicht bestätigt werden.",
			reminder.NotUnderstood:    "wir verstehen nur 1 (bestätigen), 2 (verschieben) und 3 (absagen), wenn nötig mit der Referenz der Nachricht.",
			reminder.NoVisit:          "wir finden keinen künftigen Termin, der gemeint sein kann.",
			reminder.OfferDeclined:    "wir haben den Termin weitergegeben.",
			reminder.OfferOver:        "dieses Angebot ist vorbei, oder der Termin ist nicht mehr zu haben. Sie stehen weiter auf der Warteliste.",
			reminder.OfferTaken:       "danke, der Termin gehört Ihnen.",
			reminder.Resumed:          "Sie erhalten wieder SMS zu Terminen. STOP bestellt sie ab.",
			reminder.Stopped:          "Sie erhalten keine SMS mehr. Mit START kommen sie wieder.",
			reminder.VisitMoved:       "Ihr Termin hat sich seit dieser Nachricht geändert. Bitte antworten Sie auf die neueste.",
			reminder.WhichVisit:       "es gibt mehrere Termine. Bitte antworten Sie noch einmal mit der Referenz der Nachricht, etwa 1 K7Q2M9AB.",
		},
		call: "Bitte rufen Sie an: {phone}.", ask: "Bitte rufen Sie die Praxis an.", app: "Hier wählen: {app}",
		over: "dieses Angebot ist vorbei, oder der Termin ist nicht mehr zu haben.",
	},
	language.Spanish: {
		effects: map[reminder.Effect]string{
			reminder.AskedCancelling:  "no podemos anular su cita así, porque puede tener un coste. Hemos anotado su petición.",
			reminder.AskedMoving:      "hemos anotado que desea otra hora.",
			reminder.CancelledByReply: "su cita está anulada.",
			reminder.ConfirmedByReply: "gracias, su cita está confirmada.",
			reminder.HelpGiven:        "Escribimos sobre citas en {organization}. Responda 1 para confirmar, 2 para cambiar, 3 para anular, STOP para no recibir más SMS.",
			reminder.NotConfirmed:     "su cita no se puede confirmar ahora.",
			reminder.NotUnderstood:    "solo entendemos 1 (confirmar), 2 (cambiar) y 3 (anular), si hace falta con la referencia del mensaje.",
			reminder.NoVisit:          "no encontramos ninguna cita próxima a la que se refiera.",
			reminder.OfferDeclined:    "hemos ofrecido la cita a otra persona.",
			reminder.OfferOver:        "esta oferta ha terminado o la cita ya no está libre. Sigue en la lista de espera.",
			reminder.OfferTaken:       "gracias, la cita es suya.",
			reminder.Resumed:          "volverá a recibir SMS sobre citas. STOP los termina.",
			reminder.Stopped:          "no recibirá más SMS. Con START vuelven.",
			reminder.VisitMoved:       "su cita ha cambiado desde ese mensaje. Responda al más reciente.",
			reminder.WhichVisit:       "hay varias citas. Responda de nuevo con la referencia del mensaje, por ejemplo 1 K7Q2M9AB.",
		},
		call: "Llame al {phone}.", ask: "Llame a la clínica.", app: "Elija una aquí: {app}",
		over: "esta oferta ha terminado o la cita ya no está libre.",
	},
	language.French: {
		effects: map[reminder.Effect]string{
			reminder.AskedCancelling:  "nous ne pouvons pas annuler ainsi votre rendez-vous, car cela peut coûter quelque chose. Votre demande est notée.",
			reminder.AskedMoving:      "nous avons noté que vous souhaitez un autre horaire.",
			reminder.CancelledByReply: "votre rendez-vous est annulé.",
			reminder.ConfirmedByReply: "merci, votre rendez-vous est confirmé.",
			reminder.HelpGiven:        "Nous écrivons au sujet de rendez-vous chez {organization}. Répondez 1 pour confirmer, 2 pour déplacer, 3 pour annuler, STOP pour ne plus recevoir de SMS.",
			reminder.NotConfirmed:     "votre rendez-vous ne peut pas être confirmé maintenant.",
			reminder.NotUnderstood:    "nous ne comprenons que 1 (confirmer), 2 (déplacer) et 3 (annuler), au besoin avec la référence du message.",
			reminder.NoVisit:          "nous ne trouvons aucun rendez-vous à venir qui corresponde.",
			reminder.OfferDeclined:    "nous avons proposé le rendez-vous à quelqu'un d'autre.",
			reminder.OfferOver:        "cette offre est terminée, ou le rendez-vous n'est plus libre. Vous restez sur la liste d'attente.",
			reminder.OfferTaken:       "merci, le rendez-vous est à vous.",
			reminder.Resumed:          "vous recevrez de nouveau des SMS au sujet de rendez-vous. STOP y met fin.",
			reminder.Stopped:          "vous ne recevrez plus de SMS. START les rétablit.",
			reminder.VisitMoved:       "votre rendez-vous a changé depuis ce message. Répondez au plus récent.",
			reminder.WhichVisit:       "il y a plusieurs rendez-vous. Répondez encore une fois avec la référence du message, par exemple 1 K7Q2M9AB.",
		},
		call: "Appelez le {phone}.", ask: "Appelez le cabinet.", app: "Choisissez ici : {app}",
		over: "cette offre est terminée, ou le rendez-vous n'est plus libre.",
	},
}
