package app

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/flags"
)

// flags are those that the environment's settings name; without any, everything is on.
func (d *dev) flags() (*flags.Flags, error) {
	settings, err := Load[FlagSettings](d.opts.Environ)
	if err != nil {
		return nil, err
	}
	if settings.Bootstrap.text == nil {
		settings.Bootstrap.text = flags.ForDevelopment()
	}
	known, err := settings.open(d.log)
	if err != nil {
		return nil, err
	}
	d.atStop(known.Close)
	return known, nil
}

// devOverrides take anybody's wishes that are signed with a key of the data folder.
func devOverrides(key ed25519.PrivateKey) flags.Overrides {
	sum := sha256.Sum256(append([]byte("feature overrides "), key.Seed()...))
	return flags.Overrides{Key: sum[:], From: flags.Anybodies, Clock: clock.System{}}
}

// overrideKeyOf is that key as a setting.
func overrideKeyOf(key ed25519.PrivateKey) string {
	return base64.StdEncoding.EncodeToString(devOverrides(key).Key)
}
