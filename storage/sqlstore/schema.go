package sqlstore

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing/fstest"
	"time"
)

//go:embed schema
var embedded embed.FS

// Schema returns the numbered SQL files that make the tables of a dialect and
// a prefix, for those who migrate with a tool of their own: NNNN_name.up.sql,
// one statement each, beginning with "-- +goose Up". goose and golang-migrate
// take them as they are. The empty prefix means the default; one with a schema
// before it, such as "auth.mfa_", makes the tables there. Files are added
// later, never changed. Of an unknown dialect or an invalid prefix, every file
// is an error that says so.
func Schema(dialect Dialect, prefix string) fs.FS {
	files, err := schemaFiles(dialect, prefix)
	if err != nil {
		return brokenFS{err}
	}
	out := fstest.MapFS{} // a plain file system in memory; it links nothing of package testing
	for _, f := range files {
		out[f.name] = &fstest.MapFile{Data: []byte(f.text), Mode: 0o444}
	}
	return out
}

type brokenFS struct{ err error }

func (b brokenFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: b.err}
}

type schemaFile struct{ name, text string }

// schemaFiles returns the files in their order. In the files the prefix is
// the default one, so that they can be read and tried as they are.
func schemaFiles(dialect Dialect, prefix string) ([]schemaFile, error) {
	schema, prefix, qualified := strings.Cut(prefix, ".")
	if !qualified {
		schema, prefix = "", schema
	}
	prefix, err := Config{Schema: schema, TablePrefix: prefix}.prefix()
	if err != nil {
		return nil, err
	}
	dir := path.Join("schema", dialect.String())
	entries, err := embedded.ReadDir(dir)
	if err != nil {
		return nil, unknownDialect(dialect)
	}
	var out []schemaFile
	for _, entry := range entries {
		text, err := embedded.ReadFile(path.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, schemaFile{entry.Name(), strings.ReplaceAll(string(text), defaultPrefix, prefix)})
	}
	return out, nil
}

// Migrate makes the tables that are missing. It is never called unasked, does
// nothing where all is there, and may be called by several processes at once,
// or again after it was interrupted: each file is one statement that does
// nothing where it has been applied before. It is for apps without migrations
// of their own; the others apply [Schema].
//
// What fails is tried again for about a second: whatever the busy timeout,
// SQLite does not wait while another process puts a new file into WAL mode, and
// of two processes that make one table at once PostgreSQL turns one away.
func (s *Store) Migrate(ctx context.Context) error {
	files, err := schemaFiles(s.dialect, s.prefix)
	if err != nil {
		return err
	}
	pause := time.NewTicker(migratePause)
	defer pause.Stop()
	for range migrateTries {
		if err = s.migrate(ctx, files); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-pause.C:
		}
	}
	return err
}

const (
	migrateTries = 20
	migratePause = 50 * time.Millisecond
)

func (s *Store) migrate(ctx context.Context, files []schemaFile) error {
	for _, f := range files {
		if _, err := s.db.ExecContext(ctx, f.text); err != nil {
			return fmt.Errorf("sqlstore: migrate: %s: %w", f.name, err)
		}
	}
	return nil
}
