package words

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"cloud.google.com/go/civil"
	"golang.org/x/text/language"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

var kinds = []reminder.Kind{reminder.Confirmation, reminder.Change, reminder.Cancellation, reminder.Remind, reminder.Offer, reminder.Request}

func at(text string) civil.DateTime {
	t, err := civil.ParseDateTime(text + ":00")
	if err != nil {
		panic(err)
	}
	return t
}

func visit() reminder.Facts {
	return reminder.Facts{
		Organization: "Harbour Clinic", Location: "Harbour North", Phone: "+442071234567", Local: at("2026-03-03T10:00"), Until: at("2026-03-02T14:30"), TimeZone: "Europe/London",
		Modality: clinic.InPerson, Reference: "K7Q2M9", Language: "en-GB",
	}
}

func texts(t *testing.T, kind reminder.Kind, f reminder.Facts) string {
	t.Helper()
	_, text, _, err := Write(reminder.SMS, kind, f)
	if err != nil {
		t.Fatalf("%s of %+v: %v", kind, f, err)
	}
	return text
}

// displaced has a time be offered in place of a visit.
func displaced(orOff bool) func(*reminder.Facts) {
	return func(f *reminder.Facts) { f.Was, f.OrOff = at("2026-03-02T09:00"), orOff }
}

// refused has the clinic refuse a visit that was asked for.
func refused(how reminder.Refusal) func(*reminder.Facts) {
	return func(f *reminder.Facts) { f.ByClinic, f.Refusal = true, how }
}

