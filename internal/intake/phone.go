package intake

import (
	"regexp"
	"strings"
)

var (
	// A number of the North American Numbering Plan: neither the area nor the exchange begins with 0 or 1.
	northAmerican = regexp.MustCompile(`^1?([2-9][0-9]{2}[2-9][0-9]{6})$`)
	international = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`) // ITU-T E.164, section 6
	phoneMarks    = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "", "/", "", "\u00a0", "")
)

// e164 reads a telephone number. One without a country code is taken as North American where inUS says so.
func e164(published string, inUS bool) (number string, ok bool) {
	digits := phoneMarks.Replace(published)
	if international.MatchString(digits) && !strings.HasPrefix(digits, "+1") {
		return digits, true
	}
	national, plus := strings.CutPrefix(digits, "+")
	if parts := northAmerican.FindStringSubmatch(national); parts != nil && (inUS || plus && national[0] == '1') {
		return "+1" + parts[1], true
	}
	return "", false
}
