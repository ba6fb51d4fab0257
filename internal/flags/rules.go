package flags

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	unleash "github.com/Unleash/unleash-client-go/v4"
	"github.com/Unleash/unleash-client-go/v4/api"
	"github.com/Unleash/unleash-client-go/v4/strategy"

	"github.com/mediconnect/mediconnect/internal/access"
)

// rules are what holds for all switches at a time.
type rules struct {
	from Origin
	of   []*definition // by a switch's place in all
}

// definition is what Unleash says of one switch, made ready to be asked.
type definition struct {
	raw      *api.Feature // as it was told; nil: Unleash doesn't know it
	rules    []rule       // the first that fits decides; none: it is off for all
	targets  bool         // some rule is about who the subject is
	unusable []string     // what of it this program doesn't do, in words that hold nothing of anybody's
}

// rule is one strategy of a flag, as a flag of its own: the SDK doesn't tell which of several has decided.
type rule struct {
	alone unleash.FeatureResolver
	whole unleash.FeatureResolver // the same without its percentage
	why   access.Reason
}

// newRules takes what is known of the declared switches out of all that Unleash has.
func newRules(from Origin, features []api.Feature) *rules {
	r := &rules{from: from, of: make([]*definition, len(all))}
	for i, s := range all {
		r.of[i] = &definition{}
		if at := slices.IndexFunc(features, func(f api.Feature) bool { return f.Name == s.key }); at >= 0 {
			r.of[i] = define(s, features[at])
		}
	}
	return r
}

// define makes a flag ready. One with anything that the SDK can't do safely is off for all: draws that differ from one process to the next,
// rules that aren't kept on disk, and values that would have it print, block, or change what all flags share.
func define(s Switch, f api.Feature) *definition {
	d := &definition{raw: &f}
	if f.Dependencies != nil && len(*f.Dependencies) > 0 {
		d.unusable = append(d.unusable, "it depends on another flag")
		return d
	}
	if !f.Enabled {
		return d
	}
	if fault := weigh(f.Variants); fault != "" {
		d.unusable = append(d.unusable, fault)
		return d
	}
	strategies := f.Strategies
	if len(strategies) == 0 {
		strategies = []api.Strategy{{Name: everybody}} // so Unleash takes it
	}
	for i, st := range strategies {
		if fault := unfit(st); fault != "" {
			d.unusable = append(d.unusable, fmt.Sprintf("strategy %d: %s", i+1, fault))
			d.rules = nil // one left out might have kept somebody from the next
			return d
		}
		if len(s.variants) > 0 && len(st.Variants)+len(f.Variants) == 0 {
			d.unusable = append(d.unusable, fmt.Sprintf("strategy %d: it names no variant, so it means the safe default", i+1))
		}
		d.rules = append(d.rules, newRule(s, f, st))
		d.targets = d.targets || len(st.Constraints) > 0
	}
	return d
}

// The strategies that are done. Both are sticky.
const (
	everybody = "default"
	gradual   = "flexibleRollout"
)

// unfit says why a strategy can't be used; empty: it can.
func unfit(st api.Strategy) string {
	if len(st.Segments) > 0 {
		return "it uses a segment, which isn't kept on disk: use constraints"
	}
	if st.Name != everybody && st.Name != gradual {
		return "it is of a kind that isn't used here: use gradual rollout"
	}
	if _, ok := percentage(st); st.Name == gradual && !ok {
		return "its percentage can't be read"
	}
	for _, c := range st.Constraints {
		if !checked(c) {
			return "a constraint is of a kind that isn't used here"
		}
	}
	return weigh(st.Variants)
}

// weigh says what is wrong with the weights of variants. Without this, variants that weigh nothing together would have the SDK change the
// value that it gives for flags that are off.
func weigh(variants []api.VariantInternal) string {
	total := 0
	for _, v := range variants {
		if v.Weight < 0 {
			return "a variant weighs less than nothing"
		}
		total += v.Weight
	}
	if len(variants) > 0 && total == 0 {
		return "its variants weigh nothing"
	}
	return ""
}

var overText = []api.Operator{api.OperatorIn, api.OperatorNotIn, api.OperatorStrContains, api.OperatorStrStartsWith, api.OperatorStrEndsWith}

// checked says whether a constraint can be decided without a fault, whoever the subject is: ids are texts, and the only time is now.
func checked(c api.Constraint) bool {
	if c.Operator == api.OperatorDateBefore || c.Operator == api.OperatorDateAfter {
		_, err := time.Parse(time.RFC3339, c.Value)
		return err == nil && c.ContextName == "currentTime"
	}
	return slices.Contains(overText, c.Operator)
}

// percentage is how many of a hundred a gradual rollout is for.
func percentage(st api.Strategy) (percent float64, ok bool) {
	switch value := st.Parameters[strategy.ParamRollout].(type) {
	case string:
		percent, err := strconv.ParseFloat(value, 64)
		return percent, err == nil
	case float64:
		return value, true
	}
	return 0, false
}

func newRule(s Switch, f api.Feature, st api.Strategy) rule {
	st.Variants = sticky(st.Variants)
	f.Variants, f.ImpressionData = sticky(f.Variants), false
	percent, drawn := 100.0, len(s.variants) > 0 && (weighing(st.Variants) > 1 || len(st.Variants) == 0 && weighing(f.Variants) > 1)
	if st.Name == gradual {
		percent, _ = percentage(st)
	}
	r := rule{why: access.FeatureEverybody, alone: with(f, st, percent)}
	r.whole = with(f, st, 100)
	switch {
	case percent < 100 || drawn:
		r.why = access.FeatureRollout
	case len(st.Constraints) > 0:
		r.why = access.FeatureTargeting
	}
	return r
}

// with is the flag with one strategy alone, at a percentage.
func with(f api.Feature, st api.Strategy, percent float64) unleash.FeatureResolver {
	parameters := api.ParameterMap{}
	for name, value := range st.Parameters {
		parameters[name] = value
	}
	parameters[strategy.ParamRollout], parameters[strategy.ParamStickiness] = percent, "default"
	if _, named := parameters[strategy.ParamGroupId]; !named {
		parameters[strategy.ParamGroupId] = f.Name
	}
	st.Parameters = parameters
	f.Strategies = []api.Strategy{st}
	return func(string) *api.Feature { return &f }
}

// sticky has variants stick to what their switch sticks to, whatever they say themselves: a field that a subject lacks would be drawn anew
// each time.
func sticky(variants []api.VariantInternal) []api.VariantInternal {
	variants = slices.Clone(variants)
	for i := range variants {
		variants[i].Stickiness = "default"
	}
	return variants
}

// weighing counts the variants that anybody can get.
func weighing(variants []api.VariantInternal) (n int) {
	for _, v := range variants {
		if v.Weight > 0 {
			n++
		}
	}
	return n
}

// changed names what differs between two definitions of a flag.
func (d *definition) changed(before *definition) (parts []string) {
	switch {
	case d.raw == nil && before.raw == nil:
		return nil
	case before.raw == nil:
		return []string{"new"}
	case d.raw == nil:
		return []string{"gone"}
	}
	for _, part := range []struct {
		name        string
		now, before any
	}{
		{"enabled", d.raw.Enabled, before.raw.Enabled}, {"strategies", d.raw.Strategies, before.raw.Strategies},
		{"variants", d.raw.Variants, before.raw.Variants}, {"dependencies", d.raw.Dependencies, before.raw.Dependencies},
	} {
		if !reflect.DeepEqual(part.now, part.before) {
			parts = append(parts, part.name)
		}
	}
	return parts
}
