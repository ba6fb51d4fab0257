package words

import (
	"fmt"

	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// spanish does without the letters that would make a text three times as long where it can: á, í, ó and ú are in no GSM alphabet.
var spanish = &vocabulary{
	tag:   language.Spanish,
	brief: spanishNames,
	full:  spanishNames,
	when: func(t moment, m manner) string {
		clock, hour := clock24(t.Time), t.Time.Hour
		if m.twelve {
			clock, hour = clock12(t.Time, "a. m.", "p. m."), t.Time.Hour%12
		}
		at := "a las"
		if hour == 1 {
			at = "a la"
		}
		return fmt.Sprintf("%s %d de %s de %d %s %s", t.weekday, t.Date.Day, t.month, t.Date.Year, at, clock)
	},
	day:  func(t moment, _ manner) string { return fmt.Sprintf("%d de %s", t.Date.Day, t.month) },
	zone: " (hora de {city})",
	places: map[clinic.Modality]string{
		clinic.Home: "en su domicilio", clinic.InPerson: "en {location}", clinic.Phone: "por teléfono", clinic.Video: "por videollamada",
	},
	sentences: map[sentence]string{
		booked:      "su cita queda reservada para el {when}{place}.",
		changed:     "su cita ha cambiado. Ahora es el {when}{place}.",
		ourCancel:   "lamentamos haber tenido que cancelar su cita del {when}{place}.",
		theirCancel: "a solicitud suya hemos cancelado su cita del {when}{place}.",
		reminding:   "su cita es el {when}{place}.",
		offering:    "ha quedado libre una cita: {when}{place}. Se la reservamos hasta {until}.",
		exchanging:  "su cita del {was} no puede tener lugar. Le reservamos el {when}{place} hasta {until}. Si no, le avisaremos.",
		orOff:       "su cita del {was} no puede tener lugar. Le reservamos el {when}{place} hasta {until}. Si no, queda anulada.",
		impossible:  "lamentamos que su cita del {was} no pueda tener lugar.",
		requested:   "tenemos su solicitud de cita para el {when}{place}. Le avisaremos cuando sea firme.",
		declined:    "lamentamos no poder ofrecerle la cita solicitada para el {when}{place}.",
		lapsed:      "lamentamos no haber podido aceptar a tiempo su solicitud para el {when}{place}. La cita queda sin efecto.",
	},
	subjects: map[reminder.Kind]string{
		reminder.Confirmation: "{organization}: su cita del {when}",
		reminder.Change:       "{organization}: su cita ha cambiado",
		reminder.Cancellation: "{organization}: su cita del {when} queda cancelada",
		reminder.Remind:       "{organization}: su cita del {when}",
		reminder.Offer:        "{organization}: ha quedado libre una cita",
		reminder.Request:      "{organization}: su solicitud para el {when}",
	},
	displaced: "{organization}: su cita del {was} no puede tener lugar",
	refused:   "{organization}: sin cita el {when}",
	replies: map[reminder.Kind]string{
		reminder.Confirmation: "Responda 2 para cambiar, 3 para cancelar.",
		reminder.Change:       "Responda 1 para confirmar, 2 para cambiar, 3 para cancelar.",
		reminder.Remind:       "Responda 1 para confirmar, 2 para cambiar, 3 para cancelar.",
		reminder.Offer:        "Responda 1 {reference} para aceptarla, 3 {reference} para rechazarla.",
		reminder.Request:      "Responda 2 para cambiar, 3 para cancelar.",
	},
	exchange:  "1 {reference}: aceptar, 3 {reference}: no.",
	again:     "Para otra cita llame al {phone}.",
	questions: "¿Preguntas? Llame al {phone}.",
	reference: "Ref {reference}.",
	stop:      "STOP para no recibir SMS.",
	links:     labels{"Confirmar la cita", "Cambiar la cita", "Cancelar la cita", "No recibir más correos como este", "Aceptar esta cita", "No, gracias"},
}

var spanishNames = names{
	[7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
	[12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
}
