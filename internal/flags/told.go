package flags

import (
	"fmt"
	"strings"

	"github.com/Unleash/unleash-client-go/v4/api"
)

// Told is what is known of a switch now, in words for operators. Whom a rule names isn't told.
func (f *Flags) Told(s Switch) string {
	d := f.rules.Load().of[s.at]
	switch {
	case d.raw == nil:
		return "not there"
	case len(d.rules) == 0 && len(d.unusable) > 0:
		return "can't be used: " + strings.Join(d.unusable, "; ")
	case !d.raw.Enabled:
		return "off"
	case len(d.raw.Strategies) == 0:
		return "on for everybody" + toVariants(s, d.raw.Variants)
	}
	var all []string
	for _, st := range d.raw.Strategies {
		variants := st.Variants
		if len(variants) == 0 {
			variants = d.raw.Variants
		}
		all = append(all, forWhom(st)+toVariants(s, variants))
	}
	return strings.Join(all, "; else ")
}

func forWhom(st api.Strategy) string {
	who := "everybody"
	if n := len(st.Constraints); n > 0 {
		who = fmt.Sprintf("whoever meets %d constraints", n)
		if n == 1 {
			who = "whoever meets a constraint"
		}
	}
	if percent, ok := percentage(st); ok && st.Name == gradual && percent < 100 {
		return fmt.Sprintf("on for %g %% of %s", percent, who)
	}
	return "on for " + who
}

// toVariants says which ways the switch goes, and their weights where there are several.
func toVariants(s Switch, variants []api.VariantInternal) string {
	if len(s.variants) == 0 {
		return ""
	}
	var ways []string
	for _, v := range variants {
		switch {
		case v.Weight > 0 && weighing(variants) > 1:
			ways = append(ways, fmt.Sprintf("%s (%d)", v.Name, v.Weight))
		case v.Weight > 0:
			ways = append(ways, v.Name)
		}
	}
	if len(ways) == 0 {
		return ", without a variant: " + s.Default()
	}
	return ", as " + strings.Join(ways, " or ")
}
