package clients_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/bench/rig"
)

const days = 3

// world is a clinic of its own, with a provider who is in for days, and two patients.
func world(t *testing.T) object {
	t.Helper()
	r, server := server(t)
	clinic, err := r.NewClinic(t.Context(), server, &rig.Client{HTTP: rig.NewHTTP(4)})
	if err != nil {
		t.Fatal(err)
	}
	provider, err := clinic.Provider(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	patients, err := clinic.Patients(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	desk := httptest.NewServer(orders{r, server, patients[0]}.handler())
	t.Cleanup(desk.Close)
	return object{
		"url": server.URL + "/graphql", "orders": desk.URL, "provider": provider, "visitKind": clinic.VisitKind,
		"from": clinic.Day.Format(time.RFC3339), "to": clinic.Day.AddDate(0, 0, days).Format(time.RFC3339),
		"tokens": object{"patient": patients[0].Token, "rival": patients[1].Token, "refused": "refused", "admin": clinic.Admin.Token},
	}
}

// orders is what suites may have done that no client can do.
type orders struct {
	rig     *rig.Rig
	server  *rig.Server
	patient rig.Patient
}

func (o orders) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /restart", telling(o.restart))
	mux.Handle("POST /token", telling(o.token))
	return mux
}

// restart stops the server as an operator does, and starts it at the same address.
func (o orders) restart(r *http.Request) (string, error) {
	if err := o.server.Stop(); err != nil {
		return "", err
	}
	return "", o.server.Start(r.Context())
}

// token signs one for the patient that lives as long as is asked for.
func (o orders) token(r *http.Request) (string, error) {
	life, err := time.ParseDuration(r.FormValue("life"))
	if err != nil {
		return "", err
	}
	return o.rig.TokenFor(o.patient.Actor, life)
}

func telling(do func(*http.Request) (string, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told, err := do(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, told)
	})
}
