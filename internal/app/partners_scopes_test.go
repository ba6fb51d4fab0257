package app

import (
	"slices"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
)

func TestATokenWithFewerScopesThanItsRoleHandsOnNoneThatItLacks(t *testing.T) {
	o, all := newOffice(t), pairs(t)
	wide, signs := o.enrol(t, "", access.PatientsRead), o.enrol(t, keySet(t, all[0]), access.PatientsRead)
	narrow := staffOf(o.clinic.Organization, access.Admin)
	narrow.Scopes = []string{access.ClientsManage, access.SchedulesRead}
	o.admin = o.by(narrow)
	for mutation, input := range map[string]vars{
		"createApiClient": {"name": "Portal", "scopes": []string{access.SchedulesRead, access.PatientsRead}, "idempotencyKey": o.key()},
		"createApiKey": {"name": "Kiosk", "scopes": []string{access.SchedulesRead, access.PatientsRead}, "idempotencyKey": o.key(),
			"expiresAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)},
	} {
		answer := o.does(t, mutation, "secret", input)
		if answer.Text(mutation, "errors", 0, "code") != "INVALID_INPUT" || !slices.Equal(answer.Data(mutation, "errors", 0, "path").([]any), []any{"input", "scopes", "1"}) {
			t.Errorf("%s: %s", mutation, answer.Raw)
		}
	}
	if answer := o.does(t, "rotateApiClientSecret", "secret", vars{"apiClientId": wide.id}); answer.Text("rotateApiClientSecret", "errors", 0, "code") != "FORBIDDEN" ||
		answer.Data("rotateApiClientSecret", "secret") != nil {
		t.Errorf("a secret of a client that may do more: %s", answer.Raw)
	}
	if answer := o.does(t, "replaceApiClientKeys", "apiClient { id }", vars{"apiClientId": signs.id, "jwks": keySet(t, all[1])}); answer.Text("replaceApiClientKeys", "errors", 0, "code") != "FORBIDDEN" {
		t.Errorf("keys of a client that may do more: %s", answer.Raw)
	}
	o.token(t, wide)
	if answer := o.posts(t, asserting(signedBy(t, all[0], claimsOf(signs)))); answer.Token == "" {
		t.Errorf("its key is good no longer: %s", answer.Raw)
	}
	own := o.enrol(t, "", access.SchedulesRead)
	if answer := o.does(t, "rotateApiClientSecret", "secret", vars{"apiClientId": own.id}); answer.Text("rotateApiClientSecret", "secret") == "" {
		t.Errorf("a secret of a client that may do no more: %s", answer.Raw)
	}
	if answer := o.does(t, "revokeApiClient", "apiClient { revokedAt }", vars{"apiClientId": wide.id}); answer.Text("revokeApiClient", "apiClient", "revokedAt") == "" {
		t.Errorf("ending a client that may do more: %s", answer.Raw)
	}
}