func TestATextSaysWhenAndWhereAndHowToAnswer(t *testing.T) {
	for _, c := range []struct {
		language string
		kind     reminder.Kind
		change   func(*reminder.Facts)
		want     string
	}{
		{"en-GB", reminder.Remind, nil, "Harbour Clinic: your visit is on Tue 3 Mar 2026 at 10:00, at Harbour North. Reply 1 to confirm, 2 to move, 3 to cancel. Ref K7Q2M9. STOP to end texts."},
		{"en-GB", reminder.Offer, nil, "Harbour Clinic: a time has become free: Tue 3 Mar 2026 at 10:00, at Harbour North. We keep it for you until Mon 2 Mar 2026 at 14:30. Reply 1 K7Q2M9 to take it, 3 K7Q2M9 to decline. STOP to end texts."},
		{"de", reminder.Offer, nil, "Harbour Clinic: Ein Termin ist frei geworden: Di., 3.3.2026 um 10:00 Uhr, Ort: Harbour North. Wir halten ihn für Sie frei bis Mo., 2.3.2026 um 14:30 Uhr. Antworten: 1 K7Q2M9 nehmen, 3 K7Q2M9 ablehnen. STOP beendet SMS."},
		{"en-GB", reminder.Offer, displaced(true), "Harbour Clinic: we are sorry that your visit on 2 Mar can't take place. We offer Tue 3 Mar 2026 at 10:00, at Harbour North, kept for you until Mon 2 Mar 2026 at 14:30. Otherwise it is cancelled. Reply 1 K7Q2M9 to take it, 3 K7Q2M9 to decline. STOP to end texts."},
		{"en-GB", reminder.Offer, displaced(false), "Harbour Clinic: we are sorry that your visit on 2 Mar can't take place. We offer Tue 3 Mar 2026 at 10:00, at Harbour North, kept for you until Mon 2 Mar 2026 at 14:30. Otherwise we will be in touch. Reply 1 K7Q2M9 to take it, 3 K7Q2M9 to decline. STOP to end texts."},
		{"de", reminder.Offer, displaced(true), "Harbour Clinic: Leider kann Ihr Termin am 2.3. nicht stattfinden. Unser Vorschlag: Di., 3.3.2026 um 10:00 Uhr, Ort: Harbour North, für Sie frei bis Mo., 2.3.2026 um 14:30 Uhr. Sonst ist er abgesagt. Antworten: 1 K7Q2M9 nehmen, 3 K7Q2M9 ablehnen. STOP beendet SMS."},
		{"es", reminder.Offer, displaced(true), "Harbour Clinic: su cita del 2 de marzo no puede tener lugar. Le reservamos el martes 3 de marzo de 2026 a las 10:00, en Harbour North hasta lunes 2 de marzo de 2026 a las 14:30. Si no, queda anulada. 1 K7Q2M9: aceptar, 3 K7Q2M9: no. STOP para no recibir SMS."},
		{"fr", reminder.Offer, displaced(false), "Harbour Clinic: votre rendez-vous du 2 mars ne peut avoir lieu. Nous vous gardons le mardi 3 mars 2026 à 10h00, lieu : Harbour North jusqu'au lundi 2 mars 2026 à 14h30. Sinon nous vous rappellerons. Répondez 1 K7Q2M9 : oui, 3 K7Q2M9 : non. STOP pour ne plus recevoir de SMS."},
		{"en-US", reminder.Offer, displaced(true), "Harbour Clinic: we are sorry that your visit on Mar 2 can't take place. We offer Tue, Mar 3, 2026 at 10:00 AM, at Harbour North, kept for you until Mon, Mar 2, 2026 at 2:30 PM. Otherwise it is cancelled. Reply 1 K7Q2M9 to take it, 3 K7Q2M9 to decline. STOP to end texts."},
		{"en-US", reminder.Remind, nil, "Harbour Clinic: your visit is on Tue, Mar 3, 2026 at 10:00 AM, at Harbour North. Reply 1 to confirm, 2 to move, 3 to cancel. Ref K7Q2M9. STOP to end texts."},
		{"en-GB", reminder.Confirmation, nil, "Harbour Clinic: your visit is booked for Tue 3 Mar 2026 at 10:00, at Harbour North. Reply 2 to move, 3 to cancel. Ref K7Q2M9. STOP to end texts."},
		{"en-GB", reminder.Change, nil, "Harbour Clinic: your visit has changed. It is now on Tue 3 Mar 2026 at 10:00, at Harbour North. Reply 1 to confirm, 2 to move, 3 to cancel. Ref K7Q2M9. STOP to end texts."},
		{"en-GB", reminder.Cancellation, func(f *reminder.Facts) { f.ByClinic = true }, "Harbour Clinic: we are sorry that we had to cancel your visit on Tue 3 Mar 2026 at 10:00, at Harbour North. Call +442071234567 to book again. Ref K7Q2M9. STOP to end texts."},
		{"en-GB", reminder.Cancellation, func(f *reminder.Facts) { f.Phone = "" }, "Harbour Clinic: as requested, we have cancelled your visit on Tue 3 Mar 2026 at 10:00, at Harbour North. Ref K7Q2M9. STOP to end texts."},
		{"en-GB", reminder.Request, nil, "Harbour Clinic: we have your request for a visit on Tue 3 Mar 2026 at 10:00, at Harbour North. It isn't booked yet: we will let you know. Reply 2 to move, 3 to cancel. Ref K7Q2M9. STOP to end texts."},
		{"de", reminder.Request, nil, "Harbour Clinic: Wir haben Ihre Anfrage erhalten: Di., 3.3.2026 um 10:00 Uhr, Ort: Harbour North. Der Termin ist noch nicht gebucht, wir melden uns. Antworten: 2 verlegen, 3 absagen. Ref K7Q2M9. STOP beendet SMS."},
		{"es", reminder.Request, nil, "Harbour Clinic: tenemos su solicitud de cita para el martes 3 de marzo de 2026 a las 10:00, en Harbour North. Le avisaremos cuando sea firme. Responda 2 para cambiar, 3 para cancelar. Ref K7Q2M9. STOP para no recibir SMS."},
		{"fr", reminder.Request, nil, "Harbour Clinic: nous avons votre demande de rendez-vous pour le mardi 3 mars 2026 à 10h00, lieu : Harbour North. Il n'est pas encore réservé : nous vous le dirons. Répondez 2 pour déplacer, 3 pour annuler. Réf K7Q2M9. STOP pour ne plus recevoir de SMS."},
		{"en-GB", reminder.Cancellation, refused(reminder.Declined), "Harbour Clinic: we are sorry that we can't offer you the visit that you asked for on Tue 3 Mar 2026 at 10:00, at Harbour North. Call +442071234567 to book again. Ref K7Q2M9. STOP to end texts."},
		{"de", reminder.Cancellation, refused(reminder.Declined), "Harbour Clinic: Leider können wir Ihnen den gewünschten Termin nicht anbieten: Di., 3.3.2026 um 10:00 Uhr, Ort: Harbour North. Neuer Termin: +442071234567. Ref K7Q2M9. STOP beendet SMS."},
		{"es", reminder.Cancellation, refused(reminder.Declined), "Harbour Clinic: lamentamos no poder ofrecerle la cita solicitada para el martes 3 de marzo de 2026 a las 10:00, en Harbour North. Para otra cita llame al +442071234567. Ref K7Q2M9. STOP para no recibir SMS."},
		{"fr", reminder.Cancellation, refused(reminder.Declined), "Harbour Clinic: nous regrettons de ne pas pouvoir vous proposer le rendez-vous demandé pour le mardi 3 mars 2026 à 10h00, lieu : Harbour North. Pour un autre rendez-vous, appelez le +442071234567. Réf K7Q2M9. STOP pour ne plus recevoir de SMS."},
		{"en-GB", reminder.Cancellation, refused(reminder.Lapsed), "Harbour Clinic: we are sorry that we couldn't confirm your request in time: Tue 3 Mar 2026 at 10:00, at Harbour North. The visit won't take place. Call +442071234567 to book again. Ref K7Q2M9. STOP to end texts."},
		{"de", reminder.Cancellation, refused(reminder.Lapsed), "Harbour Clinic: Leider konnten wir Ihre Anfrage nicht rechtzeitig bestätigen: Di., 3.3.2026 um 10:00 Uhr, Ort: Harbour North. Der Termin findet nicht statt. Neuer Termin: +442071234567. Ref K7Q2M9. STOP beendet SMS."},
		{"es", reminder.Cancellation, refused(reminder.Lapsed), "Harbour Clinic: lamentamos no haber podido aceptar a tiempo su solicitud para el martes 3 de marzo de 2026 a las 10:00, en Harbour North. La cita queda sin efecto. Para otra cita llame al +442071234567. Ref K7Q2M9. STOP para no recibir SMS."},
		{"fr", reminder.Cancellation, refused(reminder.Lapsed), "Harbour Clinic: nous regrettons de ne pas avoir pu confirmer à temps votre demande pour le mardi 3 mars 2026 à 10h00, lieu : Harbour North. Le rendez-vous n'aura pas lieu. Pour un autre rendez-vous, appelez le +442071234567. Réf K7Q2M9. STOP pour ne plus recevoir de SMS."},
		{"en-GB", reminder.Remind, func(f *reminder.Facts) { f.Modality, f.TimeZone = clinic.Video, "America/Argentina/Buenos_Aires" }, "Harbour Clinic: your visit is on Tue 3 Mar 2026 at 10:00 (Buenos Aires time), by video. Reply 1 to confirm, 2 to move, 3 to cancel. Ref K7Q2M9. STOP to end texts."},
		{"en-GB", reminder.Remind, func(f *reminder.Facts) { f.Location = "HARBOUR clinic" }, "Harbour Clinic: your visit is on Tue 3 Mar 2026 at 10:00. Reply 1 to confirm, 2 to move, 3 to cancel. Ref K7Q2M9. STOP to end texts."},
		{"de-AT", reminder.Remind, nil, "Harbour Clinic: Ihr Termin ist am Di., 3.3.2026 um 10:00 Uhr, Ort: Harbour North. Antworten: 1 bestätigen, 2 verlegen, 3 absagen. Ref K7Q2M9. STOP beendet SMS."},
		{"es-ES", reminder.Remind, func(f *reminder.Facts) { f.Local = at("2026-03-03T13:00") }, "Harbour Clinic: su cita es el martes 3 de marzo de 2026 a las 13:00, en Harbour North. Responda 1 para confirmar, 2 para cambiar, 3 para cancelar. Ref K7Q2M9. STOP para no recibir SMS."},
		{"es-US", reminder.Remind, func(f *reminder.Facts) { f.Local = at("2026-03-03T13:00") }, "Harbour Clinic: su cita es el martes 3 de marzo de 2026 a la 1:00 p. m., en Harbour North. Responda 1 para confirmar, 2 para cambiar, 3 para cancelar. Ref K7Q2M9. STOP para no recibir SMS."},
		{"fr-CA", reminder.Remind, func(f *reminder.Facts) { f.Local, f.Modality = at("2026-08-01T14:05"), clinic.Home }, "Harbour Clinic: votre rendez-vous a lieu le samedi 1er aout 2026 à 14h05, à votre domicile. Répondez 1 pour confirmer, 2 pour déplacer, 3 pour annuler. Réf K7Q2M9. STOP pour ne plus recevoir de SMS."},
	} {
		f := visit()
		f.Language = c.language
		if c.change != nil {
			c.change(&f)
		}
		if got := texts(t, c.kind, f); got != c.want {
			t.Errorf("%s, %s:\n%s\nwant\n%s", c.language, c.kind, got, c.want)
		}
	}
}

