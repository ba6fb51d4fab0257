package app

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/caarlos0/env/v11"
	"github.com/jackc/pgx/v5"
)

const settingPrefix = "MEDICONNECT_"

// fault is what is wrong with one environment variable.
type fault struct{ variable, text string }

// SettingsError lists everything that is wrong with the environment, never a value.
type SettingsError struct{ faults []fault }

func (e *SettingsError) Error() string {
	var text strings.Builder
	text.WriteString("the settings in the environment have faults:")
	for _, f := range e.faults {
		fmt.Fprintf(&text, "\n  %s %s", f.variable, f.text)
	}
	return text.String()
}

// Load reads settings from environ ("KEY=value") and tells all faults at once as a *SettingsError.
func Load[S any, P interface {
	*S
	check() []fault
}](environ []string,
) (S, error) {
	var settings S
	err := env.ParseWithOptions(&settings, env.Options{Prefix: settingPrefix, Environment: env.ToMap(environ)})
	faults := append(parseFaults(reflect.TypeFor[S](), err), given(reflect.TypeFor[S](), environ)...)
	for _, found := range P(&settings).check() {
		known := slices.ContainsFunc(faults, func(f fault) bool { return f.variable == found.variable })
		if !known {
			faults = append(faults, found)
		}
	}
	if len(faults) > 0 {
		return settings, &SettingsError{faults: faults}
	}
	return settings, nil
}

// gone are settings of earlier versions. Passing over one in silence would leave a server without what it is for.
var gone = map[string]string{
	"RATE_LIMIT": "is gone: set RATE_LIMIT_PATIENT, RATE_LIMIT_STAFF, RATE_LIMIT_CLIENT and RATE_LIMIT_ANONYMOUS, each with " + settingPrefix + " before it",
}

// given finds those in the environment that others have taken the place of, whose names begin alike.
func given(settings reflect.Type, environ []string) (faults []fault) {
	set := env.ToMap(environ)
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		replaced := slices.ContainsFunc(variables(settings), func(v variable) bool { return strings.HasPrefix(v.name, settingPrefix+name+"_") })
		if _, ok := set[settingPrefix+name]; ok && replaced {
			faults = append(faults, fault{settingPrefix + name, gone[name]})
		}
	}
	return faults
}

// parseFaults turns the library's errors, which name Go fields and show values, into faults.
func parseFaults(settings reflect.Type, err error) []fault {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return nil
	}
	var faults []fault
	for _, one := range all.Errors {
		var unset env.VarIsNotSetError
		var empty env.EmptyVarError
		var unread env.ParseError
		switch {
		case errors.As(one, &unset):
			faults = append(faults, fault{unset.Key, "must be set"})
		case errors.As(one, &empty):
			faults = append(faults, fault{empty.Key, "must not be empty"})
		case errors.As(one, &unread):
			faults = append(faults, unreadable(settings, unread))
		default:
			faults = append(faults, fault{"environment", one.Error()})
		}
	}
	return faults
}

func unreadable(settings reflect.Type, err env.ParseError) fault {
	text := "must be " + wanted(err.Type)
	var told *settingFault
	if errors.As(err.Err, &told) {
		text = told.text
	}
	for _, v := range variables(settings) {
		if v.field == err.Name && v.kind == err.Type {
			return fault{v.name, text}
		}
	}
	return fault{err.Name, text}
}

func wanted(kind reflect.Type) string {
	switch {
	case kind.String() == "time.Duration":
		return "a duration such as 500ms, 5s or 2m"
	case kind.Kind() == reflect.Int, kind.Kind() == reflect.Int32:
		return "a whole number"
	case kind.Kind() == reflect.Bool:
		return "true or false"
	}
	return "readable as " + kind.Name()
}

// variable is one setting, for the help text.
type variable struct {
	name, fallback, help, field string
	kind                        reflect.Type
	required                    bool
}

func variables(settings reflect.Type) []variable {
	var list []variable
	for field := range settings.Fields() {
		tag, ok := field.Tag.Lookup("env")
		if !ok && field.Type.Kind() == reflect.Struct {
			list = append(list, variables(field.Type)...)
		}
		if !ok {
			continue // of what was read
		}
		name, options, _ := strings.Cut(tag, ",")
		list = append(list, variable{
			name: settingPrefix + name, fallback: field.Tag.Get("envDefault"), help: field.Tag.Get("help"),
			field: field.Name, kind: field.Type, required: strings.Contains(options, "required"),
		})
	}
	return list
}

// Describe is a table of the environment variables that make up S.
func Describe[S any]() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	for _, v := range variables(reflect.TypeFor[S]()) {
		fallback := cmp.Or(v.fallback, "-")
		if v.required {
			fallback = "required"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.name, fallback, v.help)
	}
	_ = table.Flush() // a strings.Builder doesn't fail
	return text.String()
}

func wantAtLeast[N cmp.Ordered](name string, value, least N) []fault {
	if value >= least {
		return nil
	}
	return []fault{{settingPrefix + name, fmt.Sprintf("must be at least %v", least)}}
}

func wantAtMost[N cmp.Ordered](name string, value, most N) []fault {
	if value <= most {
		return nil
	}
	return []fault{{settingPrefix + name, fmt.Sprintf("must be at most %v", most)}}
}

func wantDatabaseURL(name string, url Secret) []fault {
	if url == "" {
		return nil // told already: it is required
	}
	if _, err := pgx.ParseConfig(url.Reveal()); err != nil {
		return []fault{{settingPrefix + name, "must be like postgres://user:password@host:5432/database"}}
	}
	return nil
}
