package scalar_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/scalar"
	"github.com/mediconnect/mediconnect/internal/provider"
)

func written(m graphql.Marshaler) string {
	var b bytes.Buffer
	m.MarshalGQL(&b)
	var s string
	if err := json.Unmarshal(b.Bytes(), &s); err != nil {
		return b.String()
	}
	return s
}

// What is read and what is written for it; "" stands for refused.
var read = map[string]map[string]string{
	"DateTime": {
		"2030-05-06T13:00:00Z": "2030-05-06T13:00:00Z", "2030-05-06T09:00:00-04:00": "2030-05-06T13:00:00Z", "2030-05-06T13:00:00.1234567Z": "2030-05-06T13:00:00.123456Z",
		"2030-05-06T13:00:00": "", "2030-05-06": "", "2030-02-30T00:00:00Z": "", "2030-05-06T24:00:00Z": "", "2030-05-06 13:00:00Z": "", " 2030-05-06T13:00:00Z": "", "": "",
		"2030-05-06T13:00:00+25:00": "",
	},
	"LocalDate": {
		"2030-05-06": "2030-05-06", "2028-02-29": "2028-02-29", "2030-02-29": "", "2030-5-6": "", "20300506": "", "2030-05-06T00:00": "", "": "",
	},
	"LocalDateTime": {
		"2030-05-06T09:00": "2030-05-06T09:00:00", "2030-05-06T09:00:30": "2030-05-06T09:00:30", "2030-05-06T24:00": "", "2030-05-06T09:00Z": "", "2030-05-06T09:00:00.5": "",
		"2030-05-06 09:00": "", "2030-05-06": "",
	},
	"LocalTime": {
		"00:00": "00:00", "09:30": "09:30", "23:59:59": "23:59:59", "24:00": "24:00", "24:00:00": "24:00", "24:00:01": "", "24:01": "", "9:30": "", "09:60": "", "0930": "",
		"09": "", "+9:30": "", "09:30:00:00": "", "": "",
	},
	"Duration": {
		"PT30M": "PT30M", "PT90M": "PT1H30M", "PT24H": "P1D", "P1W": "P7D", "P365D": "P365D", "P1DT1S": "P1DT1S", "PT0S": "PT0S", "-PT5M": "-PT5M", "P36600D": "P36600D",
		"P36601D": "", "P1Y": "", "P1M": "", "PT1.5H": "", "P": "", "PT": "", "P1DT": "", "PT5M1H": "", "30M": "", "pt30m": "", "P999999999W": "", "PT99999999999M": "", "": "",
	},
}

func TestScalarsAreReadStrictlyAndWrittenOneWay(t *testing.T) {
	for name, values := range read {
		for text, want := range values {
			got, err := roundTrip(name, text)
			if got != want || (err == nil) != (want != "") {
				t.Errorf("%s %q: got %q, want %q, %v", name, text, got, want, err)
			}
			if (scalar.Check(name, text) == nil) != (err == nil) {
				t.Errorf("%s %q: the check says otherwise", name, text)
			}
		}
		for _, other := range []any{json.Number("5"), 5, 5.5, true, nil, []any{"PT5M"}, map[string]any{}} {
			if scalar.Check(name, other) == nil {
				t.Errorf("%s takes %#v", name, other)
			}
		}
	}
}

func roundTrip(name, text string) (string, error) {
	switch name {
	case "DateTime":
		v, err := scalar.UnmarshalDateTime(text)
		return shown(v, err, scalar.MarshalDateTime)
	case "LocalDate":
		v, err := scalar.UnmarshalLocalDate(text)
		return shown(v, err, scalar.MarshalLocalDate)
	case "LocalDateTime":
		v, err := scalar.UnmarshalLocalDateTime(text)
		return shown(v, err, scalar.MarshalLocalDateTime)
	case "LocalTime":
		v, err := scalar.UnmarshalLocalTime(text)
		return shown(v, err, scalar.MarshalLocalTime)
	default:
		v, err := scalar.UnmarshalDuration(text)
		return shown(v, err, scalar.MarshalDuration)
	}
}

func shown[T any](v T, err error, write func(T) graphql.Marshaler) (string, error) {
	if err != nil {
		return "", err
	}
	return written(write(v)), nil
}

func FuzzScalars(f *testing.F) {
	for name, values := range read {
		for text := range values {
			f.Add(name, text)
		}
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		once, err := roundTrip(name, text)
		if err != nil {
			return
		}
		if twice, err := roundTrip(name, once); err != nil || twice != once {
			t.Errorf("%s %q is written %q, and that %q, %v", name, text, once, twice, err)
		}
	})
}

func TestATimeOfDayAfterMidnightIsShownAsThatOfTheNextDay(t *testing.T) {
	for minutes, want := range map[int]provider.TimeOfDay{0: 0, 1440: provider.At(24, 0), 1441: provider.At(0, 1), 2879: provider.At(23, 59)} {
		if got := scalar.TimeOf(minutes); got != want {
			t.Errorf("%d minutes: %d", minutes, got)
		}
	}
}

func TestWeekdaysAreNumberedFromMonday(t *testing.T) {
	for day, name := range map[provider.Weekday]string{1: "MONDAY", 7: "SUNDAY"} {
		if got := written(scalar.MarshalWeekday(day)); got != name {
			t.Errorf("day %d is %s", day, got)
		}
		if got, err := scalar.UnmarshalWeekday(name); got != day || err != nil {
			t.Errorf("%s is %d, %v", name, got, err)
		}
	}
	if _, err := scalar.UnmarshalWeekday("monday"); err == nil {
		t.Error("monday was taken")
	}
}

func TestPrivateDataAreRevealedToWhoMaySeeThem(t *testing.T) {
	var nothing bytes.Buffer
	scalar.MarshalPrivate("").MarshalGQL(&nothing)
	if nothing.String() != "null" {
		t.Errorf("nothing is written as %s", &nothing)
	}
	if got := written(scalar.MarshalPrivate("Ada")); got != "Ada" {
		t.Errorf("got %q", got)
	}
}

func TestInstantsKeepTheMicrosecond(t *testing.T) {
	at := civil.DateTime{Date: civil.Date{Year: 2030, Month: 5, Day: 6}}.In(time.UTC).Add(1500 * time.Nanosecond)
	if got := written(scalar.MarshalDateTime(at)); got != "2030-05-06T00:00:00.000001Z" {
		t.Errorf("got %s", got)
	}
}