func TestHoursAndDaysAreWrittenAsTheRegionDoes(t *testing.T) {
	for language, want := range map[string]string{
		"en": "Tue, Mar 3, 2026 at 12:05 AM", "en-AU": "Tue 3 Mar 2026 at 12:05 AM", "en-IE": "Tue 3 Mar 2026 at 00:05", "en-001": "Tue 3 Mar 2026 at 00:05",
		"nl": "Tue 3 Mar 2026 at 00:05", "": "Tue, Mar 3, 2026 at 12:05 AM", "not a language!": "Tue, Mar 3, 2026 at 12:05 AM",
		"de": "Di., 3.3.2026 um 00:05 Uhr", "gsw-CH": "Di., 3.3.2026 um 00:05 Uhr", "fr": "mardi 3 mars 2026 à 0h05", "es": "martes 3 de marzo de 2026 a las 00:05",
		"es-MX": "martes 3 de marzo de 2026 a las 12:05 a. m.",
	} {
		f := visit()
		f.Language, f.Local = language, at("2026-03-03T00:05")
		if got := texts(t, reminder.Remind, f); !strings.Contains(got, want) {
			t.Errorf("%q: %s doesn't say %s", language, got, want)
		}
	}
	f := visit()
	f.Language, f.Local = "en-US", at("2026-03-03T12:00")
	if got := texts(t, reminder.Remind, f); !strings.Contains(got, "12:00 PM") {
		t.Errorf("noon is %s", got)
	}
}

