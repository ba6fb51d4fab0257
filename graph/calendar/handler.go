package calendar

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Service writes an appointment as an iCalendar file (RFC 5545). It fails with errs.NotFound.
type Service interface {
	ICS(ctx context.Context, actor access.Actor, appointment clinic.Ref) ([]byte, error)
}

// Records keeps what a caller's trail holds. While it fails, nothing may be answered.
type Records interface {
	Keep(ctx context.Context, a access.Actor, fields map[string][]string) error
}

// client is what whoever opens a link is in the record of who saw what: nobody knows more of them.
const client = "calendar link"

// shown are the fields of an appointment that its file has.
var shown = map[string][]string{"Appointment": {"end", "id", "location", "start", "status", "version"}}

// Pattern is the route of the links.
const Pattern = "GET " + route + "{file}"

// Handler answers the links. What it can't answer doesn't exist.
func (l Links) Handler(s Service, records Records, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, named := strings.CutSuffix(r.PathValue("file"), suffix)
		appointment, opened := l.open(token)
		if !named || !opened {
			http.Error(w, "This link does not exist or has ended.", http.StatusNotFound)
			return
		}
		who := access.Nobody(accesslog.From(r.Context()).RequestID)
		who.Client, who.Trail = client, &access.Trail{}
		file, err := s.ICS(r.Context(), who, appointment)
		if err == nil {
			err = records.Keep(r.Context(), who, shown)
		}
		if err != nil {
			refuse(w, r, log, err)
			return
		}
		head := w.Header()
		head.Set("Content-Type", "text/calendar; charset=utf-8")
		head.Set("Content-Disposition", `attachment; filename="appointment.ics"`)
		head.Set("Cache-Control", "private, no-store")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(file) // nobody is left to tell
	})
}

func refuse(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	switch errs.Of(err) {
	case errs.NotFound:
		http.Error(w, "This link does not exist or has ended.", http.StatusNotFound)
		return
	case errs.Busy:
		transport.Later(w.Header())
		http.Error(w, "The service is busy. The link may work in a moment.", http.StatusServiceUnavailable)
		return
	}
	log.ErrorContext(r.Context(), "calendar file failed", "requestId", accesslog.From(r.Context()).RequestID, "error", err.Error())
	http.Error(w, "Internal error.", http.StatusInternalServerError)
}
