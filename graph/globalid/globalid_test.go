package globalid_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

var (
	ref    = clinic.Ref{Organization: uuid.MustParse("01902d5c-0000-7000-8000-000000000001"), ID: uuid.MustParse("01902d5c-0000-7000-8000-000000000002")}
	coding = clinic.Coding{System: "https://example.org/s", Code: "pharmacy"}
	slot   = availability.SlotID{
		Organization: ref.Organization, Provider: ref.ID, Location: uuid.MustParse("01902d5c-0000-7000-8000-000000000003"),
		VisitKind: uuid.MustParse("01902d5c-0000-7000-8000-000000000004"), Modality: clinic.Video, Start: time.Date(2030, 5, 6, 13, 30, 0, 0, time.UTC),
	}
)

func all() []string {
	match := availability.MatchID{Provider: ref, Location: slot.Location, Fitting: `{"m":["VIDEO"],"z":"Europe/Berlin"}`}
	ids := []string{globalid.OfOrganization(ref.Organization), globalid.OfSlot(slot), globalid.OfSpecialty(ref.Organization, coding), globalid.OfMatch(match)}
	for _, t := range []globalid.Type{
		globalid.Location, globalid.VisitKind, globalid.Provider, globalid.ScheduleException, globalid.Patient, globalid.Appointment, globalid.Hold, globalid.Viewer, globalid.InsurancePlan,
	} {
		ids = append(ids, globalid.Of(t, ref))
	}
	return ids
}

// again makes the id that a decoded one stands for.
func again(id globalid.ID) string {
	switch id.Type {
	case globalid.Slot:
		return globalid.OfSlot(id.Slot)
	case globalid.Specialty:
		return globalid.OfSpecialty(id.Ref.Organization, id.Coding)
	case globalid.Match:
		return globalid.OfMatch(id.Match)
	}
	return globalid.Of(id.Type, id.Ref)
}

func TestIdsComeBack(t *testing.T) {
	seen := map[string]bool{}
	for _, text := range all() {
		id, err := globalid.Parse(text)
		if err != nil || again(id) != text || seen[text] {
			t.Errorf("%s: %+v, %v", text, id, err)
		}
		seen[text] = true
	}
	id, err := globalid.ParseAs(globalid.Slot, globalid.OfSlot(slot))
	if err != nil || id.Slot != slot {
		t.Errorf("got %+v, want %+v, %v", id.Slot, slot, err)
	}
}

// Clients keep ids: they must never change.
func TestIdsStayAsTheyAre(t *testing.T) {
	for want, got := range map[string]string{
		"AQIBkC1cAABwAIAAAAAAAAABAZAtXAAAcACAAAAAAAAAAg":                                                       globalid.Of(globalid.Location, ref),
		"AQoBkC1cAABwAIAAAAAAAAABAZAtXAAAcACAAAAAAAAAAgGQLVwAAHAAgAAAAAAAAAMBkC1cAABwAIAAAAAAAAAEBAAAAABxgWHY": globalid.OfSlot(slot),
		"AQYBkC1cAABwAIAAAAAAAAABaHR0cHM6Ly9leGFtcGxlLm9yZy9zAHBoYXJtYWN5":                                     globalid.OfSpecialty(ref.Organization, coding),
		"AQEBkC1cAABwAIAAAAAAAAAB": globalid.OfOrganization(ref.Organization),
	} {
		if want != got {
			t.Errorf("%s is now %s", want, got)
		}
	}
}

func TestAnIdHasOneSpelling(t *testing.T) {
	good := globalid.Of(globalid.Location, ref)
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	change := func(at int, b byte) string {
		c := append([]byte{}, raw...)
		c[at] = b
		return base64.RawURLEncoding.EncodeToString(c)
	}
	slotRaw, _ := base64.RawURLEncoding.DecodeString(globalid.OfSlot(slot))
	late := append([]byte{}, slotRaw...)
	late[len(late)-8] = 1
	nowhere := append([]byte{}, slotRaw...)
	nowhere[len(nowhere)-9] = 9
	for name, text := range map[string]string{
		"empty": "", "padded": good + "==", "line break": good[:10] + "\n" + good[10:], "standard alphabet": strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+/",
		"longer": good + "AAAA", "shorter": good[:len(good)-4], "loose bits": good[:len(good)-1] + "h", "another version": change(0, 2), "no such type": change(1, 99),
		"start in another age": base64.RawURLEncoding.EncodeToString(late), "no such modality": base64.RawURLEncoding.EncodeToString(nowhere),
	} {
		if id, err := globalid.Parse(text); err == nil {
			t.Errorf("%s: %q is %+v", name, text, id)
		}
	}
	if _, err := globalid.ParseAs(globalid.Provider, good); err == nil {
		t.Error("a location's id was taken for a provider's")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range all() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := globalid.Parse(text)
		if err == nil && again(id) != text {
			t.Errorf("%q is %+v, whose id is %q", text, id, again(id))
		}
	})
}

// The longest search there is.
func TestAMatchOfTheLongestSearchHasAnId(t *testing.T) {
	at := time.Date(2199, 12, 31, 23, 59, 59, 123_456_789, time.UTC)
	fit := availability.Fitting{
		VisitKind: ref.ID, Modalities: []clinic.Modality{clinic.Home, clinic.InPerson, clinic.Phone, clinic.Video}, From: &at, To: &at,
		TimesOfDay: slices.Repeat([]availability.TimeRange{{From: 86_398, To: 86_400}}, 24),
		TimeZone:   new("America/Argentina/ComodRivadavia"), Moving: &ref,
		Origin: &clinic.GeoPoint{Latitude: -89.123456789012345, Longitude: -179.12345678901234},
	}
	match := availability.MatchID{Provider: ref, Location: ref.ID, Fitting: fit.Text()}
	if id, err := globalid.Parse(globalid.OfMatch(match)); err != nil || id.Match != match {
		t.Errorf("%d bytes of %s: %v", len(globalid.OfMatch(match)), fit.Text(), err)
	}
}
