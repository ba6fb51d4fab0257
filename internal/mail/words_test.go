package mail

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// read takes a mail apart: its headers, its plain text and its HTML.
func read(t *testing.T, raw []byte) (netmail.Header, string, string) {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for r := multipart.NewReader(m.Body, parameters["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body := io.Reader(p)
		if p.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(p)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, strings.ReplaceAll(string(text), "\r\n", "\n"))
	}
	if len(parts) != 2 {
		t.Fatalf("a mail of %d parts", len(parts))
	}
	return m.Header, parts[0], parts[1]
}

func rendered(t *testing.T, l identity.Letter) (netmail.Header, string, string) {
	t.Helper()
	m, err := box(t, "smtp://nowhere.example", nil).compose(l)
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if _, err := m.WriteTo(&raw); err != nil {
		t.Fatal(err)
	}
	return read(t, raw.Bytes())
}

func TestEachKindOfMailIsWordedAndLeadsToItsPage(t *testing.T) {
	for kind, want := range map[identity.LetterKind]string{
		identity.ConfirmLetter: "https://app.example/confirm-email#code=mcv_abc",
		identity.ResetLetter:   "https://app.example/reset-password#code=mcv_abc",
		identity.InviteLetter:  "https://app.example/accept-invitation#code=mcv_abc",
		identity.KnownLetter:   "https://app.example/forgot-password",
		identity.InvitedLetter: "https://app.example/sign-in",
	} {
		l := letter()
		l.Kind = kind
		if !strings.Contains(want, "#") {
			l.Code = ""
		}
		header, text, html := rendered(t, l)
		subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
		if err != nil || !strings.Contains(subject, "Clinic & Söhne") {
			t.Errorf("%s: the subject is %q (%v)", kind, subject, err)
		}
		if !strings.Contains(text, "\n"+want+"\n") || !strings.Contains(text, "Clinic & Söhne") || strings.Contains(text, "%s") {
			t.Errorf("%s: the text is %q", kind, text)
		}
		if !strings.Contains(html, `href="`+want+`"`) || !strings.Contains(html, "Clinic &amp; Söhne") || strings.Contains(html, "%s") {
			t.Errorf("%s: the HTML is %q", kind, html)
		}
		if got := header.Get("Message-Id"); got != "<01980000-0000-7000-8000-000000000001@clinic.example>" || header.Get("Content-Language") != "en" {
			t.Errorf("%s: the headers are %v", kind, header)
		}
	}
}

func TestWhatNobodyHasWordsForIsSaidInEnglish(t *testing.T) {
	for _, locale := range []string{"", "tlh", "de-AT", "\r\nBcc: x@example.org"} {
		l := letter()
		l.Locale = locale
		if header, _, _ := rendered(t, l); header.Get("Content-Language") != "en" || header.Get("Bcc") != "" {
			t.Errorf("%q: the headers are %v", locale, header)
		}
	}
}

func TestNoFieldOfALetterCanBringAHeaderOrARecipientOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*identity.Letter, string)
	}{
		{"address", func(l *identity.Letter, s string) { l.To += access.Private(s) }},
		{"organization", func(l *identity.Letter, s string) { l.Organization += s }},
	} {
		for _, end := range []string{"\r\n", "\n", "\r", "\x00", "\u0085", "\u2028"} {
			l := letter()
			c.change(&l, end+"Bcc: mallory@example.org")
			if _, err := box(t, "file:///nowhere", nil).compose(l); !errors.As(err, new(identity.Undeliverable)) {
				t.Errorf("a %s with %q was answered with %v", c.name, end, err)
			}
		}
	}
	for _, to := range []access.Private{"ada@example.org, mallory@example.org", "ada@example.org>,<mallory@example.org", "", "ada"} {
		l := letter()
		l.To = to
		if m, err := box(t, "file:///nowhere", nil).compose(l); !errors.As(err, new(identity.Undeliverable)) {
			t.Errorf("%q was addressed to %v", to.Reveal(), m.GetToString())
		}
	}
}

func TestMarkupInANameIsText(t *testing.T) {
	l := letter()
	l.Organization = `<script>alert(1)</script>`
	if _, _, html := rendered(t, l); strings.Contains(html, "<script>") {
		t.Fatalf("the HTML is %q", html)
	}
}

func TestAFolderKeepsMailsForItsOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	b := box(t, "file://"+dir, nil)
	first, second := letter(), letter()
	second.ID = uuid.MustParse("01980000-0000-7000-8000-000000000002")
	for _, l := range []identity.Letter{first, second} {
		if err := b.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Fatalf("there are %v (%v)", files, err)
	}
	newest := files[1]
	raw, err := os.ReadFile(filepath.Join(dir, newest.Name()))
	if err != nil {
		t.Fatal(err)
	}
	header, text, _ := read(t, raw)
	info, err := newest.Info()
	if err != nil || newest.Name() != second.ID.String()+".eml" || info.Mode().Perm() != 0o600 {
		t.Fatalf("the newest is %s, %v (%v)", newest.Name(), info.Mode(), err)
	}
	if header.Get("To") != "<ada@example.org>" || header.Get("From") != `"MediConnect" <no-reply@clinic.example>` || !strings.Contains(text, "#code=mcv_abc") || !strings.Contains(string(raw), "#code=mcv_abc\n") {
		t.Fatalf("it says %v %q", header, text)
	}
}

func TestSettingsThatNameNoServerAreRefusedWithoutTheirSecrets(t *testing.T) {
	for _, bad := range []string{
		"", "smtp://", "mail.example.org:25", "http://user:s3cret@mail.example.org", "smtp://user:s3cret@mail.example.org/path", "file://relative/x", "file:relative",
		"smtp://user:s3cret@mail.example.org:99999999", "smtp://user:s3cret@%zz", "smtp://user:s3cret@mail.example.org?x=1",
	} {
		if err := Check(bad); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"smtp://mail.example.org", "smtps://user:s3cret@mail.example.org:465", "smtp://u:p@[::1]:2525/", "file:///var/mail"} {
		if err := Check(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "nobody", "a@b.example, c@d.example", "x\r\nBcc: a@b.example <a@b.example>"} {
		if CheckFrom(bad) == nil {
			t.Errorf("the sender %q was taken", bad)
		}
	}
}
