package resolvers_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"log/slog"
	"bytes"

	"github.com/mediconnect/mediconnect/internal/access"
)

func BenchmarkZZ(b *testing.B) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t := &testing.T{}
	a := serve(t, open())
	c := a.as(t, access.PatientRole)
	body, _ := json.Marshal(map[string]any{"query": document("bookAppointment", "appointment { id version status start } replayed " + failureParts), "variables": input(a.mutations()["bookAppointment"])})
	b.ReportAllocs()
	for b.Loop() {
		a.log.Reset()
		a.rooms.asked = nil
		r := httptest.NewRequest("POST", "/graphql", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+c.Token)
		w := httptest.NewRecorder()
		c.Handler.ServeHTTP(w, r)
		if w.Code != 200 { b.Fatal(w.Body.String()) }
	}
}
