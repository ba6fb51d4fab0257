package flags

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/Unleash/unleash-client-go/v4/api"
)

// longest is how many bytes a list of flags may have, from Unleash or on disk: a few thousand flags.
const longest = 4 << 20

// stateFile is the last state in the folder of flags. It is written as Unleash's /api/client/features answers, so it can serve as a bootstrap
// elsewhere; when it was last touched is when Unleash last confirmed it.
const stateFile = "flags.json"

// What is wrong with a list.
var (
	errTooLong    = fmt.Errorf("flags: a list has more than %d bytes", longest)
	errUnreadable = errors.New("flags: a list can't be read")
)

// Read reads a list of flags as Unleash's /api/client/features answers. Segments are not taken.
func Read(text []byte) ([]api.Feature, error) {
	if len(text) > longest {
		return nil, errTooLong
	}
	var list struct {
		Features *[]api.Feature `json:"features"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&list); err != nil || list.Features == nil {
		return nil, errUnreadable
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errUnreadable
	}
	return *list.Features, nil
}

// The bootstraps that the program has with it: every switch off, and, for development, every switch on all the way.
var (
	//go:embed bootstrap/safe.json
	safe []byte
	//go:embed bootstrap/dev.json
	dev []byte
)

// ForDevelopment is a bootstrap that has everything on.
func ForDevelopment() []byte { return bytes.Clone(dev) }

// first is what holds before Unleash has answered: the last state on disk if there is an Unleash, else the bootstrap.
func (f *Flags) first() *rules {
	if f.opts.URL != nil && f.opts.Dir != "" {
		features, err := f.kept()
		if err == nil {
			return newRules(FromDisk, features)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			f.opts.Log.Error("the last state of the flags can't be read: the bootstrap holds until Unleash answers", "why", why(err))
		}
	}
	bootstrap := f.opts.Bootstrap
	if bootstrap == nil {
		bootstrap = safe
	}
	features, err := Read(bootstrap)
	if err != nil {
		f.opts.Log.Error("the bootstrap of flags can't be read: the safe defaults hold", "why", err.Error())
		return newRules(FromNowhere, nil)
	}
	return newRules(FromBootstrap, features)
}

// why says what is wrong with a file, without its path.
func why(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}

// kept reads the state on disk, and when it was confirmed.
func (f *Flags) kept() ([]api.Feature, error) {
	file, err := os.Open(filepath.Join(f.opts.Dir, stateFile))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, longest+1))
	if err != nil {
		return nil, err
	}
	features, err := Read(text)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	f.fresh.confirmed = info.ModTime()
	return features, nil
}

// keep writes the state in the place of the one before, whole or not at all.
func (f *Flags) keep(features []api.Feature) {
	if f.opts.Dir == "" {
		return
	}
	if err := replace(f.opts.Dir, features); err != nil {
		f.unsaved()
	}
}

func replace(dir string, features []api.Feature) (err error) {
	text, err := json.Marshal(map[string]any{"version": 2, "features": features})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".flags-*") // 0600, and a name of its own: several processes may share the folder
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Join(dir, stateFile))
}

// confirm notes on disk that Unleash has nothing else to say.
func (f *Flags) confirm() {
	if f.opts.Dir == "" {
		return
	}
	now := f.opts.Clock.Now()
	if err := os.Chtimes(filepath.Join(f.opts.Dir, stateFile), now, now); err != nil {
		f.unsaved()
	}
}