func TestAMailHasLinksInBothItsFormsAndNothingElseToPress(t *testing.T) {
	f := visit()
	f.Organization = "Harbour <b>& Sons</b>"
	f.Links = reminder.Links{Confirm: "https://x.example/c?a=1&b=2", Move: "https://x.example/m", Cancel: "https://x.example/x", Unsubscribe: "https://x.example/u"}
	subject, text, html, err := Write(reminder.Email, reminder.Remind, f)
	if err != nil || subject != "Harbour <b>& Sons</b>: your visit on Tue 3 Mar 2026 at 10:00" {
		t.Fatalf("%q %v", subject, err)
	}
	want := "Your visit is on Tuesday 3 March 2026 at 10:00, at Harbour North.\n\nConfirm the visit:\nhttps://x.example/c?a=1&b=2\n\nMove the visit:\nhttps://x.example/m\n\n" +
		"Cancel the visit:\nhttps://x.example/x\n\nQuestions? Call +442071234567.\n\nRef K7Q2M9.\n\nHarbour <b>& Sons</b>\n\nNo more e-mails like this:\nhttps://x.example/u\n"
	if text != want {
		t.Errorf("the text is %q", text)
	}
	for _, part := range []string{`lang="en"`, `href="https://x.example/c?a=1&amp;b=2"`, `href="https://x.example/u"`, "Harbour &lt;b&gt;&amp; Sons", "Tuesday 3 March 2026 at 10:00"} {
		if !strings.Contains(html, part) {
			t.Errorf("the HTML has no %s:\n%s", part, html)
		}
	}
	if strings.Contains(html, "<b>") || strings.Contains(html, "<img") || strings.Contains(html, "<script") {
		t.Errorf("the HTML is\n%s", html)
	}
	_, text, html, err = Write(reminder.Email, reminder.Cancellation, f)
	if err != nil || strings.Contains(text+html, "x.example/c") || strings.Contains(text+html, "x.example/m") || !strings.Contains(text, "x.example/u") {
		t.Errorf("a cancellation can be answered: %s (%v)", text, err)
	}
	f.Links, f.Phone = reminder.Links{}, ""
	if _, text, html, err = Write(reminder.Email, reminder.Remind, f); err != nil || strings.Contains(text+html, "href") || strings.Contains(text, "Call") || strings.Contains(text, "\n\n\n") {
		t.Errorf("without links it says %q %s (%v)", text, html, err)
	}
}

