package intake

import (
	"unicode/utf8"

	"github.com/mediconnect/mediconnect/internal/form"
)

// What is kept of a site or a schedule until it is written is bounded, and with it the memory of an import.
const (
	maxText         = 2_000 // bytes altogether
	maxAddressLines = 10
)

// brief refuses a site that the directory would, or that has more text than is kept.
func (s *site) brief() error {
	var check form.Check
	check.Line(s.put.Name, form.MaxName, "name")
	check.Lines(s.put.AddressLines, maxAddressLines, form.MaxName, "addressLines")
	check.OptionalLine(s.put.PostalCode, form.MaxPostalCode, "postalCode")
	texts := append([]string{s.put.Name, s.where, s.put.Identifier.System, s.put.Identifier.Value}, s.put.AddressLines...)
	return brief(check, texts...)
}

func (d *desk) brief() error {
	var check form.Check
	check.Line(d.service.key, form.MaxKey, "code")
	check.Line(d.service.name, form.MaxName, "display")
	return brief(check, d.service.key, d.service.name, d.label)
}

func brief(check form.Check, texts ...string) error {
	if reason, wrong := refusedBy(check.Err()); wrong {
		return refusal(reason)
	}
	length := 0
	for _, text := range texts {
		length += len(text)
	}
	if length > maxText {
		return refuse("more than %d bytes of text", maxText)
	}
	return nil
}

// isName says whether a text is short enough for a name.
func isName(s string) bool { return utf8.RuneCountInString(s) <= form.MaxName }
