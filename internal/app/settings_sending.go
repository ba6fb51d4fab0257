package app

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// SendingSettings say how much patients are sent at the most.
type SendingSettings struct {
	AddressHour int           `env:"MESSAGES_PER_ADDRESS_HOUR" envDefault:"60" help:"messages about visits to one number or address in an hour, of all organisations; changes may be twice as many, cancellations three times; 0: no limit"`
	AddressDay  int           `env:"MESSAGES_PER_ADDRESS_DAY" envDefault:"200" help:"the same in a day; 0: no limit"`
	TextsDay    int           `env:"TEXTS_PER_DAY" envDefault:"50000" help:"texts of one organisation a day; changes may be twice as many, cancellations three times; 0: no limit"`
	Countries   CountryLimits `env:"TEXTS_PER_COUNTRY" envDefault:"*=20000" help:"likewise to one country: how its numbers begin and how many, e.g. *=500,1=50000,1876=0; *: each other country, without it there is no limit; 0: none are sent there"`
}

// mostSent is what a limit may be set to: nobody sends more, and three times that can be counted.
const mostSent = 100_000_000

func (s *SendingSettings) check() (faults []fault) {
	for _, limit := range []struct {
		name  string
		value int
	}{{"MESSAGES_PER_ADDRESS_HOUR", s.AddressHour}, {"MESSAGES_PER_ADDRESS_DAY", s.AddressDay}, {"TEXTS_PER_DAY", s.TextsDay}} {
		faults = append(faults, wantAtLeast(limit.name, limit.value, 0)...)
		faults = append(faults, wantAtMost(limit.name, limit.value, mostSent)...)
	}
	return faults
}

func (s *SendingSettings) limits() reminder.Limits {
	return reminder.Limits{
		AddressHour: s.AddressHour, AddressDay: s.AddressDay, TextsDay: s.TextsDay, Countries: s.Countries.by, Others: s.Countries.others,
	}
}

// CountryLimits are how many texts may go to numbers by how they begin.
type CountryLimits struct {
	by     map[string]int
	others *int // nil: there is no limit
}

var countryLimit = regexp.MustCompile(`^(\*|[1-9][0-9]{0,6})=([0-9]{1,9})$`)

// UnmarshalText reads limits with commas between them.
func (c *CountryLimits) UnmarshalText(text []byte) error {
	read := CountryLimits{by: map[string]int{}}
	for part := range strings.SplitSeq(string(text), ",") {
		if len(text) == 0 {
			break
		}
		named := countryLimit.FindStringSubmatch(strings.TrimSpace(part))
		if named == nil {
			return &settingFault{"must be like *=500,1=50000,1876=0"}
		}
		most, err := strconv.Atoi(named[2])
		_, twice := read.by[named[1]]
		if err != nil || most > mostSent || twice || named[1] == "*" && read.others != nil {
			return &settingFault{"must name each beginning once, with at most " + strconv.Itoa(mostSent) + " texts"}
		}
		if named[1] == "*" {
			read.others = &most
		} else {
			read.by[named[1]] = most
		}
	}
	*c = read
	return nil
}
