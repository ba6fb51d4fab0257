package reminder

import "testing"

func TestRepliesAreUnderstood(t *testing.T) {
	for text, want := range map[string]Reply{
		"1": {WishConfirm, ""}, " 1. ": {WishConfirm, ""}, "1️⃣": {WishConfirm, ""}, "１": {WishConfirm, ""}, "ok": {WishConfirm, ""}, "1 please": {WishConfirm, ""},
		"1 K7Q2M9AB": {WishConfirm, "K7Q2M9AB"}, "k7q2m9ab 1": {WishConfirm, "K7Q2M9AB"}, "1, Ref. K7Q2M9AB.": {WishConfirm, "K7Q2M9AB"},
		"3 kiq2moab": {WishCancel, "K1Q2M0AB"}, // I and O for 1 and 0
		"Bestätigen": {WishConfirm, ""}, "SÍ": {WishConfirm, ""}, "si\u0301": {WishConfirm, ""}, "oui": {WishConfirm, ""}, "confirme": {WishConfirm, ""}, "OK 1": {WishConfirm, ""},
		"2": {WishMove, ""}, "verschieben": {WishMove, ""}, "déplacer": {WishMove, ""},
		"3": {WishCancel, ""}, "absagen": {WishCancel, ""}, "cancelar": {WishCancel, ""}, "annuler": {WishCancel, ""},
		"STOP": {WishStop, ""}, "stop please": {WishStop, ""}, "Cancel": {WishStop, ""}, "cancel.": {WishStop, ""}, "QUIT": {WishStop, ""}, "arrêt": {WishStop, ""},
		"Yes": {WishStart, ""}, "START": {WishStart, ""}, "help": {WishHelp, ""}, "HILFE": {WishHelp, ""},
	} {
		if got := ReadReply(text, ""); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

// What isn't understood is never guessed at, and no word of the carriers' is an answer.
func TestRepliesAreNotGuessedAt(t *testing.T) {
	for _, text := range []string{
		"", "   ", "?", "12", "4", "0", "1 3", "1 or 2", "not 1", "1 K7Q2M9AB K7Q2M9AC", "K7Q2M9AB", "cancel K7Q2M9AB", "STOP 1", "1 yes", "cancel my visit", "yes 3", "end 3",
		"I can't come", "1 1 1 1 1 1 1 1 1", "1\x00 2", "1 K7Q2M9A", "1 K7Q2M9ABC", "1 K7Q2M9AU", "ОК", // the last in Cyrillic
	} {
		if got := ReadReply(text, ""); got != (Reply{Wish: WishUnclear}) {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if got := ReadReply("1", "STOP"); got.Wish != WishStop {
		t.Errorf("what the vendor has heeded is %s", got.Wish)
	}
	if got := ReadReply("1", "something new"); got.Wish != WishConfirm {
		t.Errorf("a word of the vendor's that nobody knows makes it %s", got.Wish)
	}
}

func FuzzReadReply(f *testing.F) {
	f.Add("1 K7Q2M9AB")
	f.Fuzz(func(t *testing.T, text string) {
		if r := ReadReply(text, ""); r.Reference != "" && len(r.Reference) != referenceLength || r.Wish == "" {
			t.Errorf("%q: %+v", text, r)
		}
	})
}

func TestAReferenceIsReadAsItIsWritten(t *testing.T) {
	for i := range 100 {
		want := Reference([16]byte{11: byte(i), 13: byte(i * 7), 15: byte(i * 31)})
		if got := ReadReply("1 "+want, ""); got != (Reply{WishConfirm, want}) {
			t.Errorf("%s is read as %+v", want, got)
		}
	}
}
