package app

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The table of settings in the README is the one that the program reads them by.
func TestReadmeNamesEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if wanted := settingsTable(); !strings.Contains(string(readme), wanted) {
		t.Errorf("README.md should have this table of settings:\n\n%s", wanted)
	}
}

func settingsTable() string {
	work, migrate := names(reflect.TypeFor[WorkSettings]()), names(reflect.TypeFor[MigrateSettings]())
	keys := names(reflect.TypeFor[KeySettings]())
	guards := names(reflect.TypeFor[WorkerSettings]())
	switches := names(reflect.TypeFor[SwitchSettings]())
	var text strings.Builder
	text.WriteString("| variable | default | meaning | read by |\n| --- | --- | --- | --- |\n")
	served := names(reflect.TypeFor[ServeSettings]())
	all := variables(reflect.TypeFor[ServeSettings]())
	for _, v := range variables(reflect.TypeFor[WorkerSettings]()) {
		if !slices.Contains(served, v.name) {
			all = append(all, v)
		}
	}
	for _, v := range all {
		fallback := cmp.Or(v.fallback, "–")
		if v.required {
			fallback = "required"
		}
		var readers []string
		if slices.Contains(served, v.name) {
			readers = append(readers, "`serve`")
		}
		if slices.Contains(guards, v.name) {
			readers = append(readers, "`work`", "`audit`")
		}
		if slices.Contains(switches, v.name) {
			readers = append(readers, "`flags`")
		}
		if slices.Contains(work, v.name) {
			readers = append(readers, "`import`", "`demo`", "`zones`")
		}
		if slices.Contains(keys, v.name) {
			readers = append(readers, "`keys`")
		}
		if slices.Contains(migrate, v.name) {
			readers = append(readers, "`migrate`")
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", v.name, fallback, v.help, strings.Join(readers, ", "))
	}
	return text.String()
}

func names(settings reflect.Type) []string {
	var list []string
	for _, v := range variables(settings) {
		list = append(list, v.name)
	}
	return list
}
