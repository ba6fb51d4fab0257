package availability_test

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/availability"
)

func busyMonth() world {
	w := office(daily("00:00-12:00 x2", "12:00-00:00 x3"), step(15*time.Minute, "DAY"))
	w.query.From, w.query.To = w.query.Now, w.query.Now.AddDate(0, 0, 31)
	for i := range 300 {
		start := w.query.From.Add(time.Duration(i) * 149 * time.Minute)
		w.taken.Claims = append(w.taken.Claims, availability.Claim{
			Lane: i % 3, Start: start, End: start.Add(45 * time.Minute), Appointment: id("other"),
		})
	}
	w.rules.MaxDaily = ptr(100)
	return w
}

// 31 days round the clock, a start each quarter of an hour (2,972 in the month of a clock change), 300 visits.
func BenchmarkOpenings31Days300Claims(b *testing.B) {
	w := busyMonth()
	b.ReportAllocs()
	for b.Loop() {
		if n := len(availability.Openings(w.rules, w.taken, w.query)); n < 2500 {
			b.Fatal(n)
		}
	}
}

// fullYear is round the clock for a year, a start each quarter of an hour, and taken until so many days from now.
func fullYear(taken int) world {
	w := office(daily("00:00-00:00"), step(15*time.Minute, "DAY"))
	w.query.From, w.query.To = w.query.Now, w.query.Now.AddDate(0, 0, 365)
	w.query.Limit = 1
	for i := range 24 * taken {
		start := w.query.From.Add(time.Duration(i) * time.Hour)
		w.taken.Claims = append(w.taken.Claims, availability.Claim{Start: start, End: start.Add(time.Hour), Appointment: id("other")})
	}
	return w
}

// The first of 35,036 openings of a year.
func BenchmarkFirstOpeningOf365Days(b *testing.B)              { benchmarkFirst(b, fullYear(0)) }
func BenchmarkFirstOpeningOf365Days30OfThemTaken(b *testing.B) { benchmarkFirst(b, fullYear(30)) }

func benchmarkFirst(b *testing.B, w world) {
	b.ReportAllocs()
	for b.Loop() {
		if n := len(availability.Openings(w.rules, w.taken, w.query)); n != 1 {
			b.Fatal(n)
		}
	}
}

func BenchmarkCheck300Claims(b *testing.B) {
	w := busyMonth()
	slot := w.slot("2026-03-17T09:00")
	b.ReportAllocs()
	for b.Loop() {
		if !w.check(slot).Bookable() {
			b.Fatal(w.check(slot))
		}
	}
}

func BenchmarkPlanOf(b *testing.B) {
	w := busyMonth()
	slot := w.slot("2026-03-17T09:00")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := availability.PlanOf(w.rules, slot); !ok {
			b.Fatal("no plan")
		}
	}
}