func TestAPushMessageHasTheOrganisationAsItsTitle(t *testing.T) {
	title, text, html, err := Write(reminder.Push, reminder.Confirmation, visit())
	if title != "Harbour Clinic" || text != "Your visit is booked for Tue 3 Mar 2026 at 10:00, at Harbour North." || html != "" || err != nil {
		t.Errorf("%q %q %q %v", title, text, html, err)
	}
}

func TestAGapIsAFaultAndNoText(t *testing.T) {
	zero := civil.DateTime{}
	for what, change := range map[string]func(*reminder.Facts){
		"organization":      func(f *reminder.Facts) { f.Organization = " \u200b\n" },
		"location":          func(f *reminder.Facts) { f.Location = "" },
		"local":             func(f *reminder.Facts) { f.Local = zero },
		"modality":          func(f *reminder.Facts) { f.Modality = "" },
		"timeZone":          func(f *reminder.Facts) { f.Modality, f.TimeZone = clinic.Phone, "" },
		"links.confirm":     func(f *reminder.Facts) { f.Links.Confirm = "javascript:alert(1)" },
		"links.unsubscribe": func(f *reminder.Facts) { f.Links.Unsubscribe = "/u" },
	} {
		f := visit()
		change(&f)
		for _, channel := range []reminder.ChannelKind{reminder.SMS, reminder.Email, reminder.Push} {
			subject, text, html, err := Write(channel, reminder.Change, f)
			if fault, ok := errors.AsType[Fault](err); !ok || fault != (Fault{reminder.MissingValue, what}) || subject+text+html != "" {
				t.Errorf("%s, %s: %q %q %q %v", channel, what, subject, text, html, err)
			}
		}
	}
	for _, reference := range []string{"", "K7 Q2", "K7Q2.", "KÄ"} {
		f := visit()
		f.Reference = reference
		if _, text, _, err := Write(reminder.SMS, reminder.Remind, f); !errors.Is(err, Fault{reminder.MissingValue, "reference"}) || text != "" {
			t.Errorf("the reference %q: %q %v", reference, text, err)
		}
	}
	if _, _, _, err := Write(reminder.SMS, "BIRTHDAY", visit()); !errors.Is(err, Fault{reminder.MissingValue, "kind"}) {
		t.Errorf("a kind that nobody knows: %v", err)
	}
	if _, _, _, err := Write(reminder.Voice, reminder.Remind, visit()); !errors.Is(err, Fault{reminder.ChannelUnavailable, "VOICE"}) {
		t.Errorf("a channel without words: %v", err)
	}
}

func TestNamesAreShortenedBeforeATextIsTooLong(t *testing.T) {
	f := visit()
	f.Organization, f.Location = strings.Repeat("Harbour Clinic ", 12)+"East", strings.Repeat("House ", 30)+"North"
	text := texts(t, reminder.Remind, f)
	if size(text) > twoSegments || !strings.HasPrefix(text, "Harbour Clinic Harbour") || !strings.Contains(text, "...: your visit") || !strings.Contains(text, ", at House House") || !strings.Contains(text, "Ref K7Q2M9.") {
		t.Errorf("%d: %s", size(text), text)
	}
	f.Phone = "+" + strings.Repeat("1", longestText)
	if _, text, _, err := Write(reminder.SMS, reminder.Cancellation, f); !errors.Is(err, Fault{reminder.TooLong, "text"}) || text != "" {
		t.Errorf("%v: %s", err, text)
	}
	f = visit()
	f.Organization = strings.Repeat("e\u0301\u0323", 200)
	for range 2 { // one letter more moves where it is cut
		if text := texts(t, reminder.Remind, f); size(text) > twoSegments || !strings.Contains(text, "\u0301...:") {
			t.Errorf("%d: %+q", size(text), text)
		}
		f.Organization = "E" + f.Organization
	}
	_, mail, _, err := Write(reminder.Email, reminder.Remind, f)
	if err != nil || !strings.Contains(mail, "…") {
		t.Errorf("%v: %s", err, mail)
	}
}

