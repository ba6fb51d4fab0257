package identity

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
	"golang.org/x/text/unicode/norm"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/form"
)

// What a password has to be (NIST SP 800-63B, section 5.1.1.2): long enough, and none of those that are guessed first. Lengths are
// counted in characters.
const (
	minPassword      = 8
	minStaffPassword = 12 // of whoever sees others' data
	maxPassword      = 128
	judged           = 40 // characters that are looked at for how soon they are guessed: it takes longer than their number
)

// How hard a password is to guess, as zxcvbn has it: 2 is more than a million guesses, 3 more than a hundred million.
const (
	guessable      = 2
	staffGuessable = 3
)

// product are the words that are guessed first here.
var product = []string{"mediconnect", "doctor", "clinic", "patient", "appointment"}

// Normal is a password as it is hashed: whichever keyboard wrote it (NFKC, as NIST SP 800-63B has it).
func Normal(password access.Private) access.Private {
	return access.Private(norm.NFKC.String(password.Reveal()))
}

// written says whether a text may be somebody's password at all.
func written(password access.Private) bool {
	text := password.Reveal()
	return text != "" && len(text) <= maxPassword*utf8.UTFMax && utf8.ValidString(text)
}

// Read reads a password that an account shall have, and answers it as it is hashed. How soon it is guessed takes a turn to find out, as a hash
// does, and only what is good otherwise gets one: anybody may ask. It fails with errs.Busy.
func (p *Passwords) Read(ctx context.Context, check *form.Check, role access.Role, email, password access.Private, path ...string) (access.Private, error) {
	least, hard := minPassword, guessable
	if NeedsSecondFactor(role) {
		least, hard = minStaffPassword, staffGuessable
	}
	normal := sized(check, least, password, path...)
	if check.Err() != nil {
		return normal, nil
	}
	leave, err := p.turn(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	score := zxcvbn.PasswordStrength(start(normal.Reveal()), knownOf(email)).Score
	check.That(score >= hard, "This password is guessed too soon. Take another, such as several words.", path...)
	return normal, nil
}

// sized is a password as it is hashed, if it is neither too short nor too long.
func sized(check *form.Check, least int, password access.Private, path ...string) access.Private {
	if !written(password) && password != "" {
		check.Fail("At most "+strconv.Itoa(maxPassword)+" characters, as UTF-8.", path...)
		return ""
	}
	normal := Normal(password)
	length := utf8.RuneCountInString(normal.Reveal())
	check.That(length >= least, "At least "+strconv.Itoa(least)+" characters.", path...)
	check.That(length <= maxPassword, "At most "+strconv.Itoa(maxPassword)+" characters.", path...)
	return normal
}

// start is what is judged of a password.
func start(text string) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), judged)])
}

// knownOf are words that whoever guesses knows.
func knownOf(email access.Private) []string {
	address := EmailHandle(email).Value.Reveal()
	name, domain, _ := strings.Cut(address, "@")
	return append(slices.Clone(product), address, name, domain)
}
