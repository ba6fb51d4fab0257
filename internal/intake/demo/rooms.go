package demo

import (
	"strconv"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

const (
	day      = 24 * time.Hour
	examPool = "exam-room"
)

// Rooms are invented, at a site of the demo: two that stand in for each other.
func Rooms(at clinic.Ref) []clinic.PutResource {
	var list []clinic.PutResource
	for n := range 2 {
		number := strconv.Itoa(n + 1)
		list = append(list, clinic.PutResource{
			Organization: at.Organization, Identifier: clinic.Identifier{System: "https://demo.example/rooms", Value: number},
			Location: at, Kind: clinic.Room, Pool: examPool, Name: "Exam room " + number,
		})
	}
	return list
}

// HealthCheck is a kind of visit that needs a room, once in a quarter.
func HealthCheck(at clinic.Ref) clinic.PutVisitKind {
	again := 90 * day
	return clinic.PutVisitKind{
		Organization: at.Organization, Key: "health-check", Name: "Health check", Duration: 30 * time.Minute,
		Modalities: []clinic.Modality{clinic.InPerson}, Needs: []string{examPool}, RepeatAfter: &again,
	}
}

// TravelVaccination is a kind of visit for adults who had a health check not long before.
func TravelVaccination(check clinic.Ref) clinic.PutVisitKind {
	adult := 18
	return clinic.PutVisitKind{
		Organization: check.Organization, Key: "travel-vaccination", Name: "Travel vaccination", Duration: 15 * time.Minute,
		Modalities: []clinic.Modality{clinic.InPerson}, MinimumAge: &adult,
		Prerequisites: []clinic.PutPrerequisite{{VisitKind: check, Within: 180 * day}},
	}
}

// Practitioner offers kinds of visit at a site. The name comes after those of the publication's counters.
func Practitioner(kinds ...clinic.Ref) provider.PutProvider {
	return provider.PutProvider{
		Organization: kinds[0].Organization, Identifier: clinic.Identifier{System: "https://demo.example/people", Value: "zora-whitfield"},
		Name: "Zora Whitfield", Languages: []string{"en"}, VisitKinds: kinds,
		Specialties: []clinic.Coding{{System: "http://snomed.info/sct", Code: "394814009", Display: new("General practice")}},
	}
}

// Hours are those of the practitioner: weekdays from nine to five.
func Hours(who, at clinic.Ref, from civil.Date) provider.SetSchedule {
	in := provider.SetSchedule{Provider: who, Location: at, EffectiveFrom: from}
	for d := time.Monday; d <= time.Friday; d++ {
		in.Hours = append(in.Hours, provider.WeeklyOpening{Weekday: provider.Weekday(d), Opening: provider.Opening{From: provider.At(9, 0), To: provider.At(17, 0), Capacity: 1}})
	}
	return in
}