func TestTextsAreOfTheGSMAlphabetWhereTheLanguageAllows(t *testing.T) {
	for _, language := range []string{"en-US", "en-GB", "de", "es", "es-MX", "fr"} {
		for _, kind := range kinds {
			for _, modality := range clinic.Modalities {
				for month := 1; month <= 12; month++ {
					f := visit()
					f.Language, f.Modality = language, modality
					f.Local.Date = civil.Date{Year: 2026, Month: 1, Day: 1}.AddDays(30 * (month - 1))
					if month%2 == 0 {
						displaced(month%4 == 0)(&f)
						f.Was.Date = f.Local.Date
					}
					f.Refusal = []reminder.Refusal{"", reminder.Declined, reminder.Lapsed}[month%3]
					text := texts(t, kind, f)
					saturday := strings.Contains(text, "sábado")
					if !saturday && !inGSM(text) || size(text) > twoSegments {
						t.Errorf("%d letters of %q", size(text), text)
					}
				}
			}
		}
	}
}

func inGSM(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(gsm+gsmTwice, r) })
}

func TestSizesAreThoseOfTwilio(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "€": 2, "[é]": 5, "ç": 1, "á€": 2, "😀": 2, "😀a[": 4} {
		if got := size(text); got != want {
			t.Errorf("%q takes %d, not %d", text, got, want)
		}
	}
}

var braces = regexp.MustCompile(`\{[^}]*\}`)

// The words can tell no more than this, and the facts have no more: nothing of health has a place in them.
func TestNoWordsTellAnythingClinical(t *testing.T) {
	allowed := []string{"{when}", "{place}", "{organization}", "{phone}", "{reference}", "{location}", "{city}", "{until}", "{was}"}
	for _, v := range languages {
		for _, text := range allTexts(reflect.ValueOf(*v)) {
			for _, told := range braces.FindAllString(text, -1) {
				if !slices.Contains(allowed, told) {
					t.Errorf("%s: %q tells %s", v.tag, text, told)
				}
			}
		}
	}
	want := []string{"Organization", "Location", "Phone", "Local", "Until", "Was", "OrOff", "TimeZone", "Modality", "ByClinic", "Refusal", "Reference", "Links", "Language"}
	var have []string
	for field := range reflect.TypeFor[reminder.Facts]().Fields() {
		have = append(have, field.Name)
	}
	if !slices.Equal(have, want) {
		t.Errorf("a message can tell %v, and should tell %v alone", have, want)
	}
	if links := reflect.TypeFor[reminder.Links](); links.NumField() != 4 {
		t.Errorf("there are links beyond those of confirming, moving, cancelling and unsubscribing")
	}
}

