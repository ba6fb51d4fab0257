package links

import (
	"net/http"

	"golang.org/x/text/language"
)

// words are what pages say in a language.
type words struct {
	Tag, Title                           string
	Confirm, Move, Cancel, End           string // buttons
	IsConfirmed, Waits                   string
	Costs, Accept, Call                  string
	Choose, Return, Ends, Ended, Changed string
	Offer, Take, Decline, Until          string // of an offer
	Instead                              string // the title of one in place of a visit
	Over, Missing, Wrong, Busy, Failed   string // instead of a page
}

// languages that pages are written in. The first is for whoever understands none of the others.
var languages = []words{
	{
		Tag: "en", Offer: "A time has become free", Instead: "Another time for your visit", Take: "Take this time", Decline: "No, thank you", Until: "We keep it for you until",
		Title: "Your visit", Confirm: "Confirm the visit", Move: "Ask for another time", Cancel: "Cancel the visit", End: "No more e-mails like this",
		IsConfirmed: "The visit is confirmed.", Waits: "The clinic has yet to accept your request.", Costs: "Cancelling now costs", Accept: "I accept the fee.", Call: "Questions? Call",
		Choose: "Choose another time in the app", Return: "Back to the visit", Ends: "Do you want no more e-mails about visits to this address?",
		Ended:   "You will get no more e-mails about visits.",
		Changed: "The visit has changed meanwhile. This is how it stands now.",
		Over:    "This visit is over, or was cancelled.", Missing: "This link does not exist or has ended.", Wrong: "This can't be done here.",
		Busy: "The service is busy. Please try again in a moment.", Failed: "Something went wrong here.",
	},
	{
		Tag: "de", Offer: "Ein Termin ist frei geworden", Instead: "Ein anderer Termin für Sie", Take: "Diesen Termin nehmen", Decline: "Nein, danke", Until: "Wir halten ihn für Sie frei bis",
		Title: "Ihr Termin", Confirm: "Termin bestätigen", Move: "Um einen anderen Termin bitten", Cancel: "Termin absagen", End: "Keine solchen E-Mails mehr",
		IsConfirmed: "Der Termin ist bestätigt.", Waits: "Die Klinik muss Ihre Anfrage noch annehmen.", Costs: "Eine Absage kostet jetzt", Accept: "Ich bin mit den Kosten einverstanden.", Call: "Fragen? Rufen Sie an:",
		Choose: "Anderen Termin in der App wählen", Return: "Zurück zum Termin", Ends: "Möchten Sie an diese Adresse keine E-Mails zu Terminen mehr erhalten?",
		Ended:   "Sie erhalten keine E-Mails zu Terminen mehr.",
		Changed: "Der Termin hat sich inzwischen geändert. So steht er jetzt.",
		Over:    "Dieser Termin ist vorbei oder wurde abgesagt.", Missing: "Diesen Link gibt es nicht oder nicht mehr.", Wrong: "Das geht hier nicht.",
		Busy: "Der Dienst ist ausgelastet. Bitte versuchen Sie es gleich noch einmal.", Failed: "Hier ist etwas schiefgegangen.",
	},
	{
		Tag: "es", Offer: "Ha quedado libre una cita", Instead: "Otra hora para su cita", Take: "Aceptar esta cita", Decline: "No, gracias", Until: "Se la reservamos hasta",
		Title: "Su cita", Confirm: "Confirmar la cita", Move: "Pedir otra hora", Cancel: "Anular la cita", End: "No recibir más correos como este",
		IsConfirmed: "La cita está confirmada.", Waits: "La clínica todavía tiene que aceptar su solicitud.", Costs: "Anularla ahora cuesta", Accept: "Acepto el coste.", Call: "¿Preguntas? Llame al",
		Choose: "Elegir otra hora en la aplicación", Return: "Volver a la cita", Ends: "¿No desea recibir más correos sobre citas en esta dirección?",
		Ended:   "No recibirá más correos sobre citas.",
		Changed: "La cita ha cambiado entretanto. Así está ahora.",
		Over:    "Esta cita ya pasó o fue anulada.", Missing: "Este enlace no existe o ha caducado.", Wrong: "Esto no se puede hacer aquí.",
		Busy: "El servicio está ocupado. Inténtelo de nuevo en un momento.", Failed: "Algo ha fallado aquí.",
	},
	{
		Tag: "fr", Offer: "Un rendez-vous s'est libéré", Instead: "Un autre horaire pour votre rendez-vous", Take: "Prendre ce rendez-vous", Decline: "Non, merci", Until: "Nous le gardons pour vous jusqu'au",
		Title: "Votre rendez-vous", Confirm: "Confirmer le rendez-vous", Move: "Demander un autre horaire", Cancel: "Annuler le rendez-vous",
		End:         "Ne plus recevoir ces e-mails",
		IsConfirmed: "Le rendez-vous est confirmé.", Waits: "La clinique doit encore accepter votre demande.", Costs: "L'annuler maintenant coûte", Accept: "J'accepte ces frais.", Call: "Des questions ? Appelez le",
		Choose: "Choisir un autre horaire dans l'application", Return: "Retour au rendez-vous",
		Ends:    "Ne voulez-vous plus recevoir d'e-mails au sujet de rendez-vous à cette adresse ?",
		Ended:   "Vous ne recevrez plus d'e-mails au sujet de rendez-vous.",
		Changed: "Le rendez-vous a changé entre-temps. Voici où il en est.",
		Over:    "Ce rendez-vous est passé ou a été annulé.", Missing: "Ce lien n'existe pas ou plus.", Wrong: "Cela n'est pas possible ici.",
		Busy: "Le service est occupé. Réessayez dans un instant.", Failed: "Une erreur s'est produite.",
	},
}

var matcher = language.NewMatcher(tags())

func tags() []language.Tag {
	list := make([]language.Tag, len(languages))
	for i, w := range languages {
		list[i] = language.MustParse(w.Tag)
	}
	return list
}

// speaking are the words for who prefers a language.
func speaking(preferred string) words {
	wanted, err := language.Parse(preferred)
	if err != nil {
		return languages[0]
	}
	_, i, _ := matcher.Match(wanted)
	return languages[i]
}

// spoken are the words for who asks, where nothing else is known of them.
func spoken(r *http.Request) words {
	_, i := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return languages[i]
}
