package mail

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// folder keeps mails as files, for whoever develops: <Message-ID>.eml, and as ids rise with time, the last one is the newest.
type folder string

// put lets nobody see half a mail, nor another user any of it.
func (f folder) put(_ context.Context, m *gomail.Msg) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("make the folder of mails: %w", err)
	}
	id, _, _ := strings.Cut(strings.Trim(m.GetMessageID(), "<>"), "@")
	path := filepath.Join(string(f), id+".eml")
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	_, err = m.WriteTo(file)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	return os.Rename(path+".new", path)
}