// allTexts are all strings below a value.
func allTexts(v reflect.Value) (list []string) {
	switch v.Kind() {
	case reflect.String:
		return []string{v.String()}
	case reflect.Struct:
		for _, field := range v.Fields() {
			list = append(list, allTexts(field)...)
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			list = append(list, allTexts(v.Index(i))...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			list = append(list, allTexts(v.MapIndex(key))...)
		}
	}
	return list
}

func TestEachLanguageHasEverything(t *testing.T) {
	for _, v := range languages {
		for _, s := range []sentence{booked, changed, ourCancel, theirCancel, reminding, offering, exchanging, orOff, requested, declined, lapsed} {
			if text := v.sentences[s]; strings.Count(text, "{when}{place}") != 1 {
				t.Errorf("%s, %s: %q", v.tag, s, text)
			}
		}
		for _, kind := range kinds {
			if !strings.Contains(v.subjects[kind], "{organization}") {
				t.Errorf("%s has no subject of %s", v.tag, kind)
			}
			if v.exchange == "" || v.displaced == "" || v.sentences[impossible] == "" {
				t.Errorf("%s has no words for what is offered in place of a visit", v.tag)
			}
			if (v.replies[kind] == "") != (kind == reminder.Cancellation) {
				t.Errorf("%s, %s: the replies are %q", v.tag, kind, v.replies[kind])
			}
		}
		for _, modality := range clinic.Modalities {
			if v.places[modality] == "" {
				t.Errorf("%s has no words for %s", v.tag, modality)
			}
		}
		for name, text := range map[string]string{
			"{city}": v.zone, "{phone}": v.again, "{phone} ": v.questions + " ", "{reference}": v.reference, "STOP": v.stop, "": v.links.confirm + v.links.move + v.links.cancel + v.links.unsubscribe + v.links.take + v.links.decline, "{until}": v.sentences[offering],
		} {
			if !strings.Contains(text, strings.TrimSpace(name)) || text == "" {
				t.Errorf("%s: %q has no %s", v.tag, text, name)
			}
		}
		if got, _ := speaking(v.tag.String() + "-AQ"); got.tag != v.tag {
			t.Errorf("%s is spoken as %s", v.tag, got.tag)
		}
	}
	for _, unknown := range []string{"tlh", "pt-BR"} {
		if got, _ := speaking(unknown); got.tag != language.English {
			t.Errorf("who understands %s alone is spoken to in %s", unknown, got.tag)
		}
	}
}

func TestWhateverANameIsATextIsOneLineAndHasItsReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := visit()
		f.Organization, f.Location = rapid.String().Draw(t, "organization"), rapid.String().Draw(t, "location")
		f.Language = rapid.SampledFrom([]string{"en", "de", "es", "fr"}).Draw(t, "language")
		_, text, _, err := Write(reminder.SMS, reminder.Remind, f)
		if fault, ok := errors.AsType[Fault](err); ok && fault.Cause == reminder.MissingValue && text == "" {
			return
		}
		if err != nil || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u202e' }) {
			t.Fatalf("%q (%v)", text, err)
		}
		if !strings.Contains(text, " K7Q2M9. ") || size(text) > longestText {
			t.Fatalf("%d letters: %q", size(text), text)
		}
	})
}

func TestAMailOfARequestOffersWhatCanBeDoneWithOne(t *testing.T) {
	f := visit()
	f.Links = reminder.Links{Confirm: "https://a.example/1", Move: "https://a.example/2", Cancel: "https://a.example/3", Unsubscribe: "https://a.example/4"}
	subject, text, html, err := Write(reminder.Email, reminder.Request, f)
	if err != nil || subject != "Harbour Clinic: your request for Tue 3 Mar 2026 at 10:00" {
		t.Fatalf("%q, %v", subject, err)
	}
	for _, body := range []string{text, html} {
		if strings.Contains(body, f.Links.Confirm) || !strings.Contains(body, f.Links.Move) || !strings.Contains(body, f.Links.Cancel) || !strings.Contains(body, f.Links.Unsubscribe) {
			t.Errorf("it says %s", body)
		}
	}
}

func TestTheSubjectOfARefusalPromisesNoVisit(t *testing.T) {
	for language, want := range map[string]string{
		"en-GB": "Harbour Clinic: no visit on Tue 3 Mar 2026 at 10:00", "de": "Harbour Clinic: kein Termin am Di., 3.3.2026 um 10:00 Uhr",
		"es": "Harbour Clinic: sin cita el martes 3 de marzo de 2026 a las 10:00", "fr": "Harbour Clinic : pas de rendez-vous le mardi 3 mars 2026 à 10h00",
	} {
		for _, how := range []reminder.Refusal{reminder.Declined, reminder.Lapsed} {
			f := visit()
			f.Language, f.ByClinic, f.Refusal = language, true, how
			if got, _, _, err := Write(reminder.Email, reminder.Cancellation, f); err != nil || got != want {
				t.Errorf("%s, %s: %q, %v", language, how, got, err)
			}
		}
	}
}
