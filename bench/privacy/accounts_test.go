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
	password = s.text("another password") + " " + uuid.NewString()
	s.does("nobody", change("resetPassword", "reset"), in2(object{"code": s.mailed(patient), "newPassword": password}))
	s.signIn(patient, password)
	s.ask("nobody", change("verifyEmail", "tokens { expiresAt }"), in2(object{"code": "mcv_" + word, "password": password, "client": "bench"}))
	s.ask("nobody", change("acceptAccountInvitation", "tokens { expiresAt }"), in2(object{"code": word, "password": word, "client": "bench"}))
	s.ask("nobody", change("resetPassword", "reset"), in2(object{"code": word, "newPassword": word}))
}

// signIn is somebody with an account, who is signed in and changes how they do so.
func (s *story) signIn(address, password string) {
	done := s.does("nobody", change("signIn", "tokens { accessToken }"), in2(object{"organizationId": s.clinic.Organization, "email": address, "password": password, "client": "bench"}))
	s.ask("nobody", change("signIn", "tokens { expiresAt }"), in2(object{"organizationId": s.clinic.Organization, "email": word + "@mail.example", "password": word, "client": "bench"}))
	if tokens, _ := done["tokens"].(map[string]any); tokens != nil {
		token, _ := tokens["accessToken"].(string)
		s.tokens["signed in"] = token
		s.secrets = append(s.secrets, token)
	}
	s.does("signed in", change("setUpSecondFactor", "challenge { expiresAt }"), in2(object{"currentPassword": password}))
	s.does("signed in", change("changePassword", ""), in2(object{"currentPassword": password, "newPassword": s.text("a third password") + " " + uuid.NewString()}))
	s.does("ADMIN", named("query", "($w: AccountFilterInput!)", "accounts(where: $w) { totalCount edges { node { email } } }"), map[string]any{"w": object{"email": address}})
	s.ask("nobody", change("answerSignInChallenge", "tokens { expiresAt }"), in2(object{"challenge": word, "code": word}))
	s.ask("signed in", change("replaceRecoveryCodes", "recoveryCodes"), in2(object{"code": word}))
	s.ask("nobody", change("refreshSession", "tokens { expiresAt }"), in2(object{"refreshToken": word}))
	s.ask("nobody", change("signOut", ""), in2(object{"refreshToken": word}))
	s.ask("nobody", change("completeOpenIdSignIn", "tokens { expiresAt }"), in2(object{"state": word, "code": word, "issuer": word}))
}
