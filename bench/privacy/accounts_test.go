package privacy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"

	"github.com/google/uuid"
)

var mailedCode = regexp.MustCompile(`mcv_[A-Za-z0-9_-]{64}`)

// mailed waits for the code that is mailed to an address. Mails are no place that is looked into: they are for who reads them.
func (s *story) mailed(address string) (code string) {
	s.t.Helper()
	if !s.wanted {
		return word
	}
	s.until(func() bool {
		files, _ := filepath.Glob(filepath.Join(s.mails, "*.eml"))
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte("<"+address+">")) {
				code = string(mailedCode.Find(text))
			}
		}
		return code != ""
	})
	s.secrets = append(s.secrets, code)
	return code
}

// accounts are made, and get other passwords.
func (s *story) accounts() {
	address := func() string { return word + "." + uuid.NewString() + "@mail.example" }
	password := s.text("password") + " " + uuid.NewString()
	patient, caregiver := address(), address()
	s.does("nobody", change("signUp", "accepted"), in2(object{"organizationId": s.clinic.Organization, "email": patient, "locale": "de-x-" + word}))
	s.does("nobody", change("verifyEmail", "tokens { expiresAt }"), in2(object{"code": s.mailed(patient), "password": password, "client": "bench"}))
	s.does("nobody", change("signUp", "accepted"), in2(object{"organizationId": s.clinic.Organization, "email": patient})) // they have one
	s.does("ADMIN", change("inviteAccount", "accepted"), in2(object{"email": caregiver, "role": "CAREGIVER", "locale": "de-x-" + word, "idempotencyKey": s.key()}))
	s.does("nobody", change("acceptAccountInvitation", "tokens { expiresAt }"), in2(object{"code": s.mailed(caregiver), "password": password, "client": "bench"}))
	s.must(os.RemoveAll(s.mails)) // the next code is another one
	s.does("nobody", change("requestPasswordReset", "accepted"), in2(object{"organizationId": s.clinic.Organization, "email": patient}))
	s.does("nobody", change("resetPassword", "reset"), in2(object{"code": s.mailed(patient), "newPassword": s.text("another password") + " " + uuid.NewString()}))
	s.ask("nobody", change("verifyEmail", "tokens { expiresAt }"), in2(object{"code": "mcv_" + word, "password": password, "client": "bench"}))
	s.ask("nobody", change("acceptAccountInvitation", "tokens { expiresAt }"), in2(object{"code": word, "password": word, "client": "bench"}))
	s.ask("nobody", change("resetPassword", "reset"), in2(object{"code": word, "newPassword": word}))
}
