package app

import "log/slog"

// Secret is a setting that hides itself in logs and in formatted text.
type Secret string

const hidden = "[secret]"

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// LogValue hides the value from structured logs.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// String hides the value from formatted text.
func (Secret) String() string { return hidden }

// GoString hides the value from %#v.
func (Secret) GoString() string { return hidden }
