package limits

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/availability"
)

// tariff is what a field costs.
type tariff struct {
	weight      int
	multipliers []string
	base        int
	perDay      int // begun from "from" to "to", or of "days": a listing is computed whole, whatever its page
	perReading  int // of slots and matches that ids name
}

// tariffOf reads a field's @cost.
func tariffOf(def *ast.FieldDefinition) (t tariff) {
	if strings.HasSuffix(def.Type.Name(), "Connection") {
		t.weight, t.multipliers = 1, []string{"first", "last"}
	}
	cost := def.Directives.ForName("cost")
	if cost == nil {
		return t
	}
	t.weight, t.base = number(cost, "weight"), number(cost, "base")
	t.perDay, t.perReading = number(cost, "perDay"), number(cost, "perReading")
	if names := cost.Arguments.ForName("multipliers"); names != nil {
		t.multipliers = nil
		for _, name := range names.Value.Children {
			t.multipliers = append(t.multipliers, name.Value.Raw)
		}
	}
	return t
}

func number(d *ast.Directive, name string) int {
	arg := d.Arguments.ForName(name)
	if arg == nil {
		return 0
	}
	n, _ := strconv.Atoi(arg.Value.Raw)
	return n
}

// once is what a field costs apart from its page.
func (t tariff) once(args map[string]any) int {
	cost := t.base
	if t.perDay > 0 {
		cost += t.perDay * days(args)
	}
	if t.perReading > 0 {
		cost += t.perReading * readings(args)
	}
	return cost
}

// days counts those asked for, or begun in a period, as far as one may be listed.
func days(args map[string]any) int {
	if asked := whole(args["days"]); asked != nil {
		return min(max(*asked, 0), availability.MaxCalendarDays)
	}
	from, to := instant(args["from"]), instant(args["to"])
	const day = 24 * time.Hour
	asked := min(max(to.Sub(from), 0), availability.MaxPeriod)
	return int((asked + day - 1) / day)
}

func instant(value any) time.Time {
	text, _ := value.(string)
	at, _ := time.Parse(time.RFC3339, text) // what is none was refused before
	return at
}

// readings counts the views that the slots among the ids take, and the searches that their matches are of.
func readings(args map[string]any) int {
	var slots []availability.SlotID
	var matches []availability.MatchID
	for _, text := range append(texts(args["ids"]), texts(args["id"])...) {
		switch id, _ := globalid.Parse(text); id.Type {
		case globalid.Slot:
			slots = append(slots, id.Slot)
		case globalid.Match:
			matches = append(matches, id.Match)
		}
	}
	return len(availability.Groups(slots)) + len(availability.Alike(matches))
}

// texts are the strings of an argument, one or a list; gqlgen makes a typed slice of a variable that is a single value.
func texts(value any) (list []string) {
	if text, ok := value.(string); ok {
		return []string{text}
	}
	if values := reflect.ValueOf(value); values.Kind() == reflect.Slice {
		for i := range values.Len() {
			if text, ok := values.Index(i).Interface().(string); ok {
				list = append(list, text)
			}
		}
	}
	return list
}
