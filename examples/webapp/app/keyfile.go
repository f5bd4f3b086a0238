package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sealingKey returns the key that the library seals its data with. It is made
// at the first start, in a file beside the database that only its owner may
// read. A backup of the database without this file is worth nothing, and a
// thief of the database alone learns no secret.
func sealingKey(database string) ([]byte, error) {
	if err := ensureFolder(database); err != nil {
		return nil, fmt.Errorf("folder of the database: %w", err)
	}
	file := database + ".key"
	// Asked before the key is read: another process that starts makes the key first.
	_, noDatabase := os.Stat(database)
	text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		if noDatabase == nil {
			return nil, fmt.Errorf("%s is missing while %s is there: put the key back, or remove the database to start anew", file, database)
		}
		if err := makeKey(file); err != nil {
			return nil, fmt.Errorf("making the sealing key: %w", err)
		}
		text, err = os.ReadFile(file) //nolint:gosec // the operator names the file
	}
	if err != nil {
		return nil, fmt.Errorf("reading the sealing key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s does not hold 64 hex digits: put the right key back", file)
	}
	return key, nil
}

// makeKey writes a new key and then gives it its name, so that of two
// processes that start at once both read the same whole key.
func makeKey(file string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
