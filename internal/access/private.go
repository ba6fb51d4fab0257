package access

import "log/slog"

// Private is a patient's datum: a name, a phone number, a reason for a visit. It hides itself in logs and in formatted
// text; only a deliberate conversion to string reveals it.
type Private string

const hidden = "[private]"

// LogValue hides the value from structured logs.
func (Private) LogValue() slog.Value { return slog.StringValue(hidden) }

// String hides the value from formatted text.
func (Private) String() string { return hidden }

// GoString hides the value from %#v.
func (Private) GoString() string { return hidden }

// Reveal returns the value itself.
func (p Private) Reveal() string { return string(p) }
