package intake

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mediconnect/mediconnect/internal/provider"
)

// DefaultHours are those of a list's sites unless it is told otherwise: a pharmacy's, with a break at noon.
const DefaultHours = "Mon-Fri 09:00-13:00,Mon-Fri 13:30-19:00,Sat 09:00-13:00,Sat 13:30-17:00"

var (
	dayNames = []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
	hoursOn  = regexp.MustCompile(`^([A-Za-z]{3})(?:-([A-Za-z]{3}))? ([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})$`)
)

// maxHours bounds the text of weekly hours, in bytes.
const maxHours = 2_000

// ParseHours reads weekly hours such as "Mon-Fri 09:00-17:00,Sat 10:00-14:00". One that ends when or before it begins ends on
// the next day; 24:00 is the end of a day.
func ParseHours(text string, capacity int) ([]provider.WeeklyHours, error) {
	if len(text) > maxHours {
		return nil, fmt.Errorf("more than %d bytes of hours", maxHours)
	}
	if capacity < 1 || capacity > maxLanes {
		return nil, fmt.Errorf("a capacity is from 1 to %d", maxLanes)
	}
	var taken week
	var list []provider.WeeklyHours
	for part := range strings.SplitSeq(text, ",") {
		days, from, to, err := parseOpening(strings.Join(strings.Fields(part), " "))
		if err != nil {
			return nil, err
		}
		for _, on := range days {
			if !taken.open(on, from, to) {
				return nil, fmt.Errorf("%s overlaps other hours", quoted(part))
			}
			list = append(list, provider.WeeklyHours{Weekday: on, Hours: provider.Hours{From: from, To: to, Capacity: capacity}})
		}
	}
	slices.SortFunc(list, compareWeekly)
	return list, nil
}

func parseOpening(text string) (days []provider.Weekday, from, to int, err error) {
	wrong := fmt.Errorf("%s are no hours such as Mon-Fri 09:00-17:00", quoted(text))
	parts := hoursOn.FindStringSubmatch(text)
	if parts == nil {
		return nil, 0, 0, wrong
	}
	first, last := dayNamed(parts[1]), dayNamed(parts[1])
	if parts[2] != "" {
		last = dayNamed(parts[2])
	}
	from, to = minuteOf(parts[3], parts[4]), minuteOf(parts[5], parts[6])
	if first == 0 || last == 0 || from < 0 || to < 0 || from == minutesPerDay {
		return nil, 0, 0, wrong
	}
	if to <= from {
		to += minutesPerDay
	}
	for on := first; ; on = on%7 + 1 {
		days = append(days, on)
		if on == last {
			return days, from, to, nil
		}
	}
}

// dayNamed is 0 for no day.
func dayNamed(name string) provider.Weekday {
	return provider.Weekday(1 + slices.IndexFunc(dayNames, func(day string) bool { return strings.EqualFold(day, name) }))
}

// minuteOf is a time of day up to 24:00, or -1.
func minuteOf(hour, minute string) int {
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	if m > 59 || h*60+m > minutesPerDay {
		return -1
	}
	return h*60 + m
}
