package intake

import (
	"regexp"
	"slices"
	"strings"
)

// A ZIP code whose parts may have lost leading zeros, as spreadsheets lose them; the ZIP+4 part is optional.
var shortZIP = regexp.MustCompile(`^([0-9]{3,5})(?:-([0-9]{1,4}))?$`)

var wholeZIP4 = regexp.MustCompile(`^[0-9]{9}$`)

// States whose ZIP codes begin with a zero, military post in Europe (AE) among them.
var zeroStates = []string{"AE", "CT", "MA", "ME", "NH", "NJ", "NY", "PR", "RI", "VI", "VT"}

var states = strings.Fields(`
AA AE AK AL AP AR AS AZ CA CO CT DC DE FL GA GU HI IA ID IL IN KS KY LA MA MD ME MI MN MO MP MS MT NC ND NE NH NJ NM NV NY
OH OK OR PA PR RI SC SD TN TX UT VA VI VT WA WI WV WY`)

// isState says whether a code is one of the United States Postal Service's (Publication 28, appendix B).
func isState(code string) bool { return slices.Contains(states, code) }

// zip reads a ZIP code of a state and gives its parts back the zeros that they lost. Without ok it is no ZIP code.
func zip(published, state string) (code string, ok bool) {
	if wholeZIP4.MatchString(published) {
		return published, true
	}
	parts := shortZIP.FindStringSubmatch(published)
	if parts == nil || len(parts[1]) < 5 && !slices.Contains(zeroStates, state) {
		return "", false
	}
	code = strings.Repeat("0", 5-len(parts[1])) + parts[1]
	if plus4 := parts[2]; plus4 != "" {
		code += "-" + strings.Repeat("0", 4-len(plus4)) + plus4
	}
	return code, true
}
